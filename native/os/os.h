// The only road to the operating system: tests replace it to fail, tear or kill at any call.
// Every call returns what the system call returns, or -errno. EINTR is retried where that is right
// (never for close, fsync and syncfs). Thread-safe as the system calls are.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

struct statfs;

namespace axl {

struct OsDirEntry {
  std::string name;
  unsigned char type;  // DT_*; DT_UNKNOWN where the file system does not say
};

// What a name is, beyond what stat(2) tells. What is zero, or false, is not known.
struct Seen {
  struct stat st {};
  struct timespec birth {};
  std::string handle;  // where the birth is not known: inode number and generation, of a file system that counts both
  uint64_t mount = 0;  // the id of the mount
  bool mount_root = false;
  bool fixed = false;  // immutable or append-only (chattr): nobody renames, replaces or removes it
};

// Whom stat shows for owners that have no number in this user namespace. Whose numbers are all there: nobody.
struct Strangers {
  uint32_t user = UINT32_MAX, group = UINT32_MAX;
};

class Os {
 public:
  virtual ~Os() = default;

  virtual int Open(int dir, const char* path, int flags, mode_t mode = 0) = 0;
  // openat2 with RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS; plain openat where the kernel lacks it.
  virtual int OpenNoLinks(int dir, const char* path, int flags) = 0;
  virtual int Close(int fd) = 0;

  virtual ssize_t Read(int fd, void* data, size_t n, off_t at) = 0;         // pread
  virtual ssize_t Write(int fd, const void* data, size_t n, off_t at) = 0;  // pwrite
  virtual int Truncate(int fd, off_t size) = 0;
  virtual off_t Seek(int fd, off_t at, int whence) = 0;  // SEEK_DATA, SEEK_HOLE
  virtual int Fsync(int fd) = 0;
  virtual int Syncfs(int fd) = 0;
  // syncfs.h: may it be believed on the file system of this directory; how many files does one pay for; and what else
  // of the machine would it wait for?
  virtual bool SyncfsTells(int fd) = 0;
  virtual size_t SyncfsLeast() = 0;
  virtual uint64_t DirtyBytes() = 0;
  virtual int StartWriteback(int fd, off_t at, off_t n) = 0;  // sync_file_range; a hint, may do nothing
  virtual int DropCache(int fd) = 0;                          // posix_fadvise DONTNEED; a hint

  virtual int Fstat(int fd, struct stat* st) = 0;
  virtual int Stat(int dir, const char* path, struct stat* st, int flags) = 0;  // fstatat
  // statx, no link followed; an empty path: of the descriptor. Where the kernel lacks it, what fstatat tells.
  virtual int Look(int dir, const char* path, Seen* seen) = 0;
  virtual int Statfs(int fd, struct statfs* fs) = 0;
  virtual int Access(int dir, const char* path, int mode) = 0;  // faccessat, effective user
  virtual int Chown(int fd, uid_t uid, gid_t gid) = 0;
  virtual int Chmod(int fd, mode_t mode) = 0;
  virtual int SetTimes(int fd, const struct timespec times[2]) = 0;
  // An empty path: the link that `dir` is a descriptor (O_PATH) of.
  virtual int ChownLink(int dir, const char* path, uid_t uid, gid_t gid) = 0;
  virtual int SetTimesLink(int dir, const char* path, const struct timespec times[2]) = 0;

  virtual int Rename(int dir, const char* from, int to_dir, const char* to) = 0;
  // RENAME_NOREPLACE; -EINVAL where the file system has no such flag.
  virtual int RenameNoReplace(int dir, const char* from, const char* to) = 0;
  // RENAME_NOREPLACE, or link + unlink where the file system has no such flag. -EEXIST if `to` is there.
  virtual int RenameNew(int dir, const char* from, const char* to) = 0;
  virtual int Link(int dir, const char* from, int to_dir, const char* to) = 0;  // a second name; links are not followed
  virtual int Unlink(int dir, const char* path) = 0;
  virtual int Mkdir(int dir, const char* path, mode_t mode) = 0;
  virtual int Rmdir(int dir, const char* path) = 0;
  virtual int Symlink(const char* target, int dir, const char* path) = 0;
  virtual int ReadLink(int dir, const char* path, std::string* target) = 0;
  virtual int RealPath(const char* path, std::string* out) = 0;
  virtual int List(int fd, std::vector<OsDirEntry>* out) = 0;  // without "." and ".."

  virtual ssize_t ListXattr(int fd, char* names, size_t n) = 0;
  virtual ssize_t GetXattr(int fd, const char* name, void* value, size_t n) = 0;
  virtual int SetXattr(int fd, const char* name, const void* value, size_t n) = 0;
  virtual int RemoveXattr(int fd, const char* name) = 0;
  // Of a descriptor that may be O_PATH.
  virtual ssize_t GetXattrOf(int fd, const char* name, void* value, size_t n) = 0;
  virtual ssize_t ListXattrLink(const char* path, char* names, size_t n) = 0;  // llistxattr

  virtual int Lock(int fd) = 0;  // flock(LOCK_EX | LOCK_NB)
  virtual uid_t EffectiveUser() = 0;
  // Of the initial user namespace: whose user 0 may do anything, and whose user ids are those of the disk. User 0 of
  // another one, as in a rootless container, is a user as others are.
  virtual bool IsRoot() = 0;
  virtual Strangers StrangersHere() = 0;

  static Os& Posix();
};

// Owns a descriptor. A close whose result matters is called by name; the destructor ignores it.
class Fd {
 public:
  Fd() = default;
  Fd(Os& os, int fd) : os_(&os), fd_(fd) {}
  Fd(Fd&& o) noexcept : os_(o.os_), fd_(o.fd_) { o.fd_ = -1; }
  Fd& operator=(Fd&& o) noexcept {
    if (this != &o) {
      Reset();
      os_ = o.os_;
      fd_ = o.fd_;
      o.fd_ = -1;
    }
    return *this;
  }
  ~Fd() { Reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  // The number, or the -errno that an open returned.
  int error() const { return fd_ < 0 ? -fd_ : 0; }
  int Close() {
    if (fd_ < 0) return 0;
    int fd = fd_;
    fd_ = -1;
    return os_->Close(fd);
  }
  void Reset() { (void)Close(); }

 private:
  Os* os_ = nullptr;
  int fd_ = -1;
};

// All of [data, data+n) at `at`, over short writes. 0 or -errno.
int WriteAll(Os& os, int fd, const void* data, size_t n, off_t at);
// Up to n bytes; fewer only at the end of the file. Bytes read, or -errno.
ssize_t ReadFull(Os& os, int fd, void* data, size_t n, off_t at);

}  // namespace axl
