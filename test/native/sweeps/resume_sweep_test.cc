// A transfer that was killed, or canceled, is resumed: killed again, and failing, at every call of that.
#include <cerrno>
#include <map>

#include "fault_os.h"
#include "world.h"

namespace axl::test {
namespace {

// A process that died with `percent` of its calls done.
void LiveAndDie(World& world, Os& os, unsigned percent) {
  static std::map<std::string, uint64_t> all;  // by world
  uint64_t& calls = all[world.root()];
  if (calls == 0) calls = CallsOfALife(world, Ending::kPublish);
  FaultOs dying(os, Fault::kKill, calls * percent / 100);
  world.Reset();
  (void)Live(world, dying, 1, Ending::kPublish);
}

constexpr unsigned kDeaths[] = {45, 60, 75, 90};  // while it copied, and while it published

void KillResumes(World& world) {
  QuickOs quick;
  for (unsigned percent : kDeaths) {
    const std::string label = "kill sweep, resume after " + std::to_string(percent) + "%";
    const uint64_t calls = Sweep(label, quick, Fault::kKill, 0, [&](FaultOs& os) {
      LiveAndDie(world, quick, percent);
      const bool published = LiveAgain(world, os, 1, Ending::kPublish).published;
      CheckPromise(world, published, label + ", " + os.where());
    });
    CHECK(calls > 20);
  }
}

TEST(KilledBeforeAnyCallOfAResumeATransferIsPublishedWholeOrNotAtAll) {
  World linked(World::Files::kLinked), phases(World::Files::kPhases);
  KillResumes(linked);
  KillResumes(phases);
}

TEST(ACallOfAResumeThatFailsIsReportedAndAnotherResumeGoesOn) {
  World world;
  QuickOs quick;
  for (unsigned percent : kDeaths) {
    for (int err : {EIO, ENOSPC}) {
      const std::string label = "error sweep, resume after " + std::to_string(percent) + "%, " + ErrnoName(err);
      Sweep(label, quick, Fault::kFail, err, [&](FaultOs& os) {
        LiveAndDie(world, quick, percent);
        bool published = LiveAgain(world, os, 2, Ending::kPublish).published;
        if (!published && Exists(world.state_file())) {
          const Life life = LiveAgain(world, quick, 2, Ending::kPublish);
          if (!life.published) Fail(__FILE__, __LINE__, label + ", " + os.where() + ": " + Show(life.failed));
          published = true;
        }
        CheckPromise(world, published, label + ", " + os.where());
      });
    }
  }
}

TEST(CanceledAtAnyCallATransferCanBeFreedResumedOrFinalized) {
  World world;
  QuickOs quick;
  const uint64_t calls = CallsOfALife(world, Ending::kLeave);
  for (uint64_t at = 1; at <= calls; at++) {
    for (bool resume : {false, true}) {
      for (Ending ending : {Ending::kPublish, Ending::kLeave, Ending::kFree}) {
        world.Reset();
        FaultOs os(quick, Fault::kFail, 0);
        const Life life = LiveCanceled(world, os, at, resume, ending);
        if (resume && ending == Ending::kPublish) CHECK(life.published);
        if (ending == Ending::kFree) CHECK(life.freed);
        CheckPromise(world, life.published, "canceled at call " + std::to_string(at));
      }
    }
  }
  std::printf("cancel sweep: %d of %d\n", static_cast<int>(calls), static_cast<int>(calls));
}

TEST(KilledBeforeAnyCallOfACancelAndItsFreeNothingIsLeft) {
  World world;
  QuickOs quick;
  const std::string label = "kill sweep, cancel and free";
  const uint64_t calls = CallsOfALife(world, Ending::kLeave);
  for (uint64_t at : {calls * 6 / 10, calls * 8 / 10}) {
    Sweep(label, quick, Fault::kKill, 0, [&](FaultOs& os) {
      world.Reset();
      const Life life = LiveCanceled(world, os, at, false, Ending::kFree);
      CheckPromise(world, life.published, label + ", " + os.where());
    });
  }
}

}  // namespace
}  // namespace axl::test
