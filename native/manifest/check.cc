// Threads that take file after file, and at the end each other's large ones. The CRC of a large file is the sum of what
// each piece adds to it, in any order: so nothing is kept of a piece.
#include "manifest/check.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <memory>
#include <mutex>

#include "base/crc32c.h"
#include "base/meter.h"
#include "base/names.h"
#include "os/directories.h"
#include "os/sum.h"

namespace axl {

namespace {

// So large that a thread reads on without a pause, so small that no thread waits long for the last one.
constexpr uint64_t kPiece = 8 << 20;
constexpr uint64_t kMostText = 1 << 30, kText = 1 << 20;  // of a manifest; of it at a time
constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

// A thread takes so many small files at a time: most are of the directory that it has open.
constexpr size_t kTaken = 16;
constexpr uint64_t kTakenBytes = 256 << 10;

struct Verdict {
  FileVerdict verdict = FileVerdict::kUnchecked;
  Status why = {};  // of all but kOk and kUnchecked
};

struct Large {
  size_t index = 0;
  std::string path;
  uint32_t crc = 0;  // that it should have
  uint64_t size = 0;
  Fd fd = {};
  std::atomic<uint64_t> next{0};  // the offset of the next piece
  std::atomic<uint64_t> left{0};  // bytes that are not summed yet
  std::atomic<uint32_t> sum{0};
  std::mutex failing = {};
  Status failure = {};  // guarded by failing: the first
};

Verdict Changed(std::string detail, const std::string& path) {
  return {FileVerdict::kChanged, Status::Make(Code::kVerify, std::move(detail), path)};
}

Verdict NoFile(const struct stat& st, const std::string& path) {
  if (S_ISLNK(st.st_mode)) return Changed("it is a symbolic link now, which is not followed", path);
  return Changed(S_ISDIR(st.st_mode) ? "it is a directory now" : "it is no regular file", path);
}

Verdict OfCall(int err, const char* call, const std::string& path) {
  const bool missing = err == ENOENT || err == ENOTDIR;
  return {missing ? FileVerdict::kMissing : FileVerdict::kUnreadable, Status::Errno(err, call, path)};
}

Verdict OfParent(Status why, const std::string& path) {
  if (why.code == Code::kUnsafePath) return {FileVerdict::kChanged, std::move(why)};
  return why.err == 0 ? Verdict{FileVerdict::kUnreadable, std::move(why)} : OfCall(why.err, why.call.c_str(), path);
}

Verdict OfSum(const Status& read, uint32_t sum, uint32_t expected, const std::string& path) {
  if (read.code == Code::kCanceled) return {};
  if (read.code == Code::kVerify) return Changed("it became shorter while it was read", path);
  if (!read.ok()) return {FileVerdict::kUnreadable, read};
  if (sum == expected) return {FileVerdict::kOk, {}};
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "its CRC-32C is %08x, not %08x", sum, expected);
  return Changed(text.data(), path);
}

// Looked at before it is opened, because to open a device may do something to it. What has come there since is no link,
// and blocks nobody; a FIFO cannot be read at an offset.
Verdict Open(Os& os, const std::string& path, ParentDirectory* parent, Fd* fd, uint64_t* size) {
  if (Status s = parent->Open(path); !s.ok()) return OfParent(std::move(s), path);
  const char* const name = BaseOf(path).data();  // the end of the path, and of its text
  struct stat st;
  if (const int r = os.Stat(parent->fd(), name, &st, AT_SYMLINK_NOFOLLOW); r < 0) return OfCall(-r, "stat", path);
  if (!S_ISREG(st.st_mode)) return NoFile(st, path);
  *fd = Fd(os, os.Open(parent->fd(), name, kFlags));
  if (!fd->valid()) return OfCall(fd->error(), "open", path);
  *size = static_cast<uint64_t>(st.st_size);
  return {FileVerdict::kOk, {}};
}

// Gives the files away, in their order, as long as it is not too late.
class Queue {
 public:
  struct Item {
    const ManifestFile* file = nullptr;
    const Part* part = nullptr;
    size_t index = 0;
  };

  Queue(const std::vector<Part>& parts, Deadline until) : parts_(parts), until_(until) {}

  // Some that together are small, or one. 0: there is none left. Thread-safe.
  size_t Take(std::array<Item, kTaken>* out) {
    const std::lock_guard lock(mutex_);
    if (given_ > 0 && std::chrono::steady_clock::now() >= until_) return 0;
    uint64_t bytes = 0;
    size_t n = 0;
    while (n < kTaken && bytes < kTakenBytes && part_ < parts_.size()) {
      const Part& part = parts_[part_];
      if (at_ == part.files.size()) {
        part_++;
        at_ = 0;
        continue;
      }
      const ManifestFile& file = part.files[at_++];
      (*out)[n++] = {&file, &part, given_++};
      bytes += file.size.value_or(kTakenBytes);
    }
    return n;
  }

