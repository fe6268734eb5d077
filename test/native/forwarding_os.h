// An Os that passes every call on: a test overrides the one that it wants to fail, tear or count.
#pragma once

#include <fcntl.h>

#include <cerrno>
#include <string>
#include <vector>

#include "os/os.h"

namespace axl::test {

class ForwardingOs : public Os {
 public:
  explicit ForwardingOs(Os& to = Os::Posix()) : to_(to) {}

  int Open(int dir, const char* path, int flags, mode_t mode = 0) override { return to_.Open(dir, path, flags, mode); }
  int OpenNoLinks(int dir, const char* path, int flags) override { return to_.OpenNoLinks(dir, path, flags); }
  int Close(int fd) override { return to_.Close(fd); }
  ssize_t Read(int fd, void* data, size_t n, off_t at) override { return to_.Read(fd, data, n, at); }
  ssize_t Write(int fd, const void* data, size_t n, off_t at) override { return to_.Write(fd, data, n, at); }
  int Truncate(int fd, off_t size) override { return to_.Truncate(fd, size); }
  off_t Seek(int fd, off_t at, int whence) override { return to_.Seek(fd, at, whence); }
  int Fsync(int fd) override { return to_.Fsync(fd); }
  int Syncfs(int fd) override { return to_.Syncfs(fd); }
  bool SyncfsTells(int fd) override { return to_.SyncfsTells(fd); }
  size_t SyncfsLeast() override { return to_.SyncfsLeast(); }
  uint64_t DirtyBytes() override { return to_.DirtyBytes(); }
  int StartWriteback(int fd, off_t at, off_t n) override { return to_.StartWriteback(fd, at, n); }
  int DropCache(int fd) override { return to_.DropCache(fd); }
  int Fstat(int fd, struct stat* st) override { return to_.Fstat(fd, st); }
  int Stat(int dir, const char* path, struct stat* st, int flags) override { return to_.Stat(dir, path, st, flags); }
  int Look(int dir, const char* path, Seen* seen) override { return to_.Look(dir, path, seen); }
  int Statfs(int fd, struct statfs* fs) override { return to_.Statfs(fd, fs); }
  int Access(int dir, const char* path, int mode) override { return to_.Access(dir, path, mode); }
  int Chown(int fd, uid_t uid, gid_t gid) override { return to_.Chown(fd, uid, gid); }
  int Chmod(int fd, mode_t mode) override { return to_.Chmod(fd, mode); }
  int SetTimes(int fd, const struct timespec times[2]) override { return to_.SetTimes(fd, times); }
  int ChownLink(int dir, const char* path, uid_t uid, gid_t gid) override { return to_.ChownLink(dir, path, uid, gid); }
  int SetTimesLink(int dir, const char* path, const struct timespec times[2]) override {
    return to_.SetTimesLink(dir, path, times);
  }
  int Rename(int dir, const char* from, int to_dir, const char* to) override {
    return to_.Rename(dir, from, to_dir, to);
  }
  // One rename for those who make it fail.
  int RenameNoReplace(int dir, const char* from, const char* to) override {
    struct stat st;
    return to_.Stat(dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0 ? -EEXIST : Rename(dir, from, dir, to);
  }
  int RenameNew(int dir, const char* from, const char* to) override { return to_.RenameNew(dir, from, to); }
  int Link(int dir, const char* from, int to_dir, const char* to) override { return to_.Link(dir, from, to_dir, to); }
  int Unlink(int dir, const char* path) override { return to_.Unlink(dir, path); }
  int Mkdir(int dir, const char* path, mode_t mode) override { return to_.Mkdir(dir, path, mode); }
  int Rmdir(int dir, const char* path) override { return to_.Rmdir(dir, path); }
  int Symlink(const char* target, int dir, const char* path) override { return to_.Symlink(target, dir, path); }
  int ReadLink(int dir, const char* path, std::string* target) override { return to_.ReadLink(dir, path, target); }
  int RealPath(const char* path, std::string* out) override { return to_.RealPath(path, out); }
  int List(int fd, std::vector<OsDirEntry>* out) override { return to_.List(fd, out); }
  ssize_t ListXattr(int fd, char* names, size_t n) override { return to_.ListXattr(fd, names, n); }
  ssize_t GetXattr(int fd, const char* name, void* value, size_t n) override {
    return to_.GetXattr(fd, name, value, n);
  }
  int SetXattr(int fd, const char* name, const void* value, size_t n) override {
    return to_.SetXattr(fd, name, value, n);
  }
  int RemoveXattr(int fd, const char* name) override { return to_.RemoveXattr(fd, name); }
  ssize_t GetXattrOf(int fd, const char* name, void* value, size_t n) override {
    return to_.GetXattrOf(fd, name, value, n);
  }
  ssize_t ListXattrLink(const char* path, char* names, size_t n) override { return to_.ListXattrLink(path, names, n); }
  int Lock(int fd) override { return to_.Lock(fd); }
  uid_t EffectiveUser() override { return to_.EffectiveUser(); }
  bool IsRoot() override { return to_.IsRoot(); }
  Strangers StrangersHere() override { return to_.StrangersHere(); }

 protected:
  Os& to_;
};

}  // namespace axl::test
