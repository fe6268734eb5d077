// Asks statfs(2) and /proc/self/mountinfo; makes nothing.
#include "upkeep/file_system.h"

#include <fcntl.h>
#include <sys/vfs.h>

namespace axl {

Status DescribeFileSystem(Os& os, const std::string& dir, FileSystem* out) {
  Fd fd(os, os.Open(AT_FDCWD, dir.c_str(), O_RDONLY | O_DIRECTORY));
  if (!fd.valid()) return Status::Errno(fd.error(), "open", dir);
  struct statfs fs;
  if (const int r = os.Statfs(fd.get(), &fs); r < 0) return Status::Errno(-r, "statfs", dir);
  out->magic = static_cast<long>(fs.f_type);
  out->mount = MountOf(fd.get());
  out->locks = ReachOf(out->magic, out->mount);
  out->inodes = WorthOf(out->magic, out->mount.type);
  return Status::Ok();
}

}  // namespace axl
