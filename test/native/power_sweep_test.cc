// The power goes before every system call, with every choice of what the disk kept of what no fsync had made durable:
// then the promise holds as well. And an fsync that fails loses what it was to write, while the next one says yes.
#include <unistd.h>

#include <cerrno>

#include "disk_os.h"
#include "fault_os.h"
#include "world.h"

namespace axl::test {
namespace {

struct Kept {
  const char* what;
  PowerCut survives;
};

constexpr Kept kCuts[] = {
    {"nothing", {}},
    {"names only", {.state_names = true, .other_names = true}},
    {"data only", {.data = true}},
    {"all but names of the state directory", {.data = true, .other_names = true}},
    {"all but names of other directories", {.data = true, .state_names = true}},
};

// `prepare` runs on a disk that loses nothing, `live` until the power goes.
template <class Prepare, class Run>
void CutEverywhere(const std::string& what, World& world, Prepare prepare, Run live) {
  if (geteuid() != 0) Skip("needs root: the model of a disk takes names out of read-only directories");
  DiskOs disk(world.root(), world.states());
  QuickOs quick;
  for (const Kept& kept : kCuts) {
    const std::string label = "power sweep, " + what + ", kept: " + kept.what;
    Sweep(label, disk, Fault::kKill, 0, [&](FaultOs& os) {
      world.Reset();
      prepare(quick);
      disk.Forget();
      const bool published = live(os);
      disk.Cut(kept.survives);
      CheckPromise(world, published, label + ", " + os.where());
    });
  }
}

void Nothing(Os&) {}

TEST(APowerCutBeforeAnyCallOfATransferLeavesItWholeOrNotAtAll) {
  World world;
  CutEverywhere("a transfer", world, Nothing, [&](Os& os) { return Live(world, os, 1, Ending::kPublish).published; });
}

TEST(APowerCutBeforeAnyCallOfFinalizeIsMadeGoodByTheNext) {
  World world(World::Files::kAll);
  CutEverywhere(
      "finalize", world, [&](Os& quick) { (void)Live(world, quick, 1, Ending::kLeave); },
      [&](Os& os) {
        const auto done = Finalize(world, os);
        return done.size() == 1 && done[0].action == Action::kPublished;
      });
}

TEST(APowerCutBeforeAnyCallOfAFreeLeavesNothingHalf) {
  World world;
  CutEverywhere("free unpublished", world, Nothing,
                [&](Os& os) { return Live(world, os, 1, Ending::kFree).published; });
}

// Two disks' worth of truth: what the cache shows, and what is left once it has forgotten.
template <class Run>
void LoseAtEveryFsync(const std::string& what, World& world, bool drop_forgets, Run live) {
  DiskOs disk(world.root(), world.states());
  disk.drop_forgets = drop_forgets;
  Sweep("fsync sweep, " + what, disk, Fault::kFailFsync, EIO, [&](FaultOs& os) {
    world.Reset();
    disk.Forget();
    os.on_failed_fsync = [&](int fd) { disk.LosePages(fd); };
    const bool published = live(os);
    disk.EvictLost();
    CheckPromise(world, published, "fsync sweep, " + what + ", " + os.where());
  });
}

TEST(AFailedFsyncIsNeverReportedAsSuccessHoweverOftenItIsTried) {
  World world;
  for (bool drop_forgets : {true, false}) {
    LoseAtEveryFsync("a transfer", world, drop_forgets,
                     [&](Os& os) { return Live(world, os, 1, Ending::kPublish).published; });
    LoseAtEveryFsync("trying again", world, drop_forgets,
                     [&](Os& os) { return LiveStubbornly(world, os, 1).published; });
  }
}

}  // namespace
}  // namespace axl::test
