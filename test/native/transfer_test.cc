// The life of a transfer from create to free: what each call may do in each state, cancel, owners that are refused.
#include "transfer.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <future>
#include <thread>

#include "no_threads.h"
#include "world.h"

namespace axl::test {
namespace {

using State = Transfer::State;

struct Fixture {
  explicit Fixture(World::Files files = World::Files::kFew) : world(files), transfer(os, engine) {
    REQUIRE_OK(transfer.Create(world.Options()));
    REQUIRE_OK(world.AddAll(transfer));
  }
  Status Dispatch() {
    return AndWait([&](auto on_quiet) { return transfer.Dispatch(on_quiet); });
  }
  Status Resume() {
    return AndWait([&](auto on_quiet) { return transfer.Resume(on_quiet); });
  }
  World world;
  QuickOs os;
  Engine engine{2};
  Transfer transfer;
};

TEST(ATransferArrivesWholeWithItsMetadata) {
  World world(World::Files::kAll, World::Place::kDisk);
  const Life life = Live(world, Os::Posix(), 2, Ending::kPublish);
  CHECK_OK(life.failed);
  CHECK(life.published && life.freed);
  CHECK_EQ(Difference(world.Now(), world.after()), "");
  CHECK(List(world.states()).empty());
}

TEST(ATransferThatIsFreedUnpublishedLeavesNothing) {
  World world(World::Files::kAll, World::Place::kDisk);
  const Life life = Live(world, Os::Posix(), 2, Ending::kFree);
  CHECK_OK(life.failed);
  CHECK_EQ(Difference(world.Now(), world.before()), "");
  CHECK(List(world.states()).empty());
}

TEST(ACompleteTransferIsPublishedByFinalize) {
  World world(World::Files::kAll, World::Place::kDisk);
  CHECK_OK(Live(world, Os::Posix(), 2, Ending::kLeave).failed);
  CHECK(!world.TemporariesIn(world.Now()).empty());
  const auto done = Finalize(world, Os::Posix());
  REQUIRE(done.size() == 1);
  CHECK(done[0].action == Action::kPublished);
  CHECK_EQ(done[0].name, "world");
  CHECK_EQ(done[0].files, done[0].files_done);
  CheckPromise(world, true, "finalized");
}

TEST(ACallThatDoesNotFitTheStateIsRefusedAndChangesNothing) {
  Fixture f;
  CHECK(f.transfer.state() == State::kCreated);
  CHECK_CODE(f.transfer.Publish(), Code::kInvalidState);
  CHECK_CODE(f.Resume(), Code::kInvalidState);
  CHECK(!f.transfer.Cancel());
  REQUIRE_OK(f.Dispatch());
  CHECK(f.transfer.state() == State::kCompleted);
  CHECK_CODE(f.transfer.Dispatch([] {}), Code::kInvalidState);
  CHECK_CODE(f.transfer.Add({f.world.Source("new"), f.world.Dest("late")}, {}), Code::kInvalidState);
  CHECK_EQ(Difference(f.world.Now(), f.world.before()).empty(), false);
  CHECK_OK(f.Resume());  // of what is complete: nothing to do
  CHECK_OK(f.transfer.Publish());
  CHECK(f.transfer.state() == State::kPublished);
  CHECK_OK(f.transfer.Publish());
  CHECK(!f.transfer.Cancel());
  CHECK_OK(f.transfer.Free());
  CHECK_EQ(Difference(f.world.Now(), f.world.after()), "");
}

TEST(AnEmptyTransferIsPublishedLikeAnyOther) {
  World world;
  QuickOs os;
  Engine engine(1);
  Transfer transfer(os, engine);
  REQUIRE_OK(transfer.Create(world.Options()));
  REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer.Dispatch(on_quiet); }));
  CHECK_OK(transfer.Publish());
  CHECK_OK(transfer.Free());
  CHECK_EQ(Difference(world.Now(), world.before()), "");
}

