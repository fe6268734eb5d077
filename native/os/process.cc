// Who we are and who still lives, from /proc; see process.h. Reads a few small files of the kernel directly: they are
// no part of what a test of ours makes fail.
#include "os/process.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <sstream>

#include "base/names.h"

namespace axl {
namespace {

// Neither changes while this process lives.
const std::string& BootId() {
  static const std::string id = [] {
    std::ifstream in("/proc/sys/kernel/random/boot_id");
    std::string line;
    std::getline(in, line);
    return line;
  }();
  return id;
}

ProcessStat ReadStat(uint32_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat", std::ios::binary);
  return ParseProcessStat({std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
}

uint64_t PidNamespace() {
  static const uint64_t inode = [] {
    struct stat st;
    return stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
  }();
  return inode;
}

// Where a name is made by link and unlink, or is forgotten, the kernel still shows the name that the file had when it
// was opened (see Journal::Create), or what a network file system has made of it.
bool IsNamed(std::string target, std::string_view name) {
  constexpr std::string_view kDeleted = " (deleted)";
  if (target.ends_with(kDeleted)) target.resize(target.size() - kDeleted.size());
  const std::string_view base = BaseOf(target);
  return base == name || (base.starts_with('.') && base.ends_with(".new")) || base.starts_with(".fuse_hidden") ||
         base.starts_with(".nfs");
}

// A process may have let go of a transfer and live on.
Answer HasOpen(uint32_t pid, const OpenFile& file) {
  std::error_code error;
  std::filesystem::directory_iterator it("/proc/" + std::to_string(pid) + "/fd", error);
  if (error) return Answer::kCannotTell;
  for (; it != std::filesystem::directory_iterator(); it.increment(error)) {
    struct stat st;
    const bool same_mount = stat(it->path().c_str(), &st) == 0 && st.st_dev == file.device;
    if (same_mount && st.st_ino == file.inode) return Answer::kYes;
    std::error_code closed;
    if (!same_mount && IsNamed(std::filesystem::read_symlink(it->path(), closed).native(), file.name))
      return Answer::kYes;
  }
  return error ? Answer::kCannotTell : Answer::kNo;
}

bool IsNumberedHere(const TransferInfo& info) {
  return IsThisBoot(info) && info.pid_namespace != 0 && info.pid_namespace == PidNamespace() && info.pid != 0 &&
         info.pid <= INT_MAX;
}

}  // namespace

std::string HostName() {
  char name[HOST_NAME_MAX + 1] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

uint32_t OwnGroup() { return getegid(); }

uint32_t OwnUmask() {
  constexpr std::string_view kField = "Umask:";
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(kField)) return static_cast<uint32_t>(std::strtoul(line.c_str() + kField.size(), nullptr, 8));
  return 077;
}

// Field 2, the name, may hold spaces and parentheses: count from the last one.
ProcessStat ParseProcessStat(const std::string& text) {
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(text.substr(name_end + 1));
  ProcessStat process;
  std::string skipped;
  fields >> process.state;
  for (int field = 4; field < 22; field++) fields >> skipped;
  if (!(fields >> process.start_time)) return {};
  return process;
}

// It stays the same; a fork has another.
static uint64_t OwnStartTime(uint32_t pid) {
  static std::mutex mutex;
  static uint32_t of = 0;
  static uint64_t time = 0;
  const std::lock_guard lock(mutex);
  if (of != pid) time = ReadStat(pid).start_time;
  of = pid;
  return time;
}

void DescribeProcess(TransferInfo* info) {
  info->host = HostName();
  info->boot_id = BootId();
  info->pid = static_cast<uint32_t>(getpid());
  info->start_time = OwnStartTime(info->pid);
  info->pid_namespace = PidNamespace();
}

bool IsThisBoot(const TransferInfo& info) { return !info.boot_id.empty() && info.boot_id == BootId(); }

bool HasEnded(const TransferInfo& info) {
  return IsNumberedHere(info) && kill(static_cast<pid_t>(info.pid), 0) == -1 && errno == ESRCH;
}

Answer IsWriting(const TransferInfo& info, const OpenFile& file, bool granted) {
  if (!IsNumberedHere(info)) return Answer::kCannotTell;
  if (HasEnded(info)) return Answer::kNo;
  const ProcessStat now = ReadStat(info.pid);
  if (now.start_time == 0 || info.start_time == 0) return Answer::kCannotTell;  // /proc hides it
  if (now.start_time != info.start_time) return Answer::kNo;                    // the number was used again
  if (now.state == 'Z' || now.state == 'X') return Answer::kNo;  // it has no threads left that could write
  const bool ourselves = info.pid == static_cast<uint32_t>(getpid());
  if (file.name.empty()) return Answer::kYes;
  if (ourselves) return granted ? Answer::kNo : Answer::kYes;
  const Answer open = HasOpen(info.pid, file);
  return open == Answer::kCannotTell && !granted ? Answer::kYes : open;
}

}  // namespace axl
