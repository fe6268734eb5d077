// Reads a few small files of the kernel directly, like process.cc: they are no part of what a test of ours makes fail.
#include "os/syncfs.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

#include "os/mounts.h"

namespace axl {

namespace {

// 5.8 made syncfs tell of data that was lost, 5.17 of a journal that was.
constexpr unsigned kMajor = 5, kMinor = 17;

bool IsNewEnough(const std::string& release) {
  std::istringstream in(release);
  unsigned major = 0, minor = 0;
  char dot = 0;
  in >> major >> dot >> minor;
  return major > kMajor || (major == kMajor && dot == '.' && minor >= kMinor);
}

std::string Contents(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Without one, ext4 writes its inodes as blocks of the device, and who asks first of these hears what was lost, alone.
bool HasJournal(int fd) {
  struct stat st;
  if (fstat(fd, &st) != 0) return false;
  std::ostringstream device;
  device << "/sys/dev/block/" << major(st.st_dev) << ':' << minor(st.st_dev);
  std::error_code error;
  const std::string name = std::filesystem::read_symlink(device.str(), error).filename().native();
  const std::string task = Contents("/sys/fs/ext4/" + name + "/journal_task");
  return !task.empty() && task.front() >= '0' && task.front() <= '9';
}

}  // namespace

bool SyncfsTells(const Mount& mount, const std::string& release, bool journal) {
  if (!IsNewEnough(release)) return false;
  // An fsync flushes the cache of a realtime device, too.
  if (mount.type == "xfs") return mount.options.find(",rtdev=") == std::string::npos;
  return mount.type == "ext4" && journal;
}

bool SyncfsTells(int fd) {
  struct utsname kernel;
  if (uname(&kernel) != 0) return false;
  const Mount mount = MountOf(fd);
  return SyncfsTells(mount, kernel.release, mount.type == "ext4" && HasJournal(fd));
}

uint64_t ParseDirty(const std::string& meminfo) {
  std::istringstream in(meminfo);
  uint64_t sum = 0;
  int found = 0;
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string key;
    uint64_t kib = 0;
    fields >> key;
    if ((key != "Dirty:" && key != "Writeback:") || !(fields >> kib)) continue;
    sum += kib << 10;
    found++;
  }
  return found == 2 ? sum : UINT64_MAX;
}

uint64_t DirtyBytes() { return ParseDirty(Contents("/proc/meminfo")); }

}  // namespace axl
