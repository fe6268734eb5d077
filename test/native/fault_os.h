// An Os with one fault, at a call that is counted over all threads from 1: the call fails, loses its answer, is torn,
// or the process is killed there. Sweep puts the fault at every call in turn.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>

#include "os/os.h"
#include "test.h"

namespace axl::test {

enum class Fault : uint8_t {
  kFail,        // the call does nothing and reports an errno
  kLoseAnswer,  // the call takes effect and reports an errno
  kKill,        // from here on nothing reaches the system but close: what there is, a dead process left
  kDie,         // SIGKILL to this process
  // These count calls of one kind only:
  kTear,       // a write: a part of it is written, then the process is killed
  kFailFsync,  // see on_failed_fsync
  kFull,       // one that needs space: it and all after it report the errno
};

// What every call says once the process is killed: no errno of the system's.
inline constexpr int kDead = 200;

class FaultOs : public Os {
 public:
  FaultOs(Os& to, Fault fault, uint64_t at, int err = 0) : to_(to), fault_(fault), at_(at), err_(err) {}

  // Called before each call, with its number.
  std::function<void(uint64_t)> before;
  // Called when an fsync fails by this fault: what was written is lost, and a later fsync does not know.
  std::function<void(int)> on_failed_fsync;
  std::function<void()> on_failed_syncfs;
  size_t tear = 2;  // 1/tear of a torn write is written; 0: all but one byte

  uint64_t calls() const { return calls_; }
  bool hit() const { return hit_; }
  std::string where() const { return "call " + std::to_string(at_) + " (" + where_ + ")"; }

  int Open(int dir, const char* path, int flags, mode_t mode) override {
    if ((flags & O_CREAT) != 0 && IsFull("open")) return -err_;
    return Do(
        "open", [&] { return to_.Open(dir, path, flags, mode); }, true);
  }
  int OpenNoLinks(int dir, const char* path, int flags) override {
    return Do(
        "openat2", [&] { return to_.OpenNoLinks(dir, path, flags); }, true);
  }
  int Close(int fd) override {
    const int result = to_.Close(fd);  // whatever happens, the descriptor is gone
    return Do("close", [&] { return result; });
  }
  ssize_t Read(int fd, void* data, size_t n, off_t at) override {
    return Do("read", [&] { return to_.Read(fd, data, n, at); });
  }
  ssize_t Write(int fd, const void* data, size_t n, off_t at) override {
    if (fault_ == Fault::kTear && !dead_ && ++chosen_ == at_) {
      (void)to_.Write(fd, data, tear == 0 ? n - 1 : n / tear, at);
      Hit("write");
      dead_ = true;
      return -kDead;
    }
    if (IsFull("write")) return -err_;
    return Do("write", [&] { return to_.Write(fd, data, n, at); });
  }
  int Truncate(int fd, off_t size) override {
    return Do("ftruncate", [&] { return to_.Truncate(fd, size); });
  }
  off_t Seek(int fd, off_t at, int whence) override {
    return Do("lseek", [&] { return to_.Seek(fd, at, whence); });
  }
  int Fsync(int fd) override {
    if (fault_ == Fault::kFailFsync && ++chosen_ == at_) {
      Hit("fsync");
      if (on_failed_fsync) on_failed_fsync(fd);
      return -err_;
    }
    return Do("fsync", [&] { return to_.Fsync(fd); });
  }
  int Syncfs(int fd) override {
    if (fault_ == Fault::kFailFsync && ++chosen_ == at_) {
      Hit("syncfs");
      if (on_failed_syncfs) on_failed_syncfs();
      return -err_;
    }
    return Do("syncfs", [&] { return to_.Syncfs(fd); });
  }
  bool SyncfsTells(int fd) override { return to_.SyncfsTells(fd); }
  size_t SyncfsLeast() override { return to_.SyncfsLeast(); }
  uint64_t DirtyBytes() override { return to_.DirtyBytes(); }
  int StartWriteback(int fd, off_t at, off_t n) override {
    return Do("sync_file_range", [&] { return to_.StartWriteback(fd, at, n); });
  }
  int DropCache(int fd) override {
    return Do("posix_fadvise", [&] { return to_.DropCache(fd); });
  }
  int Fstat(int fd, struct stat* st) override {
    return Do("fstat", [&] { return to_.Fstat(fd, st); });
  }
  int Stat(int dir, const char* path, struct stat* st, int flags) override {
    return Do("fstatat", [&] { return to_.Stat(dir, path, st, flags); });
  }
  int Look(int dir, const char* path, Seen* seen) override {
    return Do("statx", [&] { return to_.Look(dir, path, seen); });
  }
  int Statfs(int fd, struct statfs* fs) override {
    return Do("fstatfs", [&] { return to_.Statfs(fd, fs); });
  }
  int Access(int dir, const char* path, int mode) override {
    return Do("faccessat", [&] { return to_.Access(dir, path, mode); });
  }
  int Chown(int fd, uid_t uid, gid_t gid) override {
    return Do("fchown", [&] { return to_.Chown(fd, uid, gid); });
  }
  int Chmod(int fd, mode_t mode) override {
    return Do("fchmod", [&] { return to_.Chmod(fd, mode); });
  }
  int SetTimes(int fd, const struct timespec times[2]) override {
    return Do("futimens", [&] { return to_.SetTimes(fd, times); });
  }
  int ChownLink(int dir, const char* path, uid_t uid, gid_t gid) override {
    return Do("fchownat", [&] { return to_.ChownLink(dir, path, uid, gid); });
  }
  int SetTimesLink(int dir, const char* path, const struct timespec times[2]) override {
    return Do("utimensat", [&] { return to_.SetTimesLink(dir, path, times); });
  }
  int Rename(int dir, const char* from, int to_dir, const char* to) override {
    return Do("rename", [&] { return to_.Rename(dir, from, to_dir, to); });
  }
  int RenameNoReplace(int dir, const char* from, const char* to) override {
    return Do("renameat2", [&] { return to_.RenameNoReplace(dir, from, to); });
  }
  int RenameNew(int dir, const char* from, const char* to) override {
    return Do("renameat2", [&] { return to_.RenameNew(dir, from, to); });
  }
  int Link(int dir, const char* from, int to_dir, const char* to) override {
    if (IsFull("link")) return -err_;
    return Do("link", [&] { return to_.Link(dir, from, to_dir, to); });
  }
  int Unlink(int dir, const char* path) override {
    return Do("unlink", [&] { return to_.Unlink(dir, path); });
  }
  int Mkdir(int dir, const char* path, mode_t mode) override {
    if (IsFull("mkdir")) return -err_;
    return Do("mkdir", [&] { return to_.Mkdir(dir, path, mode); });
  }
  int Rmdir(int dir, const char* path) override {
    return Do("rmdir", [&] { return to_.Rmdir(dir, path); });
  }
  int Symlink(const char* target, int dir, const char* path) override {
    if (IsFull("symlink")) return -err_;
    return Do("symlink", [&] { return to_.Symlink(target, dir, path); });
  }
  int ReadLink(int dir, const char* path, std::string* target) override {
    return Do("readlink", [&] { return to_.ReadLink(dir, path, target); });
  }
  int RealPath(const char* path, std::string* out) override {
    return Do("realpath", [&] { return to_.RealPath(path, out); });
  }
  int List(int fd, std::vector<OsDirEntry>* out) override {
    return Do("getdents", [&] { return to_.List(fd, out); });
  }
  ssize_t ListXattr(int fd, char* names, size_t n) override {
    return Do("flistxattr", [&] { return to_.ListXattr(fd, names, n); });
  }
  ssize_t GetXattr(int fd, const char* name, void* value, size_t n) override {
    return Do("fgetxattr", [&] { return to_.GetXattr(fd, name, value, n); });
  }
  int SetXattr(int fd, const char* name, const void* value, size_t n) override {
    if (IsFull("fsetxattr")) return -err_;
    return Do("fsetxattr", [&] { return to_.SetXattr(fd, name, value, n); });
  }
  int RemoveXattr(int fd, const char* name) override {
    return Do("fremovexattr", [&] { return to_.RemoveXattr(fd, name); });
  }
  ssize_t GetXattrOf(int fd, const char* name, void* value, size_t n) override {
    return Do("getxattr", [&] { return to_.GetXattrOf(fd, name, value, n); });
  }
  ssize_t ListXattrLink(const char* path, char* names, size_t n) override {
    return Do("llistxattr", [&] { return to_.ListXattrLink(path, names, n); });
  }
  int Lock(int fd) override {
    return Do("flock", [&] { return to_.Lock(fd); });
  }
  uid_t EffectiveUser() override { return to_.EffectiveUser(); }
  bool IsRoot() override { return to_.IsRoot(); }
  Strangers StrangersHere() override { return to_.StrangersHere(); }

