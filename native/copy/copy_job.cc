// Who copies what next, and what the journal hears of it. The copying itself is in small.cc and large.cc, what comes
// after it in harden.cc.
#include "copy/copy_job.h"

#include <fcntl.h>

#include <algorithm>

#include "base/names.h"
#include "copy/copy_job_files.h"
#include "os/locks.h"
#include "os/process.h"
#include "publish/barrier.h"

namespace axl {

namespace {

// What a batch has copied is DONE in one append, or copied again after a kill.
constexpr uint64_t kBatchBytes = 4 << 20;
// The same where one syncfs stands for the fsyncs of a batch.
constexpr size_t kSyncfsFiles = 1000;
constexpr uint64_t kSyncfsBytes = 32 << 20;

// May another kernel still bring bytes and times that a process which is dead has left to it? A process here cannot
// tell.
bool MayComeLate(Os& os, int fd, const TransferInfo& writer) {
  if (writer.host != HostName()) return true;
  return !IsThisBoot(writer) && LocksOf(os, fd).reach != LockReach::kThisHost;
}

}  // namespace

CopyJob::CopyJob(Os& os, Journal& journal, bool resuming, std::function<void()> on_quiet,
                 const std::optional<Policies>& keep)
    : CopyJob(os, journal, resuming, nullptr, std::move(on_quiet), keep.value_or(journal.state().info.keep)) {}

CopyJob::CopyJob(Os& os, Journal& journal, Arrivals arrivals, std::function<void()> on_quiet)
    : CopyJob(os, journal, true, &arrivals, std::move(on_quiet), journal.state().info.keep) {}

CopyJob::CopyJob(Os& os, Journal& journal, bool resuming, Arrivals* arrivals, std::function<void()> on_quiet,
                 const Policies& keep)
    : os_(os),
      journal_(journal),
      state_(journal.state()),
      adopter_(os, state_, keep),
      resuming_(resuming),
      adopting_(arrivals != nullptr),
      arrivals_(arrivals ? std::move(*arrivals) : Arrivals()),
      chunk_size_(state_.info.chunk_size),
      on_quiet_(std::move(on_quiet)) {
  FindDonors();
  for (uint32_t id = 0; id < state_.files.size(); id++) {
    const FileEntry& file = state_.files[id];
    const bool pending = state_.progress[id].state == FileState::kPending;
    if (pending && file.kind == FileKind::kHardLink && DonorOf(id) == nullptr) {
      links_[file.linked].push_back(id);  // made with the file whose inode it gets
    } else if (pending && IsMadeLast(id)) {
      last_.push_back(id);
    } else if (pending) {
      (IsLarge(id) ? large_ : small_).push_back(id);
    } else {
      done_++;
      bytes_ += state_.files[id].size;
    }
  }
}

CopyJob::~CopyJob() = default;

bool CopyJob::IsLarge(uint32_t id) const {
  const bool copied = !adopting_ && state_.files[id].kind == FileKind::kRegular && DonorOf(id) == nullptr;
  return copied && state_.files[id].size > chunk_size_;
}

// Writers of one file wait for each other, so each thread goes on with a file at which nobody else works, and begins
// another. Only when no file is left, small ones neither, the chunks of one are shared.
CopyJob::Piece CopyJob::Take() {
  Piece piece;
  if (stop_.load()) return piece;
  const auto least = std::min_element(open_.begin(), open_.end(), [](auto& a, auto& b) { return a->busy < b->busy; });
  if (least != open_.end() && (*least)->busy == 0) {
    TakeChunk(least, &piece);
  } else if (next_large_ < large_.size()) {
    const uint32_t id = large_[next_large_++];
    open_.push_back(std::make_shared<Large>(id, state_.files[id].size, chunk_size_));
    TakeChunk(open_.end() - 1, &piece);
  } else if (next_small_ < small_.size()) {
    TakeSmall(&piece);
  } else if (least != open_.end()) {
    TakeChunk(least, &piece);
  }
  return piece;
}

void CopyJob::TakeChunk(OpenFiles::iterator file, Piece* piece) {
  piece->large = *file;
  piece->chunk = piece->large->next++;
  piece->large->busy++;
  if (piece->large->next == piece->large->crcs.size()) open_.erase(file);
}

// Without syncfs it is a batch, with it as much as leaves some for the other threads.
size_t CopyJob::MostFiles() const {
  if (!MaySync()) return kBatchFiles;
  return std::clamp((small_.size() - next_small_) / engine_->workers(), kBatchFiles, kSyncfsFiles);
}

void CopyJob::TakeSmall(Piece* piece) {
  const size_t most = MostFiles();
  uint64_t bytes = 0;
  while (next_small_ < small_.size() && piece->small.size() < most &&
         bytes < (piece->small.size() < kBatchFiles ? kBatchBytes : kSyncfsBytes)) {
    const uint32_t id = small_[next_small_++];
    bytes += state_.files[id].size;
    piece->small.push_back(id);
  }
}

// One that waited for a thread needs one to end.
void CopyJob::Cancel() {
  stop_.store(true);
  if (engine_ != nullptr) engine_->Wake();
}

bool CopyJob::Step() {
  std::unique_lock lock(mutex_);
  Piece piece = Take();
  running_++;
  lock.unlock();
  if (piece.large)
    CopyChunk(*piece.large, piece.chunk);
  else if (!piece.small.empty())  // a thread that comes late finds nothing, and the journal perhaps closed
    CopyBatch(piece.small);
  lock.lock();
  if (piece.large) piece.large->busy--;
  lock.unlock();
  piece = {};  // what it has open is closed before the job may end
  return End();
}

// Of a step, or of a batch whose files were still waiting for their fsyncs. Is there more to take?
bool CopyJob::End() {
  {
    std::lock_guard lock(mutex_);
    running_--;
    const bool more = !stop_.load() && (!open_.empty() || next_large_ < large_.size() || next_small_ < small_.size());
    if (more || running_ > 0 || finished_) return more;
    finished_ = true;
    open_.clear();
  }
  Finish();
  return false;
}

// The last thread out: either everything is DONE and becomes committed, or the journal says why not. That needs no
// fsync: without FAILED and CANCELED the transfer is incomplete all the same.
void CopyJob::Finish() {
  for (uint32_t id : last_) MakeLast(id);
  std::unique_lock lock(journal_mutex_);
  Status s = failure_;
  if (s.ok() && state_.AllDone()) {
    s = Settle(os_, journal_, MadeDirectories(os_, state_, adopter_.keep()));
  } else if (s.ok()) {
    bool any_failed = false;
    for (const auto& p : state_.progress) any_failed |= p.state == FileState::kFailed;
    if (!any_failed) s = journal_.Append(CanceledRecord());
  }
  failure_ = s;
  lock.unlock();
  auto on_quiet = std::move(on_quiet_);
  quiet_.store(true, std::memory_order_release);
  if (on_quiet) on_quiet();
}

Status CopyJob::CreateTemporary(int dir, const std::string& path, Fd* fd) {
  const std::string name(BaseOf(path));
  const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
  *fd = Fd(os_, os_.Open(dir, name.c_str(), flags, 0600));
  if (fd->error() == EEXIST && resuming_) {
    // Of the run before us; the journal names it. What is not verified is not kept.
    if (int r = os_.Unlink(dir, name.c_str()); r < 0) return Status::Errno(-r, "unlink", path);
    *fd = Fd(os_, os_.Open(dir, name.c_str(), flags, 0600));
  }
  return fd->valid() ? Status::Ok() : Status::Errno(fd->error(), "open", path);
}

// What a killed run left of a large file, if it can go on: else it is copied anew.
Status CopyJob::OpenKept(int dir, const std::string& path, Fd* fd, bool* kept) {
  *fd = Fd(os_, os_.Open(dir, std::string(BaseOf(path)).c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  *kept = false;
  struct stat st;
  if (!fd->valid()) return Status::Ok();
  if (int r = os_.Fstat(fd->get(), &st); r < 0) return Status::Errno(-r, "fstat", path);
  if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_uid != os_.EffectiveUser()) return Status::Ok();
  // Chunks are verified as the disk has them, not as a cache does that a power cut would take.
  if (int r = journal_.durable() ? os_.Fsync(fd->get()) : 0; r < 0) return Status::Ok();
  (void)os_.DropCache(fd->get());
  *kept = true;
  return Status::Ok();
}

Status CopyJob::OpenTemporary(uint32_t id, const std::string& path, Left* left, ParentDirectory* parent, Fd* fd) {
  if (Status s = parent->Open(path); !s.ok()) return s;
  if (left != nullptr && !state_.progress[id].chunks.empty())
    if (Status s = OpenKept(parent->fd(), path, fd, &left->kept); !s.ok()) return s;
  if (left == nullptr || !left->kept) return CreateTemporary(parent->fd(), path, fd);
  if (!MayComeLate(os_, fd->get(), state_.info)) return Status::Ok();
  left->old = std::move(*fd);
  return CreateTemporary(parent->fd(), path, fd);  // which takes the name away from the old one
}

DoneRecord CopyJob::DoneOf(const Arrived& file, uint32_t id) const {
  const Given& g = file.given;
  const bool made = state_.files[id].kind == FileKind::kGenerated;
  const uint64_t size = made ? state_.contents.at(id).size() : state_.files[id].size;
  return DoneRecord{id, file.temporary, size, file.crc, g.uid, g.gid, g.mode, g.lacking};
}

void CopyJob::RecordDone(std::vector<Record> done) {
  if (done.empty()) return;
  std::lock_guard lock(journal_mutex_);
  if (const Status s = journal_.Append(done); !s.ok()) return JournalFailed(s);
  done_.fetch_add(done.size(), std::memory_order_relaxed);
}

Status CopyJob::AppendBeside(std::span<Record> records) {
  std::lock_guard lock(journal_mutex_);
  return journal_.AppendDurably(records);
}

void CopyJob::RecordFailed(uint32_t id, const Status& failure) {
  if (failure.code == Code::kCanceled) return;
  std::lock_guard lock(journal_mutex_);
  // Invariant 6: the first error is kept.
  if (state_.progress[id].state == FileState::kFailed || unrecorded_.contains(id)) return;
  failed_.fetch_add(1, std::memory_order_relaxed);
  const Status s = journal_.Append(FailedRecord{id, failure});
  if (s.ok()) return;
  unrecorded_.emplace(id, failure);
  JournalFailed(s);
}

// Without a journal nothing that is copied counts. REQUIRES: journal_mutex_ is held.
void CopyJob::JournalFailed(const Status& status) {
  if (failure_.ok()) failure_ = status;
  stop_.store(true);
}

}  // namespace axl
