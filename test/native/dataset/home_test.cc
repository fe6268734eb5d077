// Verdicts and their home: what is read as it was written, who is kept out, and what is refused.
#include "dataset/home.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/names.h"
#include "dataset/rank.h"
#include "recording_os.h"
#include "test.h"
#include "world.h"

namespace axl::test {
namespace {

constexpr Home::Milliseconds kNoPatience{0};

Uuid Id(uint8_t first) {
  Uuid id{};
  id[0] = first;
  return id;
}

Verdict Listing(Decision decision, uint8_t transfer) {
  return {decision, Scope::kListed, Id(1), "ckpt", 2, {{Id(transfer), "rank.0"}}};
}

std::unique_ptr<Home> HomeIn(Os& os, const std::string& dir) {
  std::unique_ptr<Home> home;
  REQUIRE_OK(Home::Open(os, dir, &home));
  return home;
}

TEST(AVerdictIsReadAsItWasWritten) {
  const Verdict everyone{Decision::kPublish, Scope::kEveryone, Id(1), "ckpt", 7, {}};
  for (const Verdict& wanted : {Listing(Decision::kRollBack, 9), everyone}) {
    World world;
    QuickOs os;
    const auto home = HomeIn(os, world.states());
    Verdict counts;
    REQUIRE_OK(home->Decide(wanted, &counts));
    std::optional<Verdict> found;
    REQUIRE_OK(home->Read(Id(1), &found));
    REQUIRE(found.has_value());
    CHECK_EQ(EncodeVerdict(*found), EncodeVerdict(wanted));
    CHECK_EQ(List(world.states()).size(), size_t{1});
  }
}

TEST(TheFirstVerdictCounts) {
  World world;
  QuickOs os;
  const auto home = HomeIn(os, world.states());
  Verdict counts;
  REQUIRE_OK(home->Decide(Listing(Decision::kRollBack, 9), &counts));
  REQUIRE_OK(home->Decide(Listing(Decision::kPublish, 8), &counts));
  CHECK(counts.decision == Decision::kRollBack);
}

TEST(AVerdictIsOnTheDiskBeforeItCounts) {
  World world;
  RecordingOs os(world.state_file());
  const auto home = HomeIn(os, world.states());
  Verdict counts;
  REQUIRE_OK(home->Decide(Listing(Decision::kPublish, 9), &counts));
  const size_t named = os.Find("rename new", ".axl-verdict.");
  CHECK(named < os.events.size());
  CHECK(os.Find("fsync", ".axl-verdict.") < named);
  CHECK(os.Find("fsync", world.states(), named) < os.events.size());
}

TEST(WhoReadsAVerdictMakesItDurable) {
  World world;
  RecordingOs os(world.state_file());
  const auto home = HomeIn(os, world.states());
  WriteFile(home->VerdictPath(Id(1)), EncodeVerdict(Listing(Decision::kPublish, 9)));
  std::optional<Verdict> found;
  REQUIRE_OK(home->Read(Id(1), &found));
  CHECK(found.has_value());
  CHECK(os.Find("fsync", world.states()) < os.events.size());
}

TEST(WhatIsNoVerdictOnTheDatasetIsRefused) {
  World world;
  QuickOs os;
  const auto home = HomeIn(os, world.states());
  const std::string good = EncodeVerdict(Listing(Decision::kPublish, 9));
  std::string changed = good;
  changed[12] = 2;
  Verdict other = Listing(Decision::kPublish, 9);
  other.dataset = Id(2);
  for (const std::string& bytes : {std::string(), good.substr(1), changed, good + "x", EncodeVerdict(other)}) {
    WriteFile(home->VerdictPath(Id(1)), bytes);
    std::optional<Verdict> found;
    CHECK_CODE(home->Read(Id(1), &found), Code::kStateCorrupt);
    CHECK(!found);
  }
}

TEST(AVerdictOfAnotherKindOrUserIsRefused) {
  World world;
  QuickOs os;
  const auto home = HomeIn(os, world.states());
  const std::string path = home->VerdictPath(Id(1));
  std::optional<Verdict> found;
  REQUIRE(symlink("/dev/null", path.c_str()) == 0);
  CHECK_CODE(home->Read(Id(1), &found), Code::kUnsafePath);
  REQUIRE(unlink(path.c_str()) == 0 && mkfifo(path.c_str(), 0600) == 0);
  CHECK_CODE(home->Read(Id(1), &found), Code::kUnsafePath);
}

TEST(AHomeThatIsNotThereIsAConflict) {
  World world;
  QuickOs os;
  std::unique_ptr<Home> home;
  CHECK_CODE(Home::Open(os, world.states() + "/gone", &home), Code::kConflict);
  CHECK(home == nullptr);
}

TEST(OneAtATimeDecides) {
  World world;
  QuickOs os;
  const auto home = HomeIn(os, world.states());
  std::unique_ptr<Home::Right> first, second;
  REQUIRE_OK(home->Lock(Id(1), kNoPatience, &first));
  REQUIRE(first != nullptr);
  REQUIRE_OK(home->Lock(Id(1), kNoPatience, &second));
  CHECK(second == nullptr);
  CHECK_CODE(home->Await(Id(1), kNoPatience), Code::kStateLocked);
  REQUIRE_OK(home->Lock(Id(2), kNoPatience, &second));
  CHECK(second != nullptr);
  first.reset();
  second.reset();
  CHECK_OK(home->Await(Id(1), kNoPatience));
  CHECK(List(world.states()).empty());
}

TEST(ARemovedVerdictIsGoneAndWhatKilledWritersLeftToo) {
  World world;
  RecordingOs os(world.state_file());
  const auto home = HomeIn(os, world.states());
  Verdict counts;
  REQUIRE_OK(home->Decide(Listing(Decision::kPublish, 9), &counts));
  WriteFile(home->VerdictPath(Id(1)) + ".7.0", "half");
  os.events.clear();
  REQUIRE_OK(home->Remove(Id(1), {world.root()}));
  CHECK(List(world.states()).empty());
  const size_t removed = os.Find("unlink", ".axl-verdict.");
  CHECK(os.Find("fsync", world.root()) < removed);
  CHECK(os.Find("fsync", world.states(), removed) < os.events.size());
}

// A transfer of two ranks, of which this is one.
TransferState StateOf(uint8_t uuid) {
  TransferState state;
  state.uuid = Id(uuid);
  state.info.name = "ckpt";
  state.info.size = 2;
  state.info.dataset = Id(1);
  return state;
}

TEST(WhatRanksAgreedIsAboutEachOfThem) {
  World world;
  QuickOs os;
  REQUIRE_OK(AgreeToPublish(os, StateOf(8), world.state_file(), false, false));
  std::optional<Decision> decision;
  REQUIRE_OK(AskVerdict(os, StateOf(9), world.state_file(), &decision));
  CHECK(decision == Decision::kPublish);
  REQUIRE_OK(Withdraw(os, StateOf(8), world.state_file()));
  REQUIRE_OK(AskVerdict(os, StateOf(9), world.state_file(), &decision));
  CHECK(!decision);
  CHECK(List(world.states()).empty());
}

TEST(RanksDoNotAgreeAgainstAFinalizer) {
  World world;
  QuickOs os;
  Verdict counts;
  REQUIRE_OK(HomeIn(os, world.states())->Decide(Listing(Decision::kRollBack, 9), &counts));
  CHECK_CODE(AgreeToPublish(os, StateOf(8), world.state_file(), true, false), Code::kStateLocked);
  REQUIRE_OK(Withdraw(os, StateOf(8), world.state_file()));
  CHECK_EQ(List(world.states()).size(), size_t{1});
}

}  // namespace
}  // namespace axl::test
