// The process is killed before every system call that it makes: by a fault that lets nothing through any more, and in a
// sample for real, by SIGKILL to a forked child. Then axl-finalize must keep the promise.
#include <sys/wait.h>

#include <cstdlib>

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
  World few, all(World::Files::kAll);
  for (unsigned workers : {1u, 2u}) {
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

}  // namespace
}  // namespace axl::test