TEST(TheCountersEndAtTheirTotals) {
  Fixture f(World::Files::kAll);
  REQUIRE_OK(f.Dispatch());
  const Counters c = f.transfer.counters();
  CHECK_EQ(c.files_total, 14u);
  CHECK_EQ(c.files_done, c.files_total);
  CHECK_EQ(c.bytes_copied, c.bytes_total);
  CHECK_EQ(c.files_failed, 0u);
}

// ---- cancel ----

// A disk that stands still after the first few reads, until it is let go.
struct HeldOs : QuickOs {
  ssize_t Read(int fd, void* data, size_t n, off_t at) override {
    if (++reads > quick) {
      held = true;
      until.wait();
    }
    return to_.Read(fd, data, n, at);
  }
  std::atomic<int> reads{0};
  std::atomic<int> quick{1 << 30};
  std::atomic<bool> held{false};
  std::promise<void> let_go;
  std::shared_future<void> until = let_go.get_future().share();
};

TEST(CancelDoesNotWaitForTheRestOfTheCopies) {
  World world;
  WriteFile(world.Source("large"), std::string(2000 * World::kChunk, 'x'));
  HeldOs os;
  Engine engine(2);
  Transfer transfer(os, engine);
  REQUIRE_OK(transfer.Create(world.Options()));
  REQUIRE_OK(transfer.Add({world.Source("large"), world.Dest("large")}, {}));
  os.quick = os.reads + 10;
  std::atomic<bool> quiet{false};
  REQUIRE_OK(transfer.Dispatch([&] { quiet = true; }));
  while (!os.held) std::this_thread::yield();
  CHECK(!quiet);
  CHECK(transfer.Cancel());
  os.let_go.set_value();
  while (!quiet) std::this_thread::yield();
  CHECK(os.reads < os.quick + 100);  // of 2000: what the threads have in hand, and no more
  CHECK(transfer.state() == State::kCanceled);
  CHECK_CODE(transfer.Publish(), Code::kCanceled);
  const Counters c = transfer.counters();
  CHECK(c.bytes_copied > 0 && c.bytes_copied < c.bytes_total);
  CHECK_OK(transfer.Free());
  CHECK_EQ(Difference(world.Now(), world.before()), "");
}

TEST(FilesThatAreDoneStayDoneAfterACancel) {
  World world(World::Files::kAll);
  QuickOs quick;
  uint64_t done = 0;
  for (uint64_t at = CallsOfALife(world, Ending::kLeave); done == 0; at -= 5) {
    REQUIRE(at > 5);
    world.Reset();
    FaultOs os(quick, Fault::kFail, 0);
    (void)LiveCanceled(world, os, at, false, Ending::kLeave);
    Engine engine(1);
    Transfer transfer(quick, engine);
    REQUIRE_OK(transfer.Open(world.state_file()));
    if (transfer.state() != State::kCanceled) continue;
    done = transfer.counters().files_done;
    CHECK(done < transfer.counters().files_total);
  }
  const Life life = LiveAgain(world, quick, 1, Ending::kPublish);
  CHECK(life.published);
  CHECK_EQ(Difference(world.Now(), world.after()), "");
}

// ---- owners ----

struct NoChownOs : QuickOs {
  int Chown(int, uid_t, gid_t) override {
    asked = true;
    return -EPERM;
  }
  std::atomic<bool> asked{false};
};

Life LiveWithOwner(World& world, NoChownOs& os, OwnerPolicy policy) {
  if (geteuid() != 0) Skip("only root has files of others");
  CHECK(chown(world.Source("new").c_str(), 1234, 5678) == 0);
  CHECK(chmod(world.Source("new").c_str(), 06755) == 0);
  Engine engine(1);
  Transfer transfer(os, engine);
  TransferOptions options = world.Options();
  options.keep.owner = policy;
  REQUIRE_OK(transfer.Create(options));
  REQUIRE_OK(transfer.Add({world.Source("new"), world.Dest("old")}, {}));
  REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer.Dispatch(on_quiet); }));
  Life life;
  life.failed = transfer.Publish();
  life.published = life.failed.ok();
  (void)transfer.Free();
  return life;
}

