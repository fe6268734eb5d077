// Reads two small files of the kernel directly, like process.cc: they are no part of what a test of ours makes fail.
#include "os/mounts.h"

#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <string_view>

namespace axl {

namespace {

constexpr long kCifsMagic = 0xFF534D42L, kSmb2Magic = 0xFE534D42L;
// FUSE's servers have a path, and many a call on it follows links, like sshfs; but not these.
constexpr std::array kFuseReachesLinks = {
    "fuseblk",      "virtiofs",     "fuse.glusterfs", "fuse.ceph",         "fuse.ceph-fuse",
    "fuse.mfs",     "fuse.bindfs",  "fuse.mergerfs",  "fuse.unionfs-fuse", "fuse.fuse-overlayfs",
    "fuse.juicefs", "fuse.fuse2fs", "fuse.ext4"};

std::string LineWith(const std::string& file, std::string_view begin) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(begin)) return line;
  return "";
}

}  // namespace

// ID parent major:minor root where options [more...] - type source options
Mount ParseMount(const std::string& line) {
  const size_t separator = line.find(" - ");
  if (separator == std::string::npos) return {};
  std::istringstream before(line.substr(0, separator)), behind(line.substr(separator + 3));
  std::string skipped, options, source;
  Mount mount;
  for (int field = 0; field < 5; field++) before >> skipped;
  before >> options;
  behind >> mount.type >> source >> mount.options;
  // mfsmount 3 names itself here only.
  if (mount.type == "fuse" && source.starts_with("mfs#")) mount.type = "fuse.mfs";
  mount.options = options + "," + mount.options;
  return mount;
}

Mount MountOf(int fd) {
  std::istringstream line(LineWith("/proc/self/fdinfo/" + std::to_string(fd), "mnt_id:"));
  std::string key, id;
  line >> key >> id;
  return id.empty() ? Mount{} : ParseMount(LineWith("/proc/self/mountinfo", id + " "));
}

bool ReachesLinks(long magic, const std::string& type) {
  if (magic == kCifsMagic || magic == kSmb2Magic) return false;
  const auto* known = std::find(kFuseReachesLinks.begin(), kFuseReachesLinks.end(), type);
  return magic != kFuseMagic || known != kFuseReachesLinks.end();
}

bool ReachesLinks(Os& os, int fd) {
  struct statfs fs;
  if (os.Statfs(fd, &fs) < 0) return false;
  const long magic = static_cast<long>(fs.f_type);
  return ReachesLinks(magic, magic == kFuseMagic ? MountOf(fd).type : "");
}

}  // namespace axl