 private:
  template <class Real>
  auto Do(const char* call, Real real, bool opens = false) -> decltype(real()) {
    const uint64_t n = ++calls_;
    if (before) before(n);
    if (dead_) return -kDead;
    if (n != at_ || fault_ >= Fault::kTear) return real();
    Hit(call);
    if (fault_ == Fault::kDie) kill(getpid(), SIGKILL);
    if (fault_ == Fault::kLoseAnswer) {
      const auto result = real();
      if (result < 0) return result;
      if (opens) (void)to_.Close(static_cast<int>(result));  // no test leaks a number that nobody was told
    }
    dead_ = fault_ == Fault::kKill;
    return dead_ ? -kDead : -err_;
  }
  bool IsFull(const char* call) {
    if (fault_ != Fault::kFull || ++chosen_ < at_) return false;
    if (!hit_) Hit(call);
    return true;
  }
  void Hit(const char* call) {
    where_ = call;
    hit_ = true;
  }

  Os& to_;
  const Fault fault_;
  const uint64_t at_;
  const int err_;
  const char* where_ = "";
  std::atomic<uint64_t> calls_{0}, chosen_{0};
  std::atomic<bool> hit_{false}, dead_{false};
};

// Calls run(os) with the fault at call 1, 2, 3 ... until a run ends before its fault; prints and returns how often it
// struck. Stops after a few failures: more would say the same.
template <class Run>
uint64_t Sweep(const std::string& what, Os& to, Fault fault, int err, Run run) {
  constexpr int kEnough = 3;
  const int before = Failures();
  uint64_t at = 1;
  for (;; at++) {
    FaultOs os(to, fault, at, err);
    run(os);
    if (!os.hit() || Failures() - before >= kEnough) break;
  }
  const uint64_t struck = at - 1;
  if (Failures() == before)
    std::printf("%s: %llu of %llu\n", what.c_str(), (unsigned long long)struck, (unsigned long long)struck);
  return struck;
}

}  // namespace axl::test
