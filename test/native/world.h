// A small world in a temporary directory: sources of every kind, destinations of which some exist beforehand, a state
// directory; lives of a transfer in it, finalize, and the promise, checked.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/engine.h"
#include "fault_os.h"
#include "finalizer.h"
#include "forwarding_os.h"
#include "test.h"
#include "transfer.h"
#include "tree.h"

namespace axl::test {

// The system without waiting for the disk: what a sweep of hundreds of runs needs, since it never cuts the power.
class QuickOs : public ForwardingOs {
 public:
  int Fsync(int) override { return 0; }
  int StartWriteback(int, off_t, off_t) override { return 0; }
  int DropCache(int) override { return 0; }
};

class World {
 public:
  // kFew: a file of each code path of copy and publish, and a directory. kLinked: and hard links. kFour: and a file of
  // four names. kAll: every kind.
  // kPhases: as kLinked, with a commit file, a manifest, pointers, one of them over an older one, and a directory that
  // is retired.
  enum class Files { kFew, kLinked, kFour, kAll, kPhases };
  // A sweep runs in memory (/dev/shm) where it can: there nobody waits for a disk to remove what was just written.
  enum class Place { kMemory, kDisk };
  explicit World(Files files = Files::kFew, Place place = Place::kMemory);
  ~World();

  // Destinations and state directory as they were at first.
  void Reset();
  Status AddAll(Transfer& transfer) const;
  TransferOptions Options() const;

  std::string Source(const std::string& name) const { return At("source/" + name); }
  std::string Dest(const std::string& name) const { return At("dest/" + name); }
  const std::string& root() const { return root_; }
  std::string states() const { return At("states"); }
  std::string state_file() const { return states() + "/rank.0"; }

  const Tree& before() const { return before_; }
  const Tree& after() const { return after_; }
  // The destinations as they are. Times of directories that no source describes are left out.
  Tree Now() const;
  // The temporary files among them; and the path of that of one destination, empty if there is none.
  static std::vector<std::string> TemporariesIn(const Tree& tree);
  std::string TemporaryOf(const std::string& name) const;

  Durability durability = Durability::kFull;
  static constexpr uint32_t kChunk = 4096;

 private:
  std::string At(const std::string& name) const { return root_ + "/" + name; }
  void MakeSources(Files files);
  void MakeHardLinks();
  void MakeFourNames();
  void MakeMoreSources();
  void MakeDestinations();
  void Expect();

  std::string root_;
  const bool phases_;
  Tree before_, after_;
  std::set<std::string> described_;  // directories that get a source's metadata
};

// How a transfer's life goes on once its copies have ended.
enum class Ending {
  kPublish,  // publish, free
  kLeave,    // nothing: the process ends
  kFree,     // free, without publishing
};

// How far it came. `failed` is the first call that did not succeed.
struct Life {
  Status failed;
  bool published = false;  // Publish said so
  bool freed = false;
};

// Starts copies by `start` (Dispatch or Resume) and waits for them.
Status AndWait(const std::function<Status(std::function<void()>)>& start);

// How many system calls a life makes; a fault at a share of them is in the middle of it. Resets the world.
uint64_t CallsOfALife(World& world, Ending ending);

// Create, add, dispatch, copy, then the ending.
Life Live(const World& world, Os& os, unsigned workers, Ending ending);
// Every file DONE and SETTLED, its process gone. Resets the world.
void LeaveComplete(World& world);
// The same by a caller who does not give up: dispatches, resumes, publishes and frees again after a failure.
Life LiveStubbornly(const World& world, Os& os, unsigned workers);
// Open, resume, then the ending.
Life LiveAgain(const World& world, Os& os, unsigned workers, Ending ending);

// Dispatched, and canceled at call number `at`, which `os` counts; then resumed, or not; then the ending.
Life LiveCanceled(const World& world, FaultOs& os, uint64_t at, bool resume, Ending ending);

// axl-finalize over the state directory.
std::vector<Finalized> Finalize(const World& world, Os& os, Policy policy = {});

// What holds at every instant: each destination is as before or complete, and a temporary file has a state file.
void CheckInstant(const World& world, const std::string& when);
// What holds after finalize: all or nothing, no temporaries, no state file; and finalizing again changes nothing.
// If somebody was told that the transfer is published, it is.
void CheckPromise(const World& world, bool told_published, const std::string& when);

}  // namespace axl::test
