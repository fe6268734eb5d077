// What the caller of axl-finalize wants, what was decided, and what became of each state file. No code.
#pragma once

#include <string>
#include <vector>

#include "base/record.h"
#include "base/status.h"
#include "journal/liveness.h"
#include "publish/publisher.h"

namespace axl {

enum class Incomplete : uint8_t { kDelete = 1, kKeep = 2, kResume = 3 };

// The same for all of a run.
struct Policy {
  Incomplete incomplete = Incomplete::kDelete;
  Incomplete fallback = Incomplete::kKeep;  // what to do with what could not be resumed
  PublishOptions publish = {};
  std::vector<std::string> roots = {};  // canonical; if any is given, every destination must lie within one of them
  Word word = {};                       // what the caller knows of writers
  bool keep_state = false;              // state files stay, with FINAL
  bool dry_run = false;
  bool together = false;   // a batch is open as a whole, however large: its transfers meet
  bool may_delete = true;  // false: not all was seen, and what was not seen may be needed
  // How far what is complete is published: with another than kAll it stays, as kInPhases.
  Until until = Until::kAll;
  bool clears = false;  // with kCleared: a rank of its dataset replaces data
  // With another than kAll: also what AXL has completed stays as kInPhases, and not only what this call has published.
  bool hands_over = false;
};

// What is to become of the transfers of a call.
enum class Decided : uint8_t {
  kEach = 1,    // each for itself, but what is to be published only with all its ranks is left: kForDataset
  kAsItIs,      // each for itself: their datasets are complete, or they have none
  kIncomplete,  // their dataset is incomplete: what is complete is treated like what is not
  kKeep,        // nothing that is complete is published, and nothing deleted
  kRollBack,    // so it was decided, whatever the policy says
};

enum class Action : uint8_t {
  kPublished = 0,
  kRolledBack,
  kKept,        // incomplete, and told to keep
  kRemoved,     // never dispatched, or published and never freed: only the state file was removed
  kBusy,        // its writer is alive, or another finalizer is at work
  kGone,        // somebody else finalized it since the scan
  kNotState,    // not a state file: left alone
  kCorrupt,     // corrupt, of another version, or a copy: left alone
  kFailed,      // see status; the state file stays
  kForDataset,  // see Decided::kEach
  kInPhases,    // published as far as Policy::until says
};
inline constexpr size_t kActions = static_cast<size_t>(Action::kInPhases) + 1;

struct Finalized {
  std::string state_file;
  Action action = Action::kFailed;
  Status status;         // why, where that needs saying
  bool resumed = false;  // the copies were completed first
  bool axl = false;      // it is a state file of the C library AXL
  std::string name;      // of the transfer
  uint32_t rank = 0;
  uint64_t files = 0;
  uint64_t files_done = 0;
  uint64_t bytes = 0;
  uint64_t commit_files = 0, pointers = 0;  // of the files
  uint64_t retires = 0;                     // how much that is older is deleted once it is published
  Lacking lacking = {};                     // of what is published
  std::string directory = {};               // of kInPhases: see CommonDirectory
  std::vector<uint64_t> destinations = {};  // of a commit: a number for each final path
};

}  // namespace axl
