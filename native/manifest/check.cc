// Threads that take file after file, and at the end each other's large ones. The CRC of a large file is the sum of what
// each piece adds to it, in any order: so nothing is kept of a piece.
#include "manifest/check.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
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

struct Large {
  size_t index = 0;
  uint64_t size = 0;
  Fd fd = {};
  std::atomic<uint64_t> next{0};  // the offset of the next piece
  std::atomic<uint64_t> left{0};  // bytes that are not summed yet
  std::atomic<uint32_t> sum{0};
  std::mutex failing = {};
  Status failure = {};  // guarded by failing: the first
};

Checked Changed(std::string detail, const std::string& path) {
  return {FileVerdict::kChanged, Status::Make(Code::kVerify, std::move(detail), path)};
}

Checked NoFile(const struct stat& st, const std::string& path) {
  if (S_ISLNK(st.st_mode)) return Changed("it is a symbolic link now, which is not followed", path);
  return Changed(S_ISDIR(st.st_mode) ? "it is a directory now" : "it is no regular file", path);
}

Checked OfCall(int err, const char* call, const std::string& path) {
  const bool missing = err == ENOENT || err == ENOTDIR;
  return {missing ? FileVerdict::kMissing : FileVerdict::kUnreadable, Status::Errno(err, call, path)};
}

Checked OfParent(Status why, const std::string& path) {
  if (why.code == Code::kUnsafePath) return {FileVerdict::kChanged, std::move(why)};
  return why.err == 0 ? Checked{FileVerdict::kUnreadable, std::move(why)} : OfCall(why.err, why.call.c_str(), path);
}

Checked OfSum(const Status& read, uint32_t sum, const Expected& file) {
  if (read.code == Code::kCanceled) return {};
  if (read.code == Code::kVerify) return Changed("it became shorter while it was read", file.path);
  if (!read.ok()) return {FileVerdict::kUnreadable, read};
  if (sum == file.crc) return {FileVerdict::kOk, {}};
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "its CRC-32C is %08x, not %08x", sum, file.crc);
  return Changed(text.data(), file.path);
}

// Looked at before it is opened, because to open a device may do something to it. What has come there since is no link,
// and blocks nobody; a FIFO cannot be read at an offset.
Checked Open(Os& os, const std::string& path, ParentDirectory* parent, Fd* fd, uint64_t* size) {
  if (Status s = parent->Open(path); !s.ok()) return OfParent(std::move(s), path);
  const std::string name(BaseOf(path));
  struct stat st;
  if (const int r = os.Stat(parent->fd(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW); r < 0)
    return OfCall(-r, "stat", path);
  if (!S_ISREG(st.st_mode)) return NoFile(st, path);
  *fd = Fd(os, os.Open(parent->fd(), name.c_str(), kFlags));
  if (!fd->valid()) return OfCall(fd->error(), "open", path);
  *size = static_cast<uint64_t>(st.st_size);
  return {FileVerdict::kOk, {}};
}

class Checking {
 public:
  Checking(Os& os, const Engine& engine, const std::vector<Expected>& files, const std::atomic<bool>& stop)
      : os_(os), ending_(engine.stopping()), files_(files), stop_(stop), checked_(files.size()) {}

  // One thread's part. When all have returned, every file is checked.
  void Run() {
    ParentDirectory parent(os_);
    for (size_t i; !stop_ && !ending_ && (i = next_.fetch_add(1)) < files_.size();) One(i, &parent);
    while (const auto large = Unfinished()) ReadOn(*large);
  }

  std::vector<Checked> Take() { return std::move(checked_); }

 private:
  void One(size_t i, ParentDirectory* parent) {
    const Expected& file = files_[i];
    Fd fd;
    uint64_t size = 0;
    Checked opened = Open(os_, file.path, parent, &fd, &size);
    if (opened.verdict != FileVerdict::kOk)
      checked_[i] = std::move(opened);
    else if (file.size && *file.size != size)
      checked_[i] = Changed("it has " + std::to_string(size) + " bytes, not " + std::to_string(*file.size), file.path);
    else if (size > kPiece)
      ReadOn(*Share(i, size, std::move(fd)));
    else
      checked_[i] = Small(file, fd.get(), size);
  }

  Checked Small(const Expected& file, int fd, uint64_t size) {
    const Metered metered(size);
    uint32_t sum = 0;
    const Status read = SumBytes(os_, fd, file.path, 0, size, stop_, &sum);
    return OfSum(read, sum, file);
  }

  std::shared_ptr<Large> Share(size_t i, uint64_t size, Fd fd) {
    auto large = std::make_shared<Large>();
    large->index = i;
    large->size = large->left = size;
    large->fd = std::move(fd);
    const std::lock_guard lock(mutex_);
    large_.push_back(large);
    return large;
  }

  // A large file of which there are pieces left.
  std::shared_ptr<Large> Unfinished() {
    const std::lock_guard lock(mutex_);
    while (!large_.empty() && large_.front()->next >= large_.front()->size) large_.pop_front();
    return large_.empty() ? nullptr : large_.front();
  }

  void ReadOn(Large& large) {
    for (uint64_t at; (at = large.next.fetch_add(kPiece)) < large.size;) Piece(large, at);
  }

  void Piece(Large& large, uint64_t at) {
    const uint64_t length = std::min(kPiece, large.size - at), behind = large.size - at - length;
    const Metered metered(length);
    uint32_t sum = 0;
    const std::string& path = files_[large.index].path;
    Status read = SumBytes(os_, large.fd.get(), path, at, length, ending_ ? ending_ : stop_, &sum);
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
    checked_[large.index] = OfSum(failure, large.sum, files_[large.index]);
    large.fd.Reset();
  }

  Os& os_;
  const std::atomic<bool>& ending_;
  const std::vector<Expected>& files_;
  const std::atomic<bool>& stop_;
  std::vector<Checked> checked_;  // each is written by one thread
  std::atomic<size_t> next_{0};
  std::mutex mutex_;
  std::deque<std::shared_ptr<Large>> large_;  // guarded by mutex_
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

std::vector<Checked> CheckFiles(Os& os, Engine& engine, const std::vector<Expected>& files, unsigned threads,
                                const std::atomic<bool>& stop) {
  Checking checking(os, engine, files, stop);
  engine.ParallelFor(threads, threads, [&](size_t) { checking.Run(); });
  return checking.Take();
}

Status LoadManifest(Os& os, const std::string& path, Manifest* out) {
  ParentDirectory parent(os);
  Fd fd;
  uint64_t size = 0;
  Checked opened = Open(os, path, &parent, &fd, &size);
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
