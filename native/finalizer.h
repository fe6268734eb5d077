// What axl-finalize does with state files: read, decide, publish or roll back, remove. See docs/state-format.md,
// "What axl-finalize decides".
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "base/engine.h"
#include "base/record.h"
#include "base/status.h"
#include "os/os.h"
#include "publish/publisher.h"

namespace axl {

enum class Incomplete : uint8_t { kDelete = 1, kKeep = 2, kResume = 3 };

struct FinalizeOptions {
  Incomplete incomplete = Incomplete::kDelete;
  bool dry_run = false;
  bool scan_complete = true;                // false: nothing is deleted at all
  Incomplete fallback = Incomplete::kKeep;  // what to do with what could not be resumed
  PublishOptions publish = {};
  std::vector<std::string> roots = {};  // canonical; if any is given, every destination must lie within one of them
  bool job_ended = false;               // where flock does not work: writers on other hosts count as dead
  bool keep_state = false;              // state files stay, with FINAL
  // The dataset of these transfers is incomplete: what is complete is treated like what is not.
  bool dataset_incomplete = false;
  // Only resume: what can be completed is copied and committed; nothing is published, rolled back or removed.
  bool resume_only = false;
  // What is to be published only with all its ranks is left, as kForDataset: this caller looks at each for itself.
  bool leave_datasets = false;
  // With dry_run: what is complete, and can be published, is durably so afterwards, and kPublished as what is published
  // already. Or it is kFailed; what is not complete is kKept.
  bool commit = false;
  const std::atomic<bool>* stop = nullptr;  // true: copies of a resume end soon, and are kept
};

enum class Action : uint8_t {
  kPublished = 0,
  kRolledBack,
  kKept,        // incomplete, and told to keep
  kRemoved,     // never dispatched, or published and never freed: only the state file went
  kBusy,        // its writer is alive, or another finalizer is at work
  kGone,        // somebody else finalized it since the scan
  kNotState,    // not a state file: left alone
  kCorrupt,     // corrupt or of another version: left alone
  kFailed,      // see status; the state file stays
  kForDataset,  // see FinalizeOptions.leave_datasets
};
inline constexpr size_t kActions = static_cast<size_t>(Action::kForDataset) + 1;

// What was done with one state file; under dry_run, what would be.
struct Finalized {
  Action action = Action::kFailed;
  bool resumed = false;  // its copies were completed first
  Status status;         // why, when action is kFailed, kCorrupt, kBusy, kNotState, or kKept
  std::string state_file;
  std::string name;  // of the transfer
  uint32_t rank = 0;
  uint64_t files = 0;
  uint64_t files_done = 0;
  uint64_t bytes = 0;
};

// Finalizes a batch of state files, which share their fsyncs, on the caller's thread: batches run side by side. Results
// come in the order of `paths`. Every success is durable when it returns (as durable as the transfer asked).
// `surveyed`: which transfer each is to be. What was decided of one holds for no other that has its name by now: that
// is kGone. Empty, and zeros: any.
std::vector<Finalized> FinalizeBatch(Os& os, Engine& engine, const std::vector<std::string>& paths,
                                     const FinalizeOptions& options, const std::vector<Uuid>& surveyed = {});

}  // namespace axl
