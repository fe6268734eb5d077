// The process is killed before every system call that it makes: by a fault that lets nothing through any more, and in a
// sample for real, by SIGKILL to a forked child. Then axl-finalize must keep the promise.
#include <sys/wait.h>
#include <unistd.h>

#include "fault_os.h"
#include "world.h"

namespace axl::test {
namespace {

std::string With(const char* what, unsigned workers) {
  return std::string("kill sweep, ") + what + ", workers " + std::to_string(workers);
}

// Kills `live` before every call; afterwards all is as promised.
template <class Prepare, class Run>
void KillEverywhere(const char* what, World& world, unsigned workers, Prepare prepare, Run live) {
  QuickOs quick;
  const uint64_t calls = Sweep(With(what, workers), quick, Fault::kKill, 0, [&](FaultOs& os) {
    world.Reset();
    prepare(quick);
    const bool published = live(os);
    CheckPromise(world, published, With(what, workers) + ", " + os.where());
  });
  CHECK(calls > 10);
}

void Nothing(Os&) {}

TEST(KilledBeforeAnyCallATransferIsPublishedWholeOrNotAtAll) {
  World few, linked(World::Files::kLinked), all(World::Files::kAll), phases(World::Files::kPhases);
  for (unsigned workers : {1u, 2u}) {
    KillEverywhere("a manifest and pointers", phases, workers, Nothing,
                   [&](Os& os) { return Live(phases, os, workers, Ending::kPublish).published; });
    KillEverywhere("hard links", linked, workers, Nothing,
                   [&](Os& os) { return Live(linked, os, workers, Ending::kPublish).published; });
    KillEverywhere("a transfer", few, workers, Nothing,
                   [&](Os& os) { return Live(few, os, workers, Ending::kPublish).published; });
    KillEverywhere("all kinds of file", all, workers, Nothing,
                   [&](Os& os) { return Live(all, os, workers, Ending::kPublish).published; });
  }
}

TEST(KilledBeforeAnyCallOfAFreeNothingIsPublishedAndNothingLeft) {
  World world;
  KillEverywhere("free unpublished", world, 1, Nothing,
                 [&](Os& os) { return Live(world, os, 1, Ending::kFree).published; });
}

TEST(KilledBeforeAnyCallFinalizeIsFinishedByTheNext) {
  World world(World::Files::kAll);
  KillEverywhere(
      "finalize a complete transfer", world, 1, [&](Os& os) { (void)Live(world, os, 1, Ending::kLeave); },
      [&](Os& os) {
        const auto done = Finalize(world, os);
        return done.size() == 1 && done[0].action == Action::kPublished;
      });
}

// Finalize, killed before call `at`. False: it came to its end before.
bool FinalizeKilled(const World& world, Os& os, uint64_t at) {
  FaultOs killed(os, Fault::kKill, at);
  (void)Finalize(world, killed);
  return killed.hit();
}

TEST(AFinalizerKilledASecondKilledAndTheThirdFinishes) {
  World world;
  QuickOs quick;
  constexpr uint64_t kStride = 7;  // a sample of all pairs, with another offset for each first
  int pairs = 0;
  bool first_killed = true;
  for (uint64_t first = 1; first_killed; first++) {
    bool second_killed = true;
    for (uint64_t second = 1 + first % kStride; second_killed; second += kStride, pairs++) {
      world.Reset();
      (void)Live(world, quick, 1, Ending::kLeave);
      first_killed = FinalizeKilled(world, quick, first);
      second_killed = FinalizeKilled(world, quick, second);
      CheckPromise(world, false, "killed at " + std::to_string(first) + ", then " + std::to_string(second));
    }
  }
  std::printf("kill sweep, two finalizers in turn: %d of %d\n", pairs, pairs);
  CHECK(pairs > 100);
}

// A child that runs `live` and is killed by SIGKILL before call number `at`. False: it came to its end before.
template <class Run>
bool KillChild(uint64_t at, Run live) {
  std::fflush(stdout);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    QuickOs quick;
    FaultOs os(quick, Fault::kDie, at);
    live(os);
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
  return WIFSIGNALED(status);
}

TEST(AProcessReallyKilledKeepsThePromiseToo) {
  World world;
  constexpr uint64_t kStride = 6;
  uint64_t runs = 0;
  for (uint64_t at = 1;; at += kStride, runs++) {
    world.Reset();
    const bool killed = KillChild(at, [&](Os& os) { (void)Live(world, os, 2, Ending::kPublish); });
    const bool finalizer_killed = KillChild(1 + at / 2, [&](Os& os) { (void)Finalize(world, os); });
    CheckPromise(world, false, "SIGKILL before call " + std::to_string(at));
    if (!killed && !finalizer_killed) break;
  }
  std::printf("kill sweep, real processes: %d of %d\n", static_cast<int>(runs), static_cast<int>(runs));
  CHECK(runs > 10);
}

}  // namespace
}  // namespace axl::test
