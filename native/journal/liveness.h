// Is the writer of a state file alive, or a finalizer at work on it? The one answer, for whoever opens, lists or
// surveys. See docs/state-format.md, "Who is alive".
#pragma once

#include <string>
#include <vector>

#include "base/answer.h"
#include "base/record.h"
#include "base/status.h"
#include "journal/needs.h"
#include "os/os.h"

namespace axl {

// What the caller knows of writers that nobody here can ask, and what movers have said.
struct Word {
  bool job_ended = false;               // all are dead
  std::vector<std::string> dead_hosts;  // those that ran on one of these are
  JobAnswers answers = {};
  bool empty() const { return !job_ended && dead_hosts.empty(); }
};

// A lock that is to be had, or not.
enum class Locked : uint8_t { kGranted, kHeld, kNone };
// What Os::Lock says: every error but EWOULDBLOCK means that there are no locks.
Locked ToLocked(int result);

struct Alive {
  Answer answer = Answer::kCannotTell;
  Status why;  // kStateLocked, unless the answer is no
};
// `fd`: the state file, open, and whether its lock was granted.
Alive IsAlive(Os& os, int fd, Locked locked, const TransferInfo& info, const Word& word, const std::string& path);

// Of a copy of a state file: its writer has the original open, so neither the lock nor the open file tells.
Alive IsWriterOfCopyAlive(const TransferInfo& info, const Word& word, const std::string& path);

}  // namespace axl
