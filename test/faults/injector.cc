// axl_faults: runs a command and puts one fault at one of its system calls, counted over all its threads and children:
// an error, a delay, a pause, a part of a write, death. By seccomp user notification, so that the programs are the real
// ones.
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iostream>
#include <thread>

#include "command.h"
#include "options.h"
#include "tracee.h"

namespace axl::faults {
namespace {

constexpr int kCannot = 126;

class Injector {
 public:
  explicit Injector(const Options& options) : options_(options), command_(options.command, options.calls) {
    if (!options.trace.empty()) trace_.open(options.trace);
  }

  bool works() const { return command_.listener() >= 0; }
  int error() const { return -command_.listener(); }
  // Until nothing of the command is left. Returns its exit status, as a shell has it.
  int Run();

 private:
  struct Hit {
    std::string call;
    std::vector<std::string> paths;
  };

  void Answer();
  bool Counts(const std::vector<std::string>& paths) const;
  void Inject(const Call& call, const seccomp_notif& waiting);
  void Part(const Call& call, const seccomp_notif& waiting);
  void Fail(const Call& call, const seccomp_notif& waiting) const;
  void Delay(uint64_t id) const;
  void Pause(uint64_t id) const;
  void Respond(seccomp_notif_resp response) const;
  void GoOn(uint64_t id) const { Respond({id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE}); }
  void Report(int status) const;

  const Options& options_;
  Command command_;
  std::ofstream trace_;
  uint64_t calls_ = 0;
  Hit hit_;
};

int Injector::Run() {
  pollfd waiting[] = {{command_.listener(), POLLIN, 0}, {command_.ends(), POLLIN, 0}};
  do {
    if (poll(waiting, 2, -1) > 0 && (waiting[0].revents & POLLIN) != 0) Answer();
    if ((waiting[0].revents & POLLHUP) != 0) waiting[0].fd = -1;
  } while (command_.Reap());
  const int status = command_.status();
  Report(status);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// One call. Its caller may be dead already: then there is nothing to answer.
void Injector::Answer() {
  seccomp_notif waiting{};
  if (ioctl(command_.listener(), SECCOMP_IOCTL_NOTIF_RECV, &waiting) != 0) return;
  const Call& call = *FindCall(waiting.data.nr);
  std::vector<std::string> paths = PathsOf(call, waiting);
  if (!Counts(paths)) return GoOn(waiting.id);
  calls_++;
  if (trace_.is_open()) {
    trace_ << calls_ << ' ' << call.name;
    for (const std::string& path : paths) trace_ << ' ' << path;
    trace_ << '\n' << std::flush;
  }
  const bool first = calls_ == options_.at;
  if (first) hit_ = {std::string(call.name), std::move(paths)};
  if (first || (options_.lasting && calls_ > options_.at)) return Inject(call, waiting);
  GoOn(waiting.id);
}

bool Injector::Counts(const std::vector<std::string>& paths) const {
  for (const std::string& path : paths)
    if (path.starts_with(options_.root) && (path.size() == options_.root.size() || path[options_.root.size()] == '/'))
      return true;
  return false;
}

void Injector::Inject(const Call& call, const seccomp_notif& waiting) {
  const pid_t process = ProcessOf(static_cast<pid_t>(waiting.pid));
  switch (options_.fault) {
    case Fault::kErrno:
      return Fail(call, waiting);
    case Fault::kKill:
      return command_.Kill(process);
    case Fault::kDie:
      (void)kill(process, SIGKILL);
      return;
    case Fault::kTorn:
      (void)DoPart(call, waiting, SizeOf(call, waiting) / 2);
      return command_.Kill(process);
    case Fault::kShort:
      return Part(call, waiting);
    case Fault::kDelay:
      return Delay(waiting.id);
    case Fault::kPause:
      return Pause(waiting.id);
    case Fault::kNone:
      return GoOn(waiting.id);
  }
}

void Injector::Part(const Call& call, const seccomp_notif& waiting) {
  const ssize_t done = DoPart(call, waiting, (SizeOf(call, waiting) + 1) / 2);
  if (done == -EOPNOTSUPP) return GoOn(waiting.id);
  Respond({waiting.id, done < 0 ? 0 : done, done < 0 ? static_cast<int>(done) : 0, 0});
}

// Linux closes a descriptor whatever close returns: another file takes its place, since we cannot close it for them.
void Injector::Fail(const Call& call, const seccomp_notif& waiting) const {
  if (call.name == "close") {
    const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    seccomp_notif_addfd instead{};
    instead.id = waiting.id;
    instead.flags = SECCOMP_ADDFD_FLAG_SETFD;
    instead.srcfd = static_cast<uint32_t>(null);
    instead.newfd = static_cast<uint32_t>(waiting.data.args[0]);
    instead.newfd_flags = O_CLOEXEC;
    if (ioctl(command_.listener(), SECCOMP_IOCTL_NOTIF_ADDFD, &instead) < 0) std::cerr << "axl_faults: no close\n";
    close(null);
  }
  Respond({waiting.id, 0, -options_.value, 0});
}

void Injector::Delay(uint64_t id) const {
  std::thread([this, id] {
    std::this_thread::sleep_for(std::chrono::milliseconds(options_.value));
    GoOn(id);
  }).detach();
}

void Injector::Pause(uint64_t id) const {
  std::ofstream{options_.paused};
  std::thread([this, id] {
    while (access(options_.paused.c_str(), F_OK) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    GoOn(id);
  }).detach();
}

void Injector::Respond(seccomp_notif_resp response) const {
  (void)ioctl(command_.listener(), SECCOMP_IOCTL_NOTIF_SEND, &response);
}

std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= ' ') out += c;
  }
  return out + '"';
}

void Injector::Report(int status) const {
  std::ofstream out(options_.report);
  out << "{\"calls\":" << calls_ << ",\"hit\":";
  if (hit_.call.empty()) {
    out << "null";
  } else {
    out << "{\"call\":" << Quoted(hit_.call) << ",\"paths\":[";
    for (size_t i = 0; i < hit_.paths.size(); i++) out << (i == 0 ? "" : ",") << Quoted(hit_.paths[i]);
    out << "]}";
  }
  out << ",\"status\":" << (WIFEXITED(status) ? std::to_string(WEXITSTATUS(status)) : "null")
      << ",\"signal\":" << (WIFSIGNALED(status) ? std::to_string(WTERMSIG(status)) : "null") << "}\n";
}

}  // namespace
}  // namespace axl::faults

int main(int argc, char** argv) {
  axl::faults::Options options;
  if (!axl::faults::ParseOptions(argc, argv, &options)) return 2;
  axl::faults::Injector injector(options);
  if (injector.works()) return injector.Run();
  std::cerr << "axl_faults: seccomp user notification does not work here: " << std::strerror(injector.error()) << '\n';
  return axl::faults::kCannot;
}
