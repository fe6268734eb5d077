#include "command.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "filter.h"

namespace axl::faults {
namespace {

constexpr int kCannotRun = 127;

// In the child. Tells the number of its listener, waits until that was copied, and becomes the command.
[[noreturn]] void Become(char** argv, int socket, const sigset_t& mask, std::span<const Call* const> calls) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  const int listener = ListenTo(calls);
  char go = 0;
  if (send(socket, &listener, sizeof listener, 0) == sizeof listener && recv(socket, &go, 1, 0) == 1 && listener >= 0)
    execvp(argv[0], argv);
  _exit(kCannotRun);
}

// Calls that are filtered from now on cannot carry the descriptor here: whoever answers them does not have it yet.
int TakeListener(pid_t pid, int socket) {
  int listener = -EIO;
  if (recv(socket, &listener, sizeof listener, 0) != sizeof listener || listener < 0) return listener;
  const int process = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  const long ours = syscall(SYS_pidfd_getfd, process, listener, 0);
  const int result = ours < 0 ? -errno : static_cast<int>(ours);
  close(process);
  return result;
}

}  // namespace

Command::Command(char** argv, std::span<const Call* const> calls) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t child_ended, before;
  sigemptyset(&child_ended);
  sigaddset(&child_ended, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_ended, &before);
  ends_ = signalfd(-1, &child_ended, SFD_CLOEXEC | SFD_NONBLOCK);
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) return;
  pid_ = fork();
  if (pid_ == 0) Become(argv, sockets[1], before, calls);
  close(sockets[1]);
  listener_ = TakeListener(pid_, sockets[0]);
  if (listener_ >= 0) (void)send(sockets[0], "", 1, 0);
  close(sockets[0]);
}

void Command::Kill(pid_t caller) const {
  kill(-pid_, SIGKILL);
  kill(caller, SIGKILL);
}

bool Command::Reap() {
  signalfd_siginfo info;
  while (read(ends_, &info, sizeof info) == sizeof info) continue;
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, WNOHANG);
    if (ended == pid_) status_ = status;
    if (ended <= 0) return ended == 0;
  }
}

}  // namespace axl::faults