TEST(AFileWhoseOwnerWasRefusedLosesSetuidAndSetgid) {
  for (OwnerPolicy policy : {OwnerPolicy::kWarn, OwnerPolicy::kSkip}) {
    World world;
    NoChownOs os;
    CHECK(LiveWithOwner(world, os, policy).published);
    CHECK_EQ(NodeAt(world.Dest("old")).mode, 0755u);
    CHECK_EQ(os.asked.load(), policy == OwnerPolicy::kWarn);
  }
}

TEST(UnderOwnerFailARefusedOwnerFailsTheTransfer) {
  World world;
  NoChownOs os;
  CHECK_CODE(LiveWithOwner(world, os, OwnerPolicy::kFail).failed, Code::kTransferFailed);
  CHECK_EQ(Difference(world.Now(), world.before()), "");
}

TEST(ATransferIsCopiedResumedAndPublishedWhereNoThreadCanBeStarted) {
  World world;
  QuickOs os;
  NoThreads none;
  CHECK(Live(world, os, 2, Ending::kPublish).freed);
  CHECK_EQ(Difference(world.Now(), world.after()), "");
  world.Reset();
  FaultOs killed(os, Fault::kKill, CallsOfALife(world, Ending::kLeave) / 2);
  (void)Live(world, killed, 2, Ending::kLeave);
  const auto done = Finalize(world, os, {.incomplete = Incomplete::kResume});
  REQUIRE(done.size() == 1);
  CHECK_EQ(done[0].action, Action::kPublished);
  CHECK_EQ(Difference(world.Now(), world.after()), "");
}

TEST(WhatALinkHasGotWhenItIsMendedIsReadBack) {
  struct : QuickOs {
    int SetTimesLink(int, const char*, const struct timespec[2]) override { return 0; }
  } os;
  World world;
  for (const OwnerPolicy times : {OwnerPolicy::kWarn, OwnerPolicy::kFail}) {
    LeaveComplete(world);
    const struct timespec now[2] = {{1, 0}, {1, 0}};
    const std::string link = world.TemporaryOf("tree/link");
    CHECK(utimensat(AT_FDCWD, link.c_str(), now, AT_SYMLINK_NOFOLLOW) == 0);
    Policy policy;
    policy.publish.keep.times = times;
    const Finalized done = Finalize(world, os, policy).at(0);
    CHECK_EQ(done.status.ok(), times == OwnerPolicy::kWarn);
    if (done.status.ok()) CHECK_EQ(done.lacking.bits, kLacksTimes);
  }
}

TEST(AResumeHasThePoliciesThatItsCallerAsksFor) {
  struct : QuickOs {
    int SetTimes(int, const struct timespec[2]) override { return -EPERM; }
  } os;
  World world(World::Files::kAll);
  QuickOs quick;
  Engine engine(1);
  TransferOptions options = world.Options();
  options.keep.times = OwnerPolicy::kFail;
  {
    const auto transfer = std::make_shared<Transfer>(os, engine);
    REQUIRE_OK(transfer->Create(options));
    REQUIRE_OK(transfer->Add({world.Source("new"), world.Dest("new")}, PlanOptions{}));
    REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer->Dispatch(on_quiet); }));
  }
  const Policy recorded = {.incomplete = Incomplete::kResume, .fallback = Incomplete::kKeep};
  CHECK_EQ(Finalize(world, os, recorded).at(0).action, Action::kKept);
  Policy asked = recorded;
  asked.publish.keep.times = OwnerPolicy::kWarn;
  const Finalized done = Finalize(world, os, asked).at(0);
  CHECK_EQ(done.action, Action::kPublished);
  CHECK_EQ(done.lacking.bits, kLacksTimes);
}

}  // namespace
}  // namespace axl::test
