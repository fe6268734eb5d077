// The state file on the disk. Only here is one created, locked, written, cut or unlinked.
#include "journal/journal.h"

#include <fcntl.h>
#include <sys/random.h>

#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "base/names.h"
#include "journal/apply.h"
#include "journal/axl_file.h"
#include "journal/file_source.h"
#include "journal/writer.h"
#include "os/process.h"
#include "os/same.h"

namespace axl {

namespace {

constexpr int kDrafts = 100;
constexpr auto kLook = std::chrono::milliseconds(1);

Uuid NewUuid() {
  Uuid uuid{};
  // Cannot fail for 16 bytes once the system has booted; a repeated id would still meet O_EXCL.
  while (getrandom(uuid.data(), uuid.size(), 0) != static_cast<ssize_t>(uuid.size())) {
  }
  uuid[6] = static_cast<uint8_t>((uuid[6] & 0x0f) | 0x40);
  uuid[8] = static_cast<uint8_t>((uuid[8] & 0x3f) | 0x80);
  return uuid;
}

Status WithRemedy(Status status, std::string remedy) {
  status.detail = std::move(remedy);
  return status;
}

// Before anything is made: the rename says the same, but a draft would have come and gone.
Status CheckFree(Os& os, const std::string& path) {
  struct stat st;
  const int r = os.Stat(AT_FDCWD, path.c_str(), &st, AT_SYMLINK_NOFOLLOW);
  if (r == -ENOTDIR) return Status::Errno(ENOTDIR, "open", path);
  const std::string directory =
      "stateFile is a directory: give it as stateDir, and the state file in it is called NAME.RANK";
  if (r < 0 && path.ends_with('/')) return WithRemedy(Status::Errno(EISDIR, "open", path), directory);
  if (r < 0) return Status::Ok();
  const std::string exists = "a state file of that name exists: take it over with Transfer.open, or finalize it";
  return Status::Make(Code::kStateExists, S_ISDIR(st.st_mode) ? directory : exists, path);
}

}  // namespace

Journal::~Journal() = default;

std::string Journal::Directory() const { return std::string(ParentOf(path_)); }

Status Journal::Create(Os& os, const std::string& path, const TransferInfo& info, std::unique_ptr<Journal>* out) {
  if (Status s = CheckFree(os, path); !s.ok()) return s;
  // A finalizer that comes between our open and our lock takes the draft for an orphan, and removes it.
  Status s;
  for (int tries = 0; tries < kDrafts; tries++) {
    out->reset(new Journal(os, path));
    bool lost = false;
    s = (*out)->MakeDraft(info, &lost);
    if (!lost) break;
  }
  if (!s.ok()) out->reset();
  return s;
}

Status Journal::BeginToBeat(uint32_t every_ms) {
  if (every_ms == 0) return Status::Ok();
  heartbeat_ = std::make_unique<Heartbeat>(os_, fd_.get(), every_ms);
  if (heartbeat_->beats()) return Status::Ok();
  return WithRemedy(Status::Errno(EAGAIN, "pthread_create", path_),
                    "its heartbeat needs a thread, and the system has none left: see ulimit -u and pids.max");
}

Status Journal::MakeDraft(const TransferInfo& info, bool* lost) {
  replay_.state.uuid = NewUuid();
  TransferRecord begin{info};
  DescribeProcess(&begin.info);
  const std::string draft = Join(Directory(), "." + Hex(uuid().data(), uuid().size()) + ".new");
  fd_ = Fd(os_, os_.Open(AT_FDCWD, draft.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  if (fd_.error() == ENOENT)
    return WithRemedy(Status::Errno(ENOENT, "open", path_),
                      "the directory of the state file must exist: make it before the transfer is created");
  if (!fd_.valid()) return Status::Errno(fd_.error(), "open", path_);
  Status s = LockDraft(draft, lost);
  if (s.ok()) s = IdentifyDraft(&begin.info);
  if (s.ok()) s = BeginToBeat(info.heartbeat_ms);
  if (s.ok()) s = WriteDraft(draft, std::move(begin));
  if (s.ok()) return s;
  (void)os_.Unlink(AT_FDCWD, draft.c_str());
  if (named_) (void)os_.Unlink(AT_FDCWD, path_.c_str());
  return s;
}

Status Journal::LockDraft(const std::string& draft, bool* lost) {
  const int locked = os_.Lock(fd_.get());
  struct stat st;
  const int there = os_.Stat(AT_FDCWD, draft.c_str(), &st, AT_SYMLINK_NOFOLLOW);
  *lost = locked == -EWOULDBLOCK || there == -ENOENT;
  return there < 0 ? Status::Errno(-there, "stat", path_) : Status::Ok();
}

// Which file this is, which directory it is made in, and which dataset it belongs to.
Status Journal::IdentifyDraft(TransferInfo* into) {
  TransferInfo& info = *into;
  Seen seen;
  if (int r = os_.Look(fd_.get(), "", &seen); r < 0) return Status::Errno(-r, "statx", path_);
  info.self = self_ = LastingIdentityOf(seen);
  struct stat st;
  std::string home;
  const std::string dir = Directory();
  if (int r = os_.Stat(AT_FDCWD, dir.c_str(), &st, 0); r < 0) return Status::Errno(-r, "stat", dir);
  info.directory.inode = st.st_ino;
  const std::string& given = info.home.empty() ? dir : info.home;
  if (int r = os_.RealPath(given.c_str(), &home); r < 0) return Status::Errno(-r, "realpath", given);
  if (!info.home.empty()) {
    info.home = home;
    if (int r = os_.Stat(AT_FDCWD, home.c_str(), &st, 0); r < 0) return Status::Errno(-r, "stat", home);
    if (!S_ISDIR(st.st_mode)) return Status::Errno(ENOTDIR, "stat", home);
    info.home_identity.inode = st.st_ino;
  }
  if (info.dataset == Uuid{}) info.dataset = DatasetId(info, home, os_.EffectiveUser());
  return Status::Ok();
}

Status Journal::WriteDraft(const std::string& draft, TransferRecord begin) {
  const std::string header = JournalWriter::Header(uuid());
  if (int r = WriteAll(os_, fd_.get(), header.data(), header.size(), 0); r < 0)
    return Status::Errno(-r, "write", path_);
  end_ = header.size();
  if (Status s = Append(std::move(begin)); !s.ok()) return s;
  // The bytes first: after a power cut the name must not stand for an empty file.
  if (Status s = Sync(); !s.ok()) return s;
  if (int r = os_.RenameNew(AT_FDCWD, draft.c_str(), path_.c_str()); r == -EEXIST)
    return Status::Make(Code::kStateExists,
                        "a state file of that name exists: take it over with Transfer.open, or finalize it", path_);
  else if (r < 0)
    return Status::Errno(-r, "rename", path_);
  named_ = true;
  return SyncDirectory();
}

Status Journal::Open(Os& os, const std::string& path, OpenOptions options, std::unique_ptr<Journal>* out) {
  std::unique_ptr<Journal> j(new Journal(os, path));
  if (options.dir != AT_FDCWD) {
    j->dir_ = options.dir;
    j->name_ = BaseOf(path);
  }
  j->may_be_axl_ = options.axl;
  j->sources_ = options.sources;
  j->real_paths_ = options.real;
  Status s = j->OpenFile();
  const Word word = options.word ? *options.word : Word{};
  if (s.ok()) s = j->LockAndCheck(word);
  if (s.ok()) s = j->ReadAll();
  if (s.ok()) s = j->CheckCopy(options.adopt);
  if (s.ok()) s = j->CheckWriterIsDead(word);
  // A live writer's file may have two for a moment: where a name is made by link and unlink.
  if (s.ok() && j->names_ != 1)
    s = Status::Make(Code::kUnsafePath, "the state file has a second name (hard link), so it cannot be trusted", path);
  if (s.ok()) s = CheckNeeds(j->state(), word.answers);
  if (s.ok()) s = j->BeginToBeat(j->state().info.heartbeat_ms);
  if (s.ok() && j->copy_) s = j->Adopt();
  if (!s.ok() && s.path.empty()) s.path = path;
  *out = std::move(j);
  return s;
}

Status Journal::OpenFile() {
  // O_NONBLOCK: a FIFO of that name must not hold us up; it is refused below.
  const int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  fd_ = Fd(os_, os_.Open(dir_, name_.c_str(), O_RDWR | flags));
  if (fd_.error() == ELOOP) return Status::Make(Code::kUnsafePath, "the state file is a symbolic link", path_);
  const Status refused = Status::Errno(fd_.error(), "open", path_);
  const bool writable = fd_.valid();
  if (!writable) fd_ = Fd(os_, os_.Open(dir_, name_.c_str(), O_RDONLY | flags));
  Seen seen;
  if (!fd_.valid()) return refused;
  if (int r = os_.Look(fd_.get(), "", &seen); r < 0) return Status::Errno(-r, "statx", path_);
  self_ = LastingIdentityOf(seen);
  if (!S_ISREG(seen.st.st_mode)) return Status::Make(Code::kUnsafePath, "the state file is not a regular file", path_);
  uint8_t begin[kRecognizedBytes];
  const ssize_t n = ReadFull(os_, fd_.get(), begin, sizeof begin, 0);
  if (n < 0) return Status::Errno(static_cast<int>(-n), "read", path_);
  recognized_ = Recognize(begin, static_cast<size_t>(n));
  is_axl_ = may_be_axl_ && !recognized_ && IsOfAxl(begin, static_cast<size_t>(n), BaseOf(path_));
  recognized_ |= is_axl_;
  if (!recognized_) return Status::Make(Code::kStateCorrupt, "this is not a state file", path_);
  return writable ? Status::Ok() : refused;
}

Status Journal::LockAndCheck(const Word& word) {
  locked_ = ToLocked(os_.Lock(fd_.get()));
  if (locked_ == Locked::kHeld) {
    // Whoever only looks (inspect, list) tries the lock for an instant.
    std::this_thread::sleep_for(kLook);
    locked_ = ToLocked(os_.Lock(fd_.get()));
  }
  if (locked_ == Locked::kHeld && word.empty()) return CheckWriterIsDead(word);
  // By its name: whoever held the lock before us may have removed the file. And anew: it may have grown till then.
  struct stat st;
  if (int r = os_.Stat(dir_, name_.c_str(), &st, AT_SYMLINK_NOFOLLOW); r < 0) return Status::Errno(-r, "stat", path_);
  if (st.st_ino != self_.inode) return Status::Errno(ENOENT, "stat", path_);
  size_ = static_cast<uint64_t>(st.st_size);
  if (st.st_uid != os_.EffectiveUser())
    return Status::Make(Code::kUnsafePath, "the state file belongs to uid " + std::to_string(st.st_uid), path_);
  names_ = st.st_nlink;
  return Status::Ok();
}

Status Journal::ReadAll() {
  if (is_axl_) return ReadAxl();
  if (size_ > kMaxJournal)
    return Status::Make(Code::kStateCorrupt, "the file is larger than any state file (256 MiB)", path_);
  FileSource source(os_, fd_.get());
  Status s = ReplayJournal(source, size_, &replay_, &unconfirmed_);
  s.path = path_;
  end_ = durable_ = replay_.valid_bytes;
  if (state().confirmed) unconfirmed_ = {};
  return s;
}

Status Journal::CheckCopy(bool adopt) {
  const Status original = CheckOriginal(os_, fd_.get(), self_, state().info.self, path_);
  copy_ = !original.ok();
  return adopt ? Status::Ok() : original;
}

// Of a copy nothing but the process tells: the writer has another file open, and locked.
Status Journal::CheckWriterIsDead(const Word& word) {
  return copy_ ? IsWriterOfCopyAlive(state().info, word, path_).why
               : IsAlive(os_, fd_.get(), locked_, state().info, word, path_).why;
}

// What it was a copy of is not there any more, or is nobody's business: the caller says so.
Status Journal::Adopt() {
  if (state().outcome != Outcome::kNone) return Status::Ok();  // nothing stands behind FINAL, and nothing is to be done
  struct stat dir;
  if (int r = os_.Stat(AT_FDCWD, Directory().c_str(), &dir, 0); r < 0) return Status::Errno(-r, "stat", Directory());
  Record adopted = AdoptedRecord{self_, {.inode = dir.st_ino}};
  return AppendDurably({&adopted, 1});
}

Status Journal::AppendDurably(std::span<Record> records) {
  Status s = Append(records);
  if (s.ok()) s = Sync();
  if (s.ok() && state().settled) Confirm();
  return s;
}

Status Journal::Poison(Status status) {
  poisoned_ = status;
  return status;
}

Status Journal::Append(std::span<Record> records) {
  if (!poisoned_.ok()) return poisoned_;
  if (records.empty()) return Status::Ok();
  if (is_axl_) return ApplyOnly(records);
  JournalWriter w(uuid(), replay_.next_sequence);
  for (const Record& r : records) w.Write(r);
  if (!w.fits())
    return Status::Make(Code::kNotSupported, "a file has too many extended attributes for a record of 1 MiB", path_);
  if (end_ + w.bytes().size() > kMaxJournal)
    return Status::Make(Code::kNotSupported, "the transfer has too many files for a state file of 256 MiB: split it",
                        path_);
  if (Status s = Write(w.bytes()); !s.ok()) return s;
  const uint64_t before = end_;
  end_ += w.bytes().size();
  replay_.next_sequence = w.sequence();
  for (Record& r : records)
    if (const char* broken = Apply(std::move(r), &replay_.state)) {
      (void)Cut(before);
      return Poison(Status::Make(Code::kStateCorrupt, std::string("a fault of this program: ") + broken, path_));
    }
  return Status::Ok();
}

// All of it, or nothing.
Status Journal::Write(std::string_view bytes) {
  // A torn tail is cut off first: bytes after our record would make the next reader call it corrupt.
  if (replay_.torn) {
    if (int r = os_.Truncate(fd_.get(), static_cast<off_t>(end_)); r < 0)
      return Poison(Status::Errno(-r, "ftruncate", path_));
    replay_.torn = false;
  }
  const int r = WriteAll(os_, fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(end_));
  if (r == 0) return Status::Ok();
  const Status failed = Status::Errno(-r, "write", path_);
  return os_.Truncate(fd_.get(), static_cast<off_t>(end_)) < 0 ? Poison(failed) : failed;
}

// Afterwards state() is what the bytes say that are left.
Status Journal::Cut(uint64_t end) {
  const int cut = os_.Truncate(fd_.get(), static_cast<off_t>(end));
  if (cut == 0) end_ = end;
  Replay left;
  FileSource source(os_, fd_.get());
  Status read = ReplayJournal(source, end_, &left);
  if (read.path.empty()) read.path = path_;
  if (cut < 0 || !read.ok()) undone_ = state();
  if (cut < 0) return Status::Errno(-cut, "ftruncate", path_);
  if (!read.ok()) return read;
  undone_ = std::exchange(replay_.state, std::move(left.state));
  replay_.next_sequence = left.next_sequence;
  return Status::Ok();
}

Status Journal::Sync() {
  if (!poisoned_.ok()) return poisoned_;
  if (is_axl_ || !durable() || (unconfirmed_.empty() && end_ == durable_)) return Status::Ok();
  if (Status s = WriteAgain(); !s.ok()) return s;
  const int r = os_.Fsync(fd_.get());
  if (r == 0) {
    durable_ = end_;
    return Status::Ok();
  }
  (void)Cut(durable_);
  return Poison(Status::Errno(-r, "fsync", path_));
}

Status Journal::WriteAgain() {
  if (unconfirmed_.empty()) return Status::Ok();
  if (int r = WriteAll(os_, fd_.get(), unconfirmed_.data(), unconfirmed_.size(), 0); r < 0)
    return Poison(Status::Errno(-r, "write", path_));
  unconfirmed_.clear();
  return Status::Ok();
}

void Journal::Confirm() {
  if (durable() && Append(ConfirmedRecord()).ok()) durable_ = end_;
}

Status Journal::CutBack(Mark mark) {
  if (!poisoned_.ok()) return poisoned_;
  const Status s = Cut(mark.end);
  return s.ok() ? s : Poison(s);
}

Status Journal::Remove() {
  struct stat st;
  int r = os_.Stat(dir_, name_.c_str(), &st, AT_SYMLINK_NOFOLLOW);
  if (r == -ENOENT) return Status::Ok();
  if (r < 0) return Status::Errno(-r, "stat", path_);
  if (st.st_ino != self_.inode && !IsNamed())
    return Status::Make(Code::kVerify, "another file has replaced the state file", path_);
  r = os_.Unlink(dir_, name_.c_str());
  return r < 0 && r != -ENOENT ? Status::Errno(-r, "unlink", path_) : Status::Ok();
}

// Where inode numbers mean nothing, the header tells whose name it is.
bool Journal::IsNamed() {
  Fd fd(os_, os_.Open(dir_, name_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid() || WorthOf(os_, fd.get()).files) return false;
  const std::string header = JournalWriter::Header(uuid());
  std::string named(header.size(), '\0');
  return ReadFull(os_, fd.get(), named.data(), named.size(), 0) == static_cast<ssize_t>(named.size()) &&
         named == header;
}

Status Journal::SyncDirectory() {
  if (!durable()) return Status::Ok();
  const std::string dir = Directory();
  Fd fd(os_, os_.Open(AT_FDCWD, dir.c_str(), O_RDONLY | O_DIRECTORY));
  if (!fd.valid()) return Status::Errno(fd.error(), "open", dir);
  if (int r = os_.Fsync(fd.get()); r < 0) return Status::Errno(-r, "fsync", dir);
  return Status::Ok();
}

Status Journal::RemoveDraft(Os& os, const std::string& path) {
  Fd fd(os, os.Open(AT_FDCWD, path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return Status::Errno(fd.error(), "open", path);
  // Without locks nobody can tell a draft of a killed create from one that is being written.
  if (int r = os.Lock(fd.get()); r < 0) return Status::Make(Code::kStateLocked, "a transfer is being created", path);
  struct stat st, named;
  if (int r = os.Fstat(fd.get(), &st); r < 0) return Status::Errno(-r, "fstat", path);
  if (int r = os.Stat(AT_FDCWD, path.c_str(), &named, AT_SYMLINK_NOFOLLOW); r < 0)
    return Status::Errno(-r, "stat", path);
  if (!S_ISREG(st.st_mode) || st.st_uid != os.EffectiveUser() || st.st_ino != named.st_ino)
    return Status::Make(Code::kUnsafePath, "this is not an unfinished state file of this user", path);
  if (int r = os.Unlink(AT_FDCWD, path.c_str()); r < 0) return Status::Errno(-r, "unlink", path);
  return Status::Ok();
}

}  // namespace axl
