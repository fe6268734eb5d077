// The cache is a handful of directories by path, the oldest replaced first.
#include "os/directories.h"

#include <fcntl.h>

#include <cerrno>

#include "base/names.h"
#include "os/acl.h"

namespace axl {

namespace {

constexpr uid_t kOverflowUser = 65534;  // whom a user namespace shows instead of an owner that it does not know

}  // namespace

Status OpenDirectory(Os& os, std::string_view path, std::shared_ptr<Directory>* out) {
  auto dir = std::make_shared<Directory>();
  dir->path = path;
  dir->fd = Fd(os, os.OpenNoLinks(AT_FDCWD, dir->path.c_str(), O_PATH | O_DIRECTORY));
  if (dir->fd.error() == ELOOP)
    return Status::Make(Code::kUnsafePath, "a directory in the path has become a symbolic link", dir->path);
  if (!dir->fd.valid()) return Status::Errno(dir->fd.error(), "open", dir->path);
  *out = std::move(dir);
  return Status::Ok();
}

bool IsForbidden(int result) { return result == -EACCES || result == -EPERM || result == -EROFS; }

bool WasNotThere(Os& os, int result, int dir, const std::string& name) {
  struct stat st;
  return result == -ENOENT || (IsForbidden(result) && os.Stat(dir, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == -ENOENT);
}

bool MayRemove(Os& os, const Seen& directory, const Seen& there) {
  if ((directory.st.st_mode & S_ISVTX) == 0) return true;
  const uid_t user = os.EffectiveUser();
  if (there.st.st_uid == user || directory.st.st_uid == user) return true;
  return os.IsRoot() || (user == 0 && there.st.st_uid != kOverflowUser);
}

bool IsMountPoint(const Seen& directory, const Seen& there) {
  return there.mount_root || (there.mount != 0 && directory.mount != 0 && there.mount != directory.mount);
}

Status DirectoryCache::Open(std::string_view path, std::shared_ptr<Directory>* out) {
  {
    std::lock_guard lock(mutex_);
    for (const auto& dir : kept_) {
      if (!dir || dir->path != path) continue;
      *out = dir;
      return Status::Ok();
    }
  }
  if (Status s = OpenDirectory(os_, path, out); !s.ok()) return s;  // nobody waits while a file system thinks
  std::lock_guard lock(mutex_);
  kept_[next_++ % kKept] = *out;
  return Status::Ok();
}

Status ParentDirectory::Open(std::string_view path) {
  const std::string_view parent = ParentOf(path);
  if (dir_ && parent == dir_->path) return Status::Ok();
  dir_.reset();
  return cache_ ? cache_->Open(parent, &dir_) : OpenDirectory(os_, parent, &dir_);
}

Status ParentDirectory::Look(Seen* seen) const {
  const std::lock_guard lock(dir_->looking);
  if (!dir_->seen) {
    Seen now;
    if (int r = os_.Look(fd(), "", &now); r < 0) return Status::Errno(-r, "statx", path());
    dir_->seen = now;
  }
  *seen = *dir_->seen;
  return Status::Ok();
}

bool ParentDirectory::HasDefaultAcl() const {
  std::atomic<int8_t>& known = dir_->default_acl;
  if (known < 0) {
    const ssize_t n = os_.GetXattrOf(fd(), kDefaultAcl, nullptr, 0);
    known = n != -ENODATA && n != -EOPNOTSUPP && n != -ENOSYS;
  }
  return known > 0;
}

dev_t ParentDirectory::Device() const {
  std::atomic<dev_t>& known = dir_->device;
  struct stat st;
  if (known == 0 && os_.Fstat(fd(), &st) == 0) known = st.st_dev;
  return known;
}

}  // namespace axl
