// What axl-finalize does with state files: read, decide, publish or roll back, remove. See docs/state-format.md,
// "What axl-finalize decides".
#pragma once

#include <string>
#include <vector>

#include "engine.h"
#include "os.h"
#include "record.h"
#include "status.h"

namespace axl {

enum class Incomplete : uint8_t { kDelete = 1, kKeep = 2 };

struct FinalizeOptions {
  Incomplete incomplete = Incomplete::kDelete;
  bool dry_run = false;
  bool scan_complete = true;  // false: nothing is deleted at all
  unsigned jobs = 4;          // threads
};

enum class Action : uint8_t {
  kPublished = 0,
  kRolledBack,
  kKept,      // incomplete, and told to keep
  kRemoved,   // never dispatched, or published and never freed: only the state file went
  kBusy,      // its writer is alive, or another finalizer is at work
  kGone,      // somebody else finalized it since the scan
  kNotState,  // not a state file: left alone
  kCorrupt,   // corrupt or of another version: left alone
  kFailed,    // see status; the state file stays
};

// What was done with one state file; under dry_run, what would be.
struct Finalized {
  Action action = Action::kFailed;
  Status status;  // why, when action is kFailed, kCorrupt, kBusy or kNotState
  std::string state_file;
  std::string name;  // of the transfer
  uint32_t rank = 0;
  uint64_t files = 0;
  uint64_t files_done = 0;
  uint64_t bytes = 0;
};

// Finalizes a batch of state files of one state directory with shared barriers; parallel inside. Results come in the
// order of `paths`. Every success is durable when it returns (as durable as the transfer asked).
std::vector<Finalized> FinalizeBatch(Os& os, Engine& engine, const std::vector<std::string>& paths,
                                     const FinalizeOptions& options);

}  // namespace axl