  // REQUIRES: nobody takes any more.
  size_t given() const { return given_; }

 private:
  const std::vector<Part>& parts_;
  const Deadline until_;
  std::mutex mutex_;
  size_t part_ = 0, at_ = 0, given_ = 0;
};

size_t CountOf(const std::vector<Part>& parts) {
  size_t n = 0;
  for (const Part& part : parts) n += part.files.size();
  return n;
}

class Checking {
 public:
  Checking(Os& os, const Engine& engine, const std::vector<Part>& parts, const std::atomic<bool>& stop, Deadline until)
      : os_(os), ending_(engine.stopping()), queue_(parts, until), stop_(stop) {
    checked_.verdicts.resize(CountOf(parts), FileVerdict::kUnchecked);
  }

  // One thread's part. When all have returned, every file is checked.
  void Run() {
    TakeFiles();
    while (const auto large = Unfinished()) ReadOn(*large);
  }

  Checked Take() {
    if (!Stops()) checked_.verdicts.resize(queue_.given());
    std::sort(checked_.problems.begin(), checked_.problems.end(),
              [](const Problem& a, const Problem& b) { return a.index < b.index; });
    return std::move(checked_);
  }

 private:
  bool Stops() const { return stop_ || ending_; }

  void TakeFiles() {
    taking_++;
    ParentDirectory parent(os_);
    std::array<Queue::Item, kTaken> taken;
    std::string path;
    while (const size_t n = Stops() ? 0 : queue_.Take(&taken)) {
      for (size_t i = 0; i < n && !Stops(); i++) One(taken[i], &path, &parent);
    }
    const std::lock_guard lock(mutex_);
    taking_--;
    changed_.notify_all();
  }

  void One(const Queue::Item& item, std::string* path, ParentDirectory* parent) {
    const ManifestFile& file = *item.file;
    path->assign(item.part->directory);
    if (!path->ends_with('/')) path->push_back('/');
    path->append(file.name);
    Fd fd;
    uint64_t size = 0;
    Verdict opened = Open(os_, *path, parent, &fd, &size);
    if (opened.verdict != FileVerdict::kOk)
      Tell(item.index, std::move(opened));
    else if (file.size && *file.size != size)
      Tell(item.index, Changed("it has " + std::to_string(size) + " bytes, not " + std::to_string(*file.size), *path));
    else if (size > kPiece)
      ReadOn(*Share(item.index, file.crc, *path, size, std::move(fd)));
    else
      Tell(item.index, Small(file, fd.get(), *path, size));
  }

  Verdict Small(const ManifestFile& file, int fd, const std::string& path, uint64_t size) {
    const Metered metered(size);
    uint32_t sum = 0;
    const Status read = SumBytes(os_, fd, path, 0, size, stop_, &sum);
    return OfSum(read, sum, file.crc, path);
  }

  std::shared_ptr<Large> Share(size_t index, uint32_t crc, const std::string& path, uint64_t size, Fd fd) {
    auto large = std::make_shared<Large>();
    large->index = index;
    large->path = path;
    large->crc = crc;
    large->size = large->left = size;
    large->fd = std::move(fd);
    const std::lock_guard lock(mutex_);
    large_.push_back(large);
    changed_.notify_all();
    return large;
  }

  // A large file of which there are pieces left, as soon as there is one. nullptr: there will be none.
  std::shared_ptr<Large> Unfinished() {
    std::unique_lock lock(mutex_);
    const auto find = [this] {
      while (!large_.empty() && large_.front()->next >= large_.front()->size) large_.pop_front();
      return !large_.empty();
    };
    changed_.wait(lock, [&] { return find() || taking_ == 0; });
    return large_.empty() ? nullptr : large_.front();
  }

  void ReadOn(Large& large) {
    for (uint64_t at; (at = large.next.fetch_add(kPiece)) < large.size;) Piece(large, at);
  }

  void Piece(Large& large, uint64_t at) {
    const uint64_t length = std::min(kPiece, large.size - at), behind = large.size - at - length;
    const Metered metered(length);
    uint32_t sum = 0;
    Status read = SumBytes(os_, large.fd.get(), large.path, at, length, ending_ ? ending_ : stop_, &sum);
    large.sum ^= Crc32cCombine(sum, 0, behind);
    if (!read.ok()) {
      const std::lock_guard lock(large.failing);
      if (large.failure.ok()) large.failure = std::move(read);
      const uint64_t skipped = SkipRest(large);
      if (large.left.fetch_sub(length + skipped) == length + skipped) Finish(large, large.failure);
    } else if (large.left.fetch_sub(length) == length) {
      const std::lock_guard lock(large.failing);
      Finish(large, large.failure);
    }
  }

