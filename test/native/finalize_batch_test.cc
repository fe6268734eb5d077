// Many state files at once: shared fsyncs, results in order, one that fails and the others, two finalizers at once,
// and a batch that is killed.
#include <cerrno>
#include <future>

#include "recording_os.h"

namespace axl::test {
namespace {

constexpr int kRanks = 6;

// One complete transfer a rank: two files each into a directory of all.
void LeaveRanks(World& world, int ranks = kRanks) {
  world.Reset();
  QuickOs os;
  Engine engine(1);
  for (int rank = 0; rank < ranks; rank++) {
    TransferOptions options = world.Options();
    options.state_file = world.states() + "/rank." + std::to_string(rank);
    options.rank = static_cast<uint32_t>(rank);
    options.size = static_cast<uint32_t>(ranks);
    const auto transfer = std::make_shared<Transfer>(os, engine);
    REQUIRE_OK(transfer->Create(options));
    for (const char* name : {"tree/small", "new"})
      REQUIRE_OK(transfer->Add({world.Source(name), world.Dest("there/" + std::to_string(rank) + "." + name[0])}, {}));
    REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer->Dispatch(on_quiet); }));
  }
}

// Each rank's two files are there, or neither.
int CheckRanks(const World& world, const std::string& when, int ranks = kRanks) {
  int whole = 0;
  for (int rank = 0; rank < ranks; rank++) {
    const std::string name = world.Dest("there/" + std::to_string(rank));
    const bool small = Exists(name + ".t"), other = Exists(name + ".n");
    if (small != other) Fail(__FILE__, __LINE__, when + ": rank " + std::to_string(rank) + " is half");
    whole += small && other;
  }
  if (!World::TemporariesIn(world.Now()).empty()) Fail(__FILE__, __LINE__, when + ": temporary files are left");
  return whole;
}

int Count(const std::vector<Finalized>& done, Action action) {
  int n = 0;
  for (const Finalized& f : done) n += f.action == action;
  return n;
}

int SyncsOf(const RecordingOs& os, const std::string& dir) {
  int n = 0;
  for (const Event& e : os.events) n += e.call == "fsync" && e.path == dir;
  return n;
}

TEST(ABatchSyncsADirectoryOnceForAllItsTransfers) {
  World world;
  LeaveRanks(world);
  RecordingOs os(world.state_file());
  const auto done = Finalize(world, os);
  CHECK_EQ(Count(done, Action::kPublished), kRanks);
  CHECK_EQ(SyncsOf(os, world.Dest("there")), 1);
  CHECK_EQ(SyncsOf(os, world.states()), 1);
  CHECK_EQ(CheckRanks(world, "a batch"), kRanks);
}

// Each takes 30 MiB of the 64 that there are.
void LeaveLargeRanks(World& world) {
  LeaveRanks(world);
  for (const std::string& name : List(world.states()))
    REQUIRE(truncate((world.states() + "/" + name).c_str(), 30 << 20) == 0);
}

TEST(ABatchEndsWhereItsStateFilesWouldTakeTooMuchMemoryUnlessItIsToStayTogether) {
  World world;
  LeaveLargeRanks(world);
  RecordingOs os(world.state_file());
  const auto done = Finalize(world, os);
  CHECK_EQ(Count(done, Action::kPublished), kRanks);
  CHECK_EQ(SyncsOf(os, world.Dest("there")), kRanks / 2);
  Policy together;
  together.together = true;
  LeaveLargeRanks(world);
  RecordingOs all(world.state_file());
  CHECK_EQ(Count(Finalize(world, all, together), Action::kPublished), kRanks);
  CHECK_EQ(SyncsOf(all, world.Dest("there")), 1);
  CHECK_EQ(CheckRanks(world, "a batch of large state files"), kRanks);
}

TEST(TheResultsOfABatchComeInTheOrderOfItsPaths) {
  World world;
  LeaveRanks(world);
  QuickOs os;
  const auto done = Finalize(world, os, {});
  for (int rank = 0; rank < kRanks; rank++) {
    const Finalized& f = done[static_cast<size_t>(rank)];
    CHECK_EQ(f.state_file, world.states() + "/rank." + std::to_string(rank));
    CHECK_EQ(f.rank, static_cast<uint32_t>(rank));
    CHECK_EQ(f.bytes, 21u);
  }
}

TEST(OneThatIsCorruptDoesNotHoldUpTheOthers) {
  World world;
  LeaveRanks(world);
  std::string bytes = ReadFile(world.states() + "/rank.2");
  bytes[100] ^= 1;
  WriteFile(world.states() + "/rank.2", bytes);
  QuickOs os;
  const auto done = Finalize(world, os, {});
  CHECK(done[2].action == Action::kCorrupt);
  CHECK_EQ(Count(done, Action::kPublished), kRanks - 1);
  CHECK_EQ(List(world.states()).size(), 1u);
}

TEST(WhatASharedFsyncDidNotMakeDurableIsNoSuccessOfAnybody) {
  struct BarrierOs : QuickOs {
    int Fsync(int fd) override {
      struct stat st, dir;
      const bool is_it = fstat(fd, &st) == 0 && stat(path.c_str(), &dir) == 0 && st.st_ino == dir.st_ino;
      return is_it ? -EIO : 0;
    }
    std::string path;
  } os;
  World world;
  for (const std::string& path : {world.Dest("there"), world.states()}) {
    LeaveRanks(world);
    os.path = path;
    const auto done = Finalize(world, os);
    CHECK_EQ(Count(done, Action::kFailed), kRanks);
    if (path != world.states()) CHECK_EQ(List(world.states()).size(), static_cast<size_t>(kRanks));
    QuickOs healthy;
    (void)Finalize(world, healthy);
    CHECK_EQ(CheckRanks(world, "after a failed barrier"), kRanks);
  }
}

TEST(OfTwoFinalizersAtOnceOneDoesEachTransfer) {
  constexpr int kMany = 40;
  World world;
  LeaveRanks(world, kMany);
  QuickOs os;
  const auto finalize = [&] { return Finalize(world, os, {}); };
  auto other = std::async(std::launch::async, finalize);
  const auto mine = finalize(), theirs = other.get();
  CHECK_EQ(Count(mine, Action::kPublished) + Count(theirs, Action::kPublished), kMany);
  for (const auto* done : {&mine, &theirs})
    for (const Finalized& f : *done)
      CHECK(f.action == Action::kPublished || f.action == Action::kBusy || f.action == Action::kGone);
  CHECK_EQ(CheckRanks(world, "two at once", kMany), kMany);
  CHECK(List(world.states()).empty());
}

TEST(KilledBeforeAnyCallABatchIsFinishedByTheNext) {
  World world;
  QuickOs quick;
  Sweep("kill sweep, a batch of finalize", quick, Fault::kKill, 0, [&](FaultOs& os) {
    LeaveRanks(world, 3);
    (void)Finalize(world, os, {});
    (void)Finalize(world, quick);
    if (CheckRanks(world, os.where(), 3) != 3 || !List(world.states()).empty())
      Fail(__FILE__, __LINE__, os.where() + ": not all is published");
  });
}

}  // namespace
}  // namespace axl::test
