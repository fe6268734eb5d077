// What is known of the locks of each file system, from its documentation and from trials with two mounts: see
// docs/how-to/file-systems.md. Reads a small file of the kernel directly, like process.cc.
#include "os/locks.h"

#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <fstream>

namespace axl {
namespace {

constexpr long kNfs = 0x6969, kLustre = 0x0BD00BD0, kGfs2 = 0x01161970, kOcfs2 = 0x7461636f;
constexpr std::array kOfThisKernel = {
    0xEF53L /* ext2 to ext4 */, 0x58465342L /* xfs */,   0x9123683EL /* btrfs */,   0x01021994L /* tmpfs */,
    0x858458F6L /* ramfs */,    0xF2F52010L /* f2fs */,  0x794C7630L /* overlay */, 0x2FC12FC1L /* zfs */,
    0xCA451A4EL /* bcachefs */, 0x3434L /* nilfs2 */,    0x3153464AL /* jfs */,     0x52654973L /* reiserfs */,
    0xF15FL /* ecryptfs */,     0x2011BAB0L /* exfat */, 0x4D44L /* vfat */,        0x7366746EL /* ntfs3 */};
constexpr std::array kOfMany = {0x47504653L /* gpfs */, 0x00C36400L /* ceph */};
// With their own protocol for locks, and a kernel that asks it.
constexpr std::array kFuseOfMany = {"fuse.glusterfs", "fuse.ceph", "fuse.ceph-fuse", "fuse.mfs"};
constexpr std::array kFuseOfThisKernel = {"fuseblk"};

template <class List, class T>
bool Has(const List& list, const T& one) {
  return std::find(list.begin(), list.end(), one) != list.end();
}

bool HasOption(const std::string& options, const std::string& option) {
  return ("," + options + ",").find("," + option + ",") != std::string::npos;
}

LockReach ReachOfFuse(const std::string& type) {
  if (Has(kFuseOfMany, type)) return LockReach::kEverybody;
  return Has(kFuseOfThisKernel, type) ? LockReach::kThisHost : LockReach::kUnknown;
}

LockReach EverybodyIf(bool coherent) { return coherent ? LockReach::kEverybody : LockReach::kUnknown; }

}  // namespace

LockReach ReachOf(long magic, const Mount& mount) {
  if (Has(kOfThisKernel, magic)) return LockReach::kThisHost;
  if (Has(kOfMany, magic)) return LockReach::kEverybody;
  switch (magic) {
    case kNfs:
      return EverybodyIf(HasOption(mount.options, "local_lock=none") && !HasOption(mount.options, "nolock"));
    case kLustre:
      return EverybodyIf(HasOption(mount.options, "flock"));
    case kGfs2:
    case kOcfs2:
      return EverybodyIf(!HasOption(mount.options, "localflocks"));
    case kFuseMagic:
      return ReachOfFuse(mount.type);
    default:
      return LockReach::kUnknown;
  }
}

LockDomain LocksOf(Os& os, int fd) {
  struct statfs fs;
  if (os.Statfs(fd, &fs) < 0) return {LockReach::kUnknown, "unknown"};
  const long magic = static_cast<long>(fs.f_type);
  if (const LockReach reach = ReachOf(magic, {}); reach == LockReach::kThisHost) return {reach, "local"};
  const Mount mount = MountOf(fd);
  return {ReachOf(magic, mount), mount.type.empty() ? "unknown" : mount.type};
}

// 1: FLOCK  ADVISORY  WRITE PID major:minor:inode 0 EOF
bool IsLockedHere(const struct stat& st) {
  char device[64];
  snprintf(device, sizeof device, " %02x:%02x:%llu ", major(st.st_dev), minor(st.st_dev),
           static_cast<unsigned long long>(st.st_ino));
  std::ifstream in("/proc/locks");
  for (std::string line; std::getline(in, line);)
    if (line.find("FLOCK") != std::string::npos && line.find(device) != std::string::npos) return true;
  return false;
}

}  // namespace axl
