// Who we are and who still lives, from /proc; see process.h. Reads a few small files of the kernel directly: they are
// no part of what a test of ours makes fail.
#include "os/process.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <fstream>
#include <iterator>
#include <sstream>

namespace axl {
namespace {

std::string HostName() {
  char name[HOST_NAME_MAX + 1] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

std::string BootId() {
  std::ifstream in("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(in, id);
  return id;
}

ProcessStat ReadStat(uint32_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat", std::ios::binary);
  return ParseProcessStat({std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
}

uint64_t PidNamespace() {
  struct stat st;
  return stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
}

bool NoSuchProcess(uint32_t pid) { return kill(static_cast<pid_t>(pid), 0) == -1 && errno == ESRCH; }

}  // namespace

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

void DescribeProcess(TransferInfo* info) {
  info->host = HostName();
  info->boot_id = BootId();
  info->pid = static_cast<uint32_t>(getpid());
  info->start_time = ReadStat(info->pid).start_time;
  info->pid_namespace = PidNamespace();
}

Liveness WriterLiveness(const TransferInfo& info) {
  if (info.host.empty() || info.host != HostName() || info.boot_id.empty()) return Liveness::kUnknown;
  const std::string boot_id = BootId();
  if (boot_id.empty()) return Liveness::kUnknown;
  if (info.boot_id != boot_id) return Liveness::kDead;  // the host was booted since
  if (info.pid == 0 || info.pid > INT_MAX) return Liveness::kUnknown;
  if (NoSuchProcess(info.pid)) return Liveness::kDead;
  const ProcessStat now = ReadStat(info.pid);
  if (now.start_time == 0 || info.start_time == 0) return Liveness::kUnknown;  // /proc hides it
  if (now.start_time != info.start_time) return Liveness::kDead;               // the number was used again
  // A zombie has no threads left that could write.
  return now.state == 'Z' || now.state == 'X' ? Liveness::kDead : Liveness::kAlive;
}

}  // namespace axl
