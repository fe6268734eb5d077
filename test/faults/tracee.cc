#include "tracee.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <fstream>

namespace axl::faults {
namespace {

ssize_t ReadMemory(pid_t pid, uint64_t from, void* to, size_t n) {
  const iovec local{to, n};
  const iovec remote{reinterpret_cast<void*>(from), n};  // NOLINT: an address there
  return process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

ssize_t WriteMemory(pid_t pid, uint64_t to, void* from, size_t n) {
  const iovec local{from, n};
  const iovec remote{reinterpret_cast<void*>(to), n};  // NOLINT: an address there
  return process_vm_writev(pid, &local, 1, &remote, 1, 0);
}

// Page by page, since the page after the end of the string may not be there.
std::string StringAt(pid_t pid, uint64_t address) {
  constexpr size_t kPage = 4096;
  std::string out;
  char page[kPage];
  while (address != 0 && out.size() < PATH_MAX) {
    const ssize_t n = ReadMemory(pid, address + out.size(), page, kPage - (address + out.size()) % kPage);
    if (n <= 0) break;
    const char* const end = std::find(page, page + n, '\0');
    out.append(page, static_cast<size_t>(end - page));
    if (end != page + n) break;
  }
  return out;
}

std::string LinkAt(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t n = readlink(path.c_str(), target, sizeof target);
  return {target, n < 0 ? 0 : static_cast<size_t>(n)};
}

std::string DescriptorPath(pid_t pid, int fd) {
  const std::string proc = "/proc/" + std::to_string(pid);
  return LinkAt(fd == AT_FDCWD ? proc + "/cwd" : proc + "/fd/" + std::to_string(fd));
}

std::string Resolve(pid_t pid, int dir, const std::string& path) {
  if (path.starts_with('/')) return path;
  const std::string base = DescriptorPath(pid, dir);
  return path.empty() ? base : base + "/" + path;
}

// A descriptor of another process, as one of ours; closed at the end.
class Borrowed {
 public:
  Borrowed(pid_t pid, int fd) {
    const int process = static_cast<int>(syscall(SYS_pidfd_open, ProcessOf(pid), 0));
    if (process < 0) return;
    fd_ = static_cast<int>(syscall(SYS_pidfd_getfd, process, fd, 0));
    close(process);
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  ~Borrowed() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

bool IsRead(const Call& call) { return call.number == __NR_read || call.number == __NR_pread64; }
bool IsWrite(const Call& call) { return call.number == __NR_write || call.number == __NR_pwrite64; }
bool HasOffset(const Call& call) { return call.number == __NR_pread64 || call.number == __NR_pwrite64; }

ssize_t WritePart(const Call& call, const seccomp_notif& waiting, int fd, size_t size) {
  std::vector<char> bytes(size);
  const ssize_t n = ReadMemory(static_cast<pid_t>(waiting.pid), waiting.data.args[1], bytes.data(), size);
  if (n < 0) return -errno;
  const ssize_t done = HasOffset(call)
                           ? pwrite(fd, bytes.data(), static_cast<size_t>(n), static_cast<off_t>(waiting.data.args[3]))
                           : write(fd, bytes.data(), static_cast<size_t>(n));
  return done < 0 ? -errno : done;
}

ssize_t ReadPart(const Call& call, const seccomp_notif& waiting, int fd, size_t size) {
  std::vector<char> bytes(size);
  const ssize_t done = HasOffset(call) ? pread(fd, bytes.data(), size, static_cast<off_t>(waiting.data.args[3]))
                                       : read(fd, bytes.data(), size);
  if (done < 0) return -errno;
  const ssize_t n =
      WriteMemory(static_cast<pid_t>(waiting.pid), waiting.data.args[1], bytes.data(), static_cast<size_t>(done));
  return n < 0 ? -errno : n;
}

}  // namespace

std::vector<std::string> PathsOf(const Call& call, const seccomp_notif& waiting) {
  std::vector<std::string> out;
  const auto pid = static_cast<pid_t>(waiting.pid);
  int dir = AT_FDCWD;
  for (size_t i = 0; i < call.operands.size(); i++) {
    const uint64_t argument = waiting.data.args[i];
    if (call.operands[i] == 'f') out.push_back(DescriptorPath(pid, static_cast<int>(argument)));
    if (call.operands[i] == 'd') dir = static_cast<int>(argument);
    if (call.operands[i] == 'p') out.push_back(Resolve(pid, dir, StringAt(pid, argument)));
  }
  return out;
}

pid_t ProcessOf(pid_t thread) {
  std::ifstream status("/proc/" + std::to_string(thread) + "/status");
  constexpr std::string_view kKey = "Tgid:";
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(kKey)) return std::stoi(line.substr(kKey.size()));
  return thread;
}

size_t SizeOf(const Call& call, const seccomp_notif& waiting) {
  return IsRead(call) || IsWrite(call) ? waiting.data.args[2] : 0;
}

ssize_t DoPart(const Call& call, const seccomp_notif& waiting, size_t size) {
  if (SizeOf(call, waiting) == 0) return -EOPNOTSUPP;
  const Borrowed fd(static_cast<pid_t>(waiting.pid), static_cast<int>(waiting.data.args[0]));
  if (fd.get() < 0) return -EBADF;
  return IsWrite(call) ? WritePart(call, waiting, fd.get(), size) : ReadPart(call, waiting, fd.get(), size);
}

}  // namespace axl::faults
