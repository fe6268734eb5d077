// Every system call fails once, with each error that a file system knows. Nobody is told a success that is none, and
// axl-finalize keeps the promise afterwards.
#include <cerrno>
#include <vector>

#include "fault_os.h"
#include "world.h"

namespace axl::test {
namespace {

using Errors = std::vector<int>;
const Errors kAll = {EIO, ENOSPC, EDQUOT, ESTALE, EACCES, EROFS, EMFILE, ENOMEM, EINTR};
// Where the errno decides nothing, few stand for all.
const Errors kFew = {EIO, ENOSPC};

template <class Run>
void FailEverywhere(const std::string& what, World& world, Fault fault, const Errors& errors, Run run) {
  for (int err : errors) {
    QuickOs quick;
    const std::string label = "error sweep, " + what + ", " + ErrnoName(err);
    Sweep(label, quick, fault, err, [&](FaultOs& os) {
      world.Reset();
      const bool published = run(quick, os);
      const std::string when = label + ", " + os.where();
      if (published && world.Now() != world.after())
        Fail(__FILE__, __LINE__, when + ": told too early: " + Difference(world.Now(), world.after()));
      CheckPromise(world, published, when);
    });
  }
}

TEST(ACallOfATransferThatFailsIsReportedOrDoesNotMatter) {
  World world;
  for (unsigned workers : {1u, 2u})
    FailEverywhere("a transfer, workers " + std::to_string(workers), world, Fault::kFail, workers == 1 ? kAll : kFew,
                   [&](Os&, Os& os) { return Live(world, os, workers, Ending::kPublish).published; });
}

TEST(ACallOfATransferWithHardLinksThatFailsIsReportedOrDoesNotMatter) {
  World world(World::Files::kLinked);
  FailEverywhere("hard links", world, Fault::kFail, {EIO, ENOSPC, EACCES},
                 [&](Os&, Os& os) { return Live(world, os, 1, Ending::kPublish).published; });
  FailEverywhere("hard links, trying again after lost answers", world, Fault::kLoseAnswer, kFew,
                 [&](Os&, Os& os) { return LiveStubbornly(world, os, 1).published; });
  FailEverywhere("hard links, finalize", world, Fault::kFail, kFew, [&](Os& quick, Os& os) {
    (void)Live(world, quick, 1, Ending::kLeave);
    const auto done = Finalize(world, os);
    return done.size() == 1 && done[0].action == Action::kPublished;
  });
}

TEST(ACallOfFinalizeThatFailsIsReportedAndTheNextFinalizeGoesOn) {
  World world;
  FailEverywhere("finalize", world, Fault::kFail, kAll, [&](Os& quick, Os& os) {
    (void)Live(world, quick, 1, Ending::kLeave);
    const auto done = Finalize(world, os);
    return done.size() == 1 && done[0].action == Action::kPublished;
  });
}

TEST(AfterAFailureTheSameProcessMayTryAgain) {
  World world;
  const auto live = [&](Os&, Os& os) { return LiveStubbornly(world, os, 1).published; };
  FailEverywhere("trying again", world, Fault::kFail, {EIO, ENOSPC, EACCES, EINTR}, live);
  FailEverywhere("trying again after lost answers", world, Fault::kLoseAnswer, kFew, live);
}

// From some call on there is no space, for the transfer and for the finalizer after it: what is incomplete can be
// rolled back all the same, and what is complete is published as soon as there is space for a record.
TEST(AFullDiskIsNoObstacleToRollingBack) {
  World world;
  QuickOs quick;
  int rolled_back = 0;
  Sweep("full disk sweep", quick, Fault::kFull, ENOSPC, [&](FaultOs& os) {
    world.Reset();
    const bool published = Live(world, os, 1, Ending::kPublish).published;
    for (const Finalized& f : Finalize(world, os)) {
      rolled_back += f.action == Action::kRolledBack;
      if (f.action == Action::kFailed && f.files != f.files_done)
        Fail(__FILE__, __LINE__, os.where() + ": " + Show(f.status));
    }
    CheckPromise(world, published, "full disk, " + os.where());
  });
  CHECK(rolled_back > 5);
}

TEST(AnAnswerThatIsLostIsAFailureThatFinalizeUnderstands) {
  World world;
  FailEverywhere("lost answers of a transfer", world, Fault::kLoseAnswer, kFew,
                 [&](Os&, Os& os) { return Live(world, os, 1, Ending::kPublish).published; });
  FailEverywhere("lost answers of finalize", world, Fault::kLoseAnswer, kFew, [&](Os& quick, Os& os) {
    (void)Live(world, quick, 1, Ending::kLeave);
    const auto done = Finalize(world, os);
    return done.size() == 1 && done[0].action == Action::kPublished;
  });
}

}  // namespace
}  // namespace axl::test
