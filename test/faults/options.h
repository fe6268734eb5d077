// The injector's command line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "calls.h"

namespace axl::faults {

enum class Fault : uint8_t {
  kNone,   // calls are only counted
  kErrno,  // the call does nothing and reports an error; a close closes all the same
  kKill,   // SIGKILL to all of the command before the call
  kDie,    // SIGKILL to the process that makes the call, and to no other
  kTorn,   // a part of a write is written, then SIGKILL
  kShort,  // a part of a read or write is done and reported
  kDelay,  // the call waits for some time; all others go on
  kPause,  // the call waits until a file, made when it begins to wait, is removed; all others go on
};

struct Options {
  std::string root;                // calls that name a file in here count, no others
  std::vector<const Call*> calls;  // of these kinds
  uint64_t at = 0;                 // the fault is at this one of them, from 1
  Fault fault = Fault::kNone;
  int value = 0;         // the errno, or milliseconds
  bool lasting = false;  // an errno or a delay: all later calls have it too
  std::string paused;    // a pause: the file
  std::string report;    // what came of it, as JSON, goes to this file
  std::string trace;     // a line for each call that counts goes to this file; empty: to none
  char** command = nullptr;
};

// Returns false, after a message on standard error, if they make no sense.
bool ParseOptions(int argc, char** argv, Options* out);

}  // namespace axl::faults
