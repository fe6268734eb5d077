// The real operating system behind os.h: each method is one system call and its errno. No policy, no state.
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>

#include "os/os.h"
#include "os/syncfs.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif
#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000
#endif
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

namespace axl {
namespace {

// The result of a system call, or -errno; called again after EINTR.
template <class Call, class... Args>
auto Retry(Call call, Args... args) -> decltype(call(args...)) {
  for (;;) {
    auto result = call(args...);
    if (result != -1) return result;
    if (errno != EINTR) return -errno;
  }
}

// For calls that must not be repeated: after EINTR a close has closed, and an fsync may have lost its error.
int Once(int result) { return result == -1 ? -errno : result; }

bool NoSuchCall(int result) { return result == -ENOSYS || result == -EINVAL || result == -EOPNOTSUPP; }

struct timespec SpecOf(const struct statx_timestamp& t) {
  struct timespec spec {};
  spec.tv_sec = static_cast<time_t>(t.tv_sec);
  spec.tv_nsec = static_cast<long>(t.tv_nsec);
  return spec;
}

void Translate(const struct statx& x, Seen* seen) {
  struct stat& st = seen->st;
  st.st_dev = makedev(x.stx_dev_major, x.stx_dev_minor);
  st.st_ino = x.stx_ino;
  st.st_mode = x.stx_mode;
  st.st_nlink = x.stx_nlink;
  st.st_uid = x.stx_uid;
  st.st_gid = x.stx_gid;
  st.st_size = static_cast<off_t>(x.stx_size);
  st.st_blocks = static_cast<blkcnt_t>(x.stx_blocks);
  st.st_mtim = SpecOf(x.stx_mtime);
  st.st_ctim = SpecOf(x.stx_ctime);
  if ((x.stx_mask & STATX_BTIME) != 0) seen->birth = SpecOf(x.stx_btime);
  if ((x.stx_mask & STATX_MNT_ID) != 0) seen->mount = x.stx_mnt_id;
  seen->mount_root = (x.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  seen->fixed = (x.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) != 0;
}

// Empty if there is none that lasts: others than these are of a server, or of this mount alone.
std::string HandleOf(int dir, const char* path, int flags) {
  constexpr int kInodeAndGeneration = 1;  // FILEID_INO32_GEN of the kernel's linux/exportfs.h
  alignas(struct file_handle) char space[sizeof(struct file_handle) + MAX_HANDLE_SZ] = {};
  auto* handle = reinterpret_cast<struct file_handle*>(space);
  handle->handle_bytes = MAX_HANDLE_SZ;
  int mount;
  if (name_to_handle_at(dir, path, handle, &mount, flags) != 0) return "";
  uint32_t numbers[2] = {};
  if (handle->handle_type != kInodeAndGeneration || handle->handle_bytes != sizeof numbers) return "";
  std::memcpy(numbers, handle->f_handle, sizeof numbers);
  return numbers[1] == 0 ? "" : std::string(reinterpret_cast<const char*>(numbers), sizeof numbers);
}

// All ids are there, and are what they are. True where the kernel knows no user namespaces.
bool IsInitialNamespace() {
  std::ifstream map("/proc/self/uid_map");
  uint64_t inside = 0, outside = 0, count = UINT32_MAX;
  map >> inside >> outside >> count;
  return inside == 0 && outside == 0 && count == UINT32_MAX;
}

// The number that stands for all that have none, unless it is somebody's here.
uint32_t StrangerOf(const char* overflow, const char* map) {
  uint32_t stranger = 65534;
  std::ifstream(overflow) >> stranger;
  std::ifstream lines(map);
  uint64_t inside = 0, outside = 0, count = 0;
  bool any = false;
  while (lines >> inside >> outside >> count) {
    any = true;
    if (stranger >= inside && stranger - inside < count) return UINT32_MAX;
  }
  return any ? stranger : UINT32_MAX;
}

class PosixOs final : public Os {
 public:
  int Open(int dir, const char* path, int flags, mode_t mode) override {
    return Retry(openat, dir, path, flags | O_CLOEXEC, mode);
  }

  int OpenNoLinks(int dir, const char* path, int flags) override {
    struct open_how how {};
    how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    int fd = static_cast<int>(Retry(syscall, SYS_openat2, dir, path, &how, sizeof how));
    // EPERM is what an old container's seccomp filter says to a call it does not know.
    if (fd != -ENOSYS && fd != -EPERM) return fd;
    return Open(dir, path, flags | O_NOFOLLOW, 0);
  }

  int Close(int fd) override { return Once(close(fd)); }

  ssize_t Read(int fd, void* data, size_t n, off_t at) override { return Retry(pread, fd, data, n, at); }
  ssize_t Write(int fd, const void* data, size_t n, off_t at) override { return Retry(pwrite, fd, data, n, at); }
  int Truncate(int fd, off_t size) override { return Retry(ftruncate, fd, size); }
  off_t Seek(int fd, off_t at, int whence) override { return Retry(lseek, fd, at, whence); }
  int Fsync(int fd) override { return Once(fsync(fd)); }
  int Syncfs(int fd) override { return Once(syncfs(fd)); }
  bool SyncfsTells(int fd) override { return axl::SyncfsTells(fd); }
  size_t SyncfsLeast() override { return kSyncfsLeast; }
  uint64_t DirtyBytes() override { return axl::DirtyBytes(); }

  int StartWriteback(int fd, off_t at, off_t n) override {
    int result = Retry(sync_file_range, fd, at, n, SYNC_FILE_RANGE_WRITE);
    return NoSuchCall(result) || result == -ESPIPE ? 0 : result;
  }
  int DropCache(int fd) override {
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    return 0;
  }

  int Fstat(int fd, struct stat* st) override { return Retry(fstat, fd, st); }
  int Stat(int dir, const char* path, struct stat* st, int flags) override {
    return Retry(fstatat, dir, path, st, flags);
  }
  int Look(int dir, const char* path, Seen* seen) override {
    const int flags = AT_SYMLINK_NOFOLLOW | (*path == '\0' ? AT_EMPTY_PATH : 0);
    struct statx x {};
    const int r = Retry(statx, dir, path, flags, STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, &x);
    *seen = {};
    // EPERM: an old container's seccomp filter, as above.
    if (r == -ENOSYS || r == -EPERM) return Retry(fstatat, dir, path, &seen->st, flags);
    if (r == 0) Translate(x, seen);
    if (r == 0 && (x.stx_mask & STATX_BTIME) == 0) seen->handle = HandleOf(dir, path, flags & AT_EMPTY_PATH);
    return r;
  }
  int Statfs(int fd, struct statfs* fs) override { return Retry(fstatfs, fd, fs); }
  int Access(int dir, const char* path, int mode) override { return Retry(faccessat, dir, path, mode, AT_EACCESS); }
  int Chown(int fd, uid_t uid, gid_t gid) override { return Retry(fchown, fd, uid, gid); }
  int Chmod(int fd, mode_t mode) override { return Retry(fchmod, fd, mode); }
  int SetTimes(int fd, const struct timespec times[2]) override { return Retry(futimens, fd, times); }
  int ChownLink(int dir, const char* path, uid_t uid, gid_t gid) override {
    return Retry(fchownat, dir, path, uid, gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
  }
  int SetTimesLink(int dir, const char* path, const struct timespec times[2]) override {
    return Retry(utimensat, dir, path, times, AT_SYMLINK_NOFOLLOW);
  }

  int Rename(int dir, const char* from, int to_dir, const char* to) override {
    return Retry(renameat, dir, from, to_dir, to);
  }
  int RenameNoReplace(int dir, const char* from, const char* to) override {
    const int result = static_cast<int>(Retry(syscall, SYS_renameat2, dir, from, dir, to, RENAME_NOREPLACE));
    return NoSuchCall(result) ? -EINVAL : result;
  }
  int RenameNew(int dir, const char* from, const char* to) override {
    int result = RenameNoReplace(dir, from, to);
    if (result != -EINVAL) return result;
    result = Retry(linkat, dir, from, dir, to, 0);
    return result < 0 ? result : Unlink(dir, from);
  }
  int Link(int dir, const char* from, int to_dir, const char* to) override {
    return Retry(linkat, dir, from, to_dir, to, 0);
  }
  int Unlink(int dir, const char* path) override { return Retry(unlinkat, dir, path, 0); }
  int Mkdir(int dir, const char* path, mode_t mode) override { return Retry(mkdirat, dir, path, mode); }
  int Rmdir(int dir, const char* path) override { return Retry(unlinkat, dir, path, AT_REMOVEDIR); }
  int Symlink(const char* target, int dir, const char* path) override { return Retry(symlinkat, target, dir, path); }

  int ReadLink(int dir, const char* path, std::string* target) override {
    char buffer[PATH_MAX + 1];
    ssize_t n = Retry(readlinkat, dir, path, buffer, sizeof buffer);
    if (n < 0) return static_cast<int>(n);
    if (static_cast<size_t>(n) == sizeof buffer) return -ENAMETOOLONG;
    target->assign(buffer, static_cast<size_t>(n));
    return 0;
  }

  int RealPath(const char* path, std::string* out) override {
    std::unique_ptr<char, decltype(&std::free)> real(realpath(path, nullptr), &std::free);
    if (!real) return -errno;
    *out = real.get();
    return 0;
  }

  int List(int fd, std::vector<OsDirEntry>* out) override {
    // Another open file description: reading the entries must not move the caller's.
    int own = Open(fd, ".", O_RDONLY | O_DIRECTORY, 0);
    if (own < 0) return own;
    DIR* dir = fdopendir(own);
    if (dir == nullptr) {
      int err = errno;
      close(own);
      return -err;
    }
    errno = 0;
    while (const dirent* entry = readdir(dir)) {
      if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0)
        out->push_back({entry->d_name, entry->d_type});
      errno = 0;
    }
    int err = errno;
    closedir(dir);
    return -err;
  }

  ssize_t ListXattr(int fd, char* names, size_t n) override { return Retry(flistxattr, fd, names, n); }
  ssize_t GetXattr(int fd, const char* name, void* value, size_t n) override {
    return Retry(fgetxattr, fd, name, value, n);
  }
  int SetXattr(int fd, const char* name, const void* value, size_t n) override {
    return Retry(fsetxattr, fd, name, value, n, 0);
  }
  int RemoveXattr(int fd, const char* name) override { return Retry(fremovexattr, fd, name); }
  ssize_t GetXattrOf(int fd, const char* name, void* value, size_t n) override {
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    return Retry(getxattr, path.c_str(), name, value, n);
  }
  ssize_t ListXattrLink(const char* path, char* names, size_t n) override { return Retry(llistxattr, path, names, n); }

  int Lock(int fd) override { return Retry(flock, fd, LOCK_EX | LOCK_NB); }
  uid_t EffectiveUser() override { return geteuid(); }
  bool IsRoot() override {
    static const bool initial = IsInitialNamespace();
    return geteuid() == 0 && initial;
  }
  Strangers StrangersHere() override {
    static const Strangers strangers{StrangerOf("/proc/sys/kernel/overflowuid", "/proc/self/uid_map"),
                                     StrangerOf("/proc/sys/kernel/overflowgid", "/proc/self/gid_map")};
    return strangers;
  }
};

}  // namespace

Os& Os::Posix() {
  static PosixOs os;
  return os;
}

int WriteAll(Os& os, int fd, const void* data, size_t n, off_t at) {
  const char* bytes = static_cast<const char*>(data);
  while (n > 0) {
    ssize_t written = os.Write(fd, bytes, n, at);
    if (written < 0) return static_cast<int>(written);
    if (written == 0) return -EIO;  // POSIX allows it for nothing but n == 0; do not spin
    bytes += written;
    n -= static_cast<size_t>(written);
    at += written;
  }
  return 0;
}

ssize_t ReadFull(Os& os, int fd, void* data, size_t n, off_t at) {
  char* bytes = static_cast<char*>(data);
  size_t have = 0;
  while (have < n) {
    ssize_t got = os.Read(fd, bytes + have, n - have, at + static_cast<off_t>(have));
    if (got < 0) return got;
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  return static_cast<ssize_t>(have);
}

}  // namespace axl
