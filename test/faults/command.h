// The command under test: started with its system calls listened to, killed with all that it started, reaped.
#pragma once

#include <sys/types.h>

#include <span>

#include "calls.h"

namespace axl::faults {

class Command {
 public:
  // On failure listener() is -errno, and there is nothing to wait for but the command's end.
  Command(char** argv, std::span<const Call* const> calls);

  // Readable when a call waits for an answer.
  int listener() const { return listener_; }
  // Readable when a process has ended.
  int ends() const { return ends_; }

  // Processes that have made a process group of their own survive, but `caller` does not.
  void Kill(pid_t caller) const;
  // Reaps what has ended. False once nothing of the command is left.
  bool Reap();
  // As waitpid has it; valid once Reap has returned false.
  int status() const { return status_; }

 private:
  pid_t pid_ = -1;
  int listener_ = -1;
  int ends_ = -1;
  int status_ = 0;
};

}  // namespace axl::faults
