// What goes on after a job has ended, and what ends early: nothing is open once a job is quiet, and whoever waits for
// an engine to stop waits neither for files that are summed nor for a tree that is walked.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include "copy/prepare.h"
#include "no_threads.h"
#include "plan/plan.h"
#include "world.h"

namespace axl::test {
namespace {

// How many descriptors are open.
struct OpenOs : QuickOs {
  int Open(int dir, const char* path, int flags, mode_t mode) override {
    return Opened(to_.Open(dir, path, flags, mode));
  }
  int OpenNoLinks(int dir, const char* path, int flags) override { return Opened(to_.OpenNoLinks(dir, path, flags)); }
  int Close(int fd) override {
    open--;
    return to_.Close(fd);
  }
  int Syncfs(int) override {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the batch is the last to end
    return 0;
  }
  bool SyncfsTells(int) override { return whole; }
  size_t SyncfsLeast() override { return 1; }
  uint64_t DirtyBytes() override { return 0; }
  int Opened(int fd) {
    open += fd >= 0;
    return fd;
  }
  bool whole = false;
  std::atomic<int> open{0};
};

// When on_quiet is called, more than when all threads have ended.
int OpenAtTheEnd(OpenOs& os, const char* file) {
  World world;
  Engine engine(1);
  Transfer transfer(os, engine);
  REQUIRE_OK(transfer.Create(world.Options()));
  WriteFile(world.Source("small"), "x");
  WriteFile(world.Source("large"), std::string(3 * World::kChunk, 'x'));
  REQUIRE_OK(transfer.Add({world.Source(file), world.Dest(file)}, PlanOptions{}));
  int at_end = 0;
  REQUIRE_OK(AndWait([&](auto on_quiet) {
    return transfer.Dispatch([&at_end, &os, on_quiet] {
      at_end = os.open;
      on_quiet();
    });
  }));
  engine.Stop();
  return at_end - os.open;
}

TEST(NothingThatAJobHasOpenedIsOpenOnceItIsQuiet) {
  OpenOs os;
  os.whole = true;
  CHECK_EQ(OpenAtTheEnd(os, "small"), 0);
  const NoThreads none;
  OpenOs alone;
  CHECK_EQ(OpenAtTheEnd(alone, "large"), 0);
  CHECK_EQ(OpenAtTheEnd(alone, "small"), 0);
}

TEST(ATreeIsNeitherWalkedNorDescribedForAnEngineThatStops) {
  World world;
  std::atomic<bool> stop{true};
  Plan walked(Os::Posix(), stop), described(Os::Posix(), stop);
  CHECK_CODE(walked.Add({world.Source(""), world.Dest("all")}, {}), Code::kCanceled);
  stop = false;
  REQUIRE_OK(described.Add({world.Source("new"), world.Dest("new")}, {}));
  stop = true;
  CHECK_CODE(described.Describe(nullptr), Code::kCanceled);
}

TEST(NothingIsPublishedByWhoIsStoppedWhileItSumsAndTheNextGoesOn) {
  World world;
  QuickOs os;
  LeaveComplete(world);
  std::atomic<bool> stop{true};
  Policy policy{.incomplete = Incomplete::kDelete};
  policy.publish.verify = Verify::kChecksum;
  policy.publish.stop = &stop;
  auto done = Finalize(world, os, policy);
  REQUIRE(done.size() == 1);
  CHECK_CODE(done[0].status, Code::kCanceled);
  CheckInstant(world, "stopped");
  CHECK_EQ(World::TemporariesIn(world.Now()).empty(), false);
  stop = false;
  done = Finalize(world, os, policy);
  CHECK_EQ(done.at(0).action, Action::kPublished);
  CHECK_EQ(Difference(world.Now(), world.after()), "");
}

// What a mover has brought is read back, which may be much.
TEST(AResumeThatAdoptsEndsWithItsEngineAndCanBeDoneAgain) {
  World world;
  QuickOs os;
  {
    Engine engine(1);
    Transfer transfer(os, engine);
    REQUIRE_OK(transfer.Create(world.Options()));
    REQUIRE_OK(world.AddAll(transfer));
    REQUIRE_OK(transfer.Seal(false, false));
    REQUIRE_OK(transfer.Submitted("mover", "1"));
    transfer.Abandon({});
  }
  std::atomic<bool> stop{true};
  Word word;
  word.answers = {{"mover", "1", false}};
  std::unique_ptr<Journal> journal;
  REQUIRE_OK(Journal::Open(os, world.state_file(), {.word = &word}, &journal));
  CHECK_CODE(PrepareResume(os, *journal, stop), Code::kCanceled);
  stop = false;
  CHECK_OK(PrepareResume(os, *journal, stop));
}

}  // namespace
}  // namespace axl::test