  // Nobody begins another piece. @returns the bytes of those that nobody has begun
  static uint64_t SkipRest(Large& large) {
    const uint64_t next = large.next.exchange(large.size);
    return next < large.size ? large.size - next : 0;
  }

  void Finish(Large& large, const Status& failure) {
    Tell(large.index, OfSum(failure, large.sum, large.crc, large.path));
    large.fd.Reset();
  }

  void Tell(size_t index, Verdict verdict) {
    checked_.verdicts[index] = verdict.verdict;
    if (verdict.why.ok()) return;
    const std::lock_guard lock(mutex_);
    checked_.problems.push_back({index, std::move(verdict.why)});
  }

  Os& os_;
  const std::atomic<bool>& ending_;
  Queue queue_;
  const std::atomic<bool>& stop_;
  std::mutex mutex_;
  Checked checked_;                           // each verdict is written by one thread; the problems: guarded by mutex_
  std::deque<std::shared_ptr<Large>> large_;  // guarded by mutex_
  std::atomic<unsigned> taking_{0};           // threads that may yet share a file; becomes less under mutex_
  std::condition_variable changed_;           // large_, or taking_
};

// DT_DIR; DT_LNK; DT_REG for all that is neither; DT_UNKNOWN: it is gone, or `why` it cannot be told.
unsigned char TypeOf(Os& os, int dir, const OsDirEntry& entry, const std::string& path, Status* why) {
  unsigned char type = entry.type;
  struct stat st {};
  if (type == DT_UNKNOWN) {
    const int r = os.Stat(dir, entry.name.c_str(), &st, AT_SYMLINK_NOFOLLOW);
    if (r < 0 && r != -ENOENT) *why = Status::Errno(-r, "stat", path);
    if (r < 0) return DT_UNKNOWN;
    type = IFTODT(st.st_mode);
  }
  if (type != DT_DIR && type != DT_LNK) type = DT_REG;
  return type;
}

}  // namespace

Checked CheckFiles(Os& os, Engine& engine, const std::vector<Part>& parts, unsigned threads,
                   const std::atomic<bool>& stop, Deadline until) {
  Checking checking(os, engine, parts, stop, until);
  engine.ParallelFor(threads, threads, [&](size_t) { checking.Run(); });
  return checking.Take();
}

Status LoadManifest(Os& os, const std::string& path, Manifest* out) {
  ParentDirectory parent(os);
  Fd fd;
  uint64_t size = 0;
  Verdict opened = Open(os, path, &parent, &fd, &size);
  if (opened.why.code == Code::kVerify)
    return Status::Make(Code::kNotSupported, "a manifest is a regular file, and this is none", path);
  if (!opened.why.ok()) return std::move(opened.why);
  if (size > kMostText) return Status::Make(Code::kNotSupported, "it has more than 1 GiB, and is no manifest", path);
  std::string piece(std::min(size, kText), '\0');
  uint64_t at = 0;
  Status status;
  const auto next = [&] {
    const size_t wanted = std::min<uint64_t>(piece.size(), size - at);
    const ssize_t n = ReadFull(os, fd.get(), piece.data(), wanted, static_cast<off_t>(at));
    if (n < 0) status = Status::Errno(static_cast<int>(-n), "read", path);
    const auto got = static_cast<size_t>(std::max<ssize_t>(n, 0));
    at += got;
    return std::string_view(piece).substr(0, got);
  };
  *out = ReadManifest(next, path);
  return status;
}

Listing ListBelow(Os& os, const Engine& engine, const std::string& dir, const std::atomic<bool>& stop) {
  Listing listing;
  std::deque<std::string> pending = {dir};
  for (; !pending.empty() && !stop && !engine.stopping(); pending.pop_front()) {
    const std::string& at = pending.front();
    std::vector<OsDirEntry> entries;
    const Fd fd(os, os.OpenNoLinks(AT_FDCWD, at.c_str(), O_RDONLY | O_DIRECTORY));
    const int r = fd.valid() ? os.List(fd.get(), &entries) : -fd.error();
    if (r < 0 && (r != -ENOENT || at == dir))
      listing.unreadable.push_back(Status::Errno(-r, fd.valid() ? "readdir" : "open", at));
    for (const OsDirEntry& entry : entries) {
      std::string path = Join(at, entry.name);
      Status s;
      const unsigned char type = TypeOf(os, fd.get(), entry, path, &s);
      if (!s.ok()) listing.unreadable.push_back(std::move(s));
      if (type == DT_DIR && !IsSnapshot(entry.name)) pending.push_back(path);
      if (type == DT_REG) listing.files.push_back(std::move(path));
    }
  }
  return listing;
}

}  // namespace axl
