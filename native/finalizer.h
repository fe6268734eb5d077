// What axl-finalize does with state files: commit, resume, finalize. Whether a dataset is complete is decided
// elsewhere. See docs/state-format.md, "What axl-finalize decides".
//
// Each call takes a batch, works on the caller's thread (batches run side by side), and answers in the order of
// `paths`. `surveyed`: which transfer each is to be. What was decided of one holds for no other that has its name by
// now: that is kGone. Empty, and zeros: any.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "base/engine.h"
#include "finalize/policy.h"
#include "os/os.h"

namespace axl {

// Publishes, rolls back or keeps. The state files share their fsyncs: every success is durable when it returns (as
// durable as the transfer asked). `*stop`: copies of a resume end soon, and are kept.
std::vector<Finalized> FinalizeBatch(Os& os, Engine& engine, const std::vector<std::string>& paths,
                                     const Policy& policy, Decided decided, const std::vector<Uuid>& surveyed = {},
                                     const std::atomic<bool>* stop = nullptr);

// Others are published because these are complete: makes durable that they are, and publishes nothing. kPublished: it
// is so, or is published already; kKept: not complete; kFailed: complete, and could not be published now.
std::vector<Finalized> CommitBatch(Os& os, const std::vector<std::string>& paths, const Policy& policy,
                                   const std::vector<Uuid>& surveyed);

// Copies become the state files of their transfers, whose originals the caller knows to be gone. ok, also for what is
// no copy, or no state file.
std::vector<Status> AdoptBatch(Os& os, const std::vector<std::string>& paths, const Policy& policy,
                               const std::vector<Uuid>& surveyed);

struct Resumed {
  bool resumed = false;  // every copy is complete
  Status status;         // why not, where something was to be copied
};

// Completes copies, and publishes, rolls back and removes nothing.
std::vector<Resumed> ResumeBatch(Os& os, Engine& engine, const std::vector<std::string>& paths, const Policy& policy,
                                 const std::vector<Uuid>& surveyed, const std::atomic<bool>* stop);

}  // namespace axl
