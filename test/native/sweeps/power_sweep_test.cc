// The power goes before every system call, with every choice of what the disk kept of what no fsync had made durable:
// then the promise holds as well. And an fsync that fails loses what it was to write, while the next one says yes.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>

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
void CutEverywhere(const std::string& what, World& world, Prepare prepare, Run live, bool syncfs = false) {
  DiskOs disk(world.root(), world.states());
  disk.syncfs = syncfs;
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

void NothingBefore(Os&) {}

TEST(APowerCutBeforeAnyCallOfATransferLeavesItWholeOrNotAtAll) {
  World world;
  CutEverywhere("a transfer", world, NothingBefore,
                [&](Os& os) { return Live(world, os, 1, Ending::kPublish).published; });
}

TEST(APowerCutBeforeAnyCallOfATransferWithAManifestAndPointersLeavesItWholeOrNotAtAll) {
  World world(World::Files::kPhases);
  CutEverywhere("a manifest and pointers", world, NothingBefore,
                [&](Os& os) { return Live(world, os, 1, Ending::kPublish).published; });
}

TEST(APowerCutBeforeAnyCallOfATransferWithHardLinksLeavesItWholeOrNotAtAll) {
  World world(World::Files::kLinked);
  CutEverywhere("hard links", world, NothingBefore,
                [&](Os& os) { return Live(world, os, 1, Ending::kPublish).published; });
}

TEST(APowerCutBeforeAnyCallOfATransferWithOneSyncfsForItsFilesLeavesItWholeOrNotAtAll) {
  for (World::Files files : {World::Files::kFew, World::Files::kLinked}) {
    World world(files);
    CutEverywhere(
        "one syncfs", world, NothingBefore, [&](Os& os) { return Live(world, os, 1, Ending::kPublish).published; },
        true);
  }
}

TEST(APowerCutBeforeAnyCallOfFinalizeIsMadeGoodByTheNext) {
  World world;
  CutEverywhere(
      "finalize", world, [&](Os& quick) { (void)Live(world, quick, 1, Ending::kLeave); },
      [&](Os& os) {
        const auto done = Finalize(world, os);
        return done.size() == 1 && done[0].action == Action::kPublished;
      });
}

// Every file is DONE, but the transfer is not committed: its last barrier failed.
void LeaveUnsettled(const World& world) {
  struct : QuickOs {
    int Fsync(int fd) override {
      struct stat st;
      return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && temporaries ? -EIO : 0;
    }
    int Open(int dir, const char* path, int flags, mode_t mode) override {
      temporaries |= std::strstr(path, "._AXL") != nullptr;
      return to_.Open(dir, path, flags, mode);
    }
    bool temporaries = false;
  } os;
  (void)Live(world, os, 1, Ending::kLeave);
}

TEST(APowerCutBeforeAnyCallOfFinalizeOfAnUncommittedTransferIsMadeGood) {
  World world;
  CutEverywhere(
      "finalize uncommitted", world, [&](Os&) { LeaveUnsettled(world); },
      [&](Os& os) {
        const auto done = Finalize(world, os);
        return done.size() == 1 && done[0].action == Action::kPublished;
      });
}

// What the finalizer reads, the killed process may have left in the page cache alone.
TEST(APowerCutWhileFinalizeFollowsAKilledTransferLeavesItWholeOrNotAtAll) {
  World world;
  DiskOs disk(world.root(), world.states());
  const uint64_t calls = CallsOfALife(world, Ending::kPublish);
  int runs = 0;
  for (uint64_t killed_at = calls / 2; killed_at < calls; killed_at += 3) {
    bool cut = true;
    for (uint64_t cut_at = 1 + killed_at % 5; cut; cut_at += 5, runs++) {
      world.Reset();
      disk.Forget();
      FaultOs first(disk, Fault::kKill, killed_at), second(disk, Fault::kKill, cut_at);
      (void)Live(world, first, 1, Ending::kPublish);
      (void)Finalize(world, second);
      cut = second.hit();
      disk.Cut(kCuts[static_cast<size_t>(runs) % std::size(kCuts)].survives);
      CheckPromise(world, false, "transfer: " + first.where() + ", finalize: " + second.where());
    }
  }
  std::printf("power sweep, finalize after a kill: %d of %d\n", runs, runs);
}

TEST(APowerCutBeforeAnyCallOfAFreeLeavesNothingHalf) {
  World world;
  CutEverywhere("free unpublished", world, NothingBefore,
                [&](Os& os) { return Live(world, os, 1, Ending::kFree).published; });
}

// Two disks' worth of truth: what the cache shows, and what is left once it has forgotten.
template <class Run>
void LoseAtEveryFsync(const std::string& what, World& world, bool drop_forgets, bool syncfs, Run live) {
  DiskOs disk(world.root(), world.states());
  disk.syncfs = syncfs;
  disk.drop_forgets = drop_forgets;
  Sweep("fsync sweep, " + what, disk, Fault::kFailFsync, EIO, [&](FaultOs& os) {
    world.Reset();
    disk.Forget();
    os.on_failed_fsync = [&](int fd) { disk.LosePages(fd); };
    os.on_failed_syncfs = [&] { disk.LoseAllPages(); };
    const bool published = live(os);
    disk.EvictLost();
    CheckPromise(world, published, "fsync sweep, " + what + ", " + os.where());
  });
}

TEST(AFailedFsyncIsNeverReportedAsSuccessHoweverOftenItIsTried) {
  World world;
  for (bool drop_forgets : {true, false}) {
    for (bool syncfs : {false, true}) {
      LoseAtEveryFsync("a transfer", world, drop_forgets, syncfs,
                       [&](Os& os) { return Live(world, os, 1, Ending::kPublish).published; });
      LoseAtEveryFsync("trying again", world, drop_forgets, syncfs,
                       [&](Os& os) { return LiveStubbornly(world, os, 1).published; });
    }
  }
}

// The disk loses what a killed process had written, and nobody asked it in time.
void LoseTemporaries(const World& world, DiskOs* disk) {
  for (const std::string& name : World::TemporariesIn(world.Now())) {
    const int fd = open(world.Dest(name).c_str(), O_RDONLY | O_NOFOLLOW);
    if (fd < 0) continue;  // a link
    disk->LosePages(fd);
    close(fd);
  }
}

TEST(AResumeKeepsNothingThatOnlyTheCacheHas) {
  World world;
  DiskOs disk(world.root(), world.states());
  Sweep("lost write-back, then resume", disk, Fault::kKill, 0, [&](FaultOs& os) {
    world.Reset();
    disk.Forget();
    (void)Live(world, os, 1, Ending::kLeave);
    LoseTemporaries(world, &disk);
    bool published = false;
    for (const Finalized& f : Finalize(world, disk, {.incomplete = Incomplete::kResume}))
      published |= f.action == Action::kPublished;
    disk.EvictLost();
    CheckPromise(world, published, "lost write-back, " + os.where());
  });
}

}  // namespace
}  // namespace axl::test
