// Two ranks publish in phases, as lib/finalize/phases.ts drives it. A reader looks at the destinations before every
// system call, also of a run that is killed there, and after every power cut: whenever a commit file is visible, all
// data of all ranks are those that it speaks of, and a pointer leads to a commit file. What is retired is there as a
// whole, or not at all, and then all of the newer checkpoint is.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "dataset/rank.h"
#include "disk_os.h"
#include "fault_os.h"
#include "publish/publisher.h"
#include "recording_os.h"
#include "survey.h"
#include "world.h"

namespace axl::test {
namespace {

enum class Place { kNew, kOver };  // data to new names, or over those of an older checkpoint

class Ranks {
 public:
  Ranks(Place place, World& world, uint32_t size = 2) : place_(place), world_(world), size_(size) {}

  std::string file(uint32_t rank) const { return world_.states() + "/rank." + std::to_string(rank); }

  // Both ranks complete, their process gone.
  void Leave(Os& os) {
    world_.Reset();
    if (place_ == Place::kOver) {
      for (uint32_t rank = 0; rank < size_; rank++) Write(Data(rank), "old");
      Write("meta/.metadata", "old");
      REQUIRE(symlink("step0", world_.Dest("latest").c_str()) == 0);
    }
    for (const char* dir : {"away", "away/earlier", "away/earlier/sub"}) (void)mkdir(world_.Dest(dir).c_str(), 0700);
    WriteFile(world_.Dest("away/earlier/a"), "a");
    WriteFile(world_.Dest("away/earlier/sub/b"), "b");
    for (uint32_t rank = 0; rank < size_; rank++) LeaveRank(os, rank);
    refused_ = false;
  }

  // As far as it gets, or as `last`. True: it says that all of that is published.
  bool Publish(Os& os, Until last = Until::kAll) const {
    Engine engine(1);
    for (Until until : {Until::kCleared, Until::kData, Until::kCommit, Until::kPointer, Until::kAll}) {
      Policy policy;
      policy.until = until;
      policy.clears = place_ == Place::kOver;
      const Action wanted = until == Until::kAll ? Action::kPublished : Action::kInPhases;
      for (const Finalized& f : FinalizeBatch(os, engine, files(), policy, Decided::kAsItIs)) {
        if (f.action != wanted && f.action != Action::kGone) return false;
        refused_ = refused_ || !f.status.ok();
      }
      if (until == last) break;
    }
    return true;
  }

  // Without anybody's help between the phases.
  bool PublishAlone(Os& os, Until last = Until::kAll) const {
    Engine engine(1);
    Policy policy;
    policy.until = last;
    const Action wanted = last == Until::kAll ? Action::kPublished : Action::kInPhases;
    for (const Finalized& f : FinalizeBatch(os, engine, files(), policy, Decided::kAsItIs))
      if (f.action != wanted && f.action != Action::kGone) return false;
    return true;
  }

  bool IsCleared() const {
    for (uint32_t rank = 0; rank < size_; rank++)
      if (Seen(Data(rank)) != "old") return false;
    return Seen("meta/.metadata").empty();
  }

  // Who is given another rank alone learns of an old commit file from the state file.
  void CheckSurvey(Os& os, const std::string& when) const {
    Replay replay;
    if (Seen("meta/.metadata") == "old" && !Survey(os, file(0), {}, &replay).old_commit)
      Fail(__FILE__, __LINE__, when + ": an old commit file is there, and its state file does not say so");
  }

  // What a reader sees must be one checkpoint.
  void Read(const std::string& when) const {
    const std::string marker = Seen("meta/.metadata");
    for (uint32_t rank = 0; rank < size_; rank++) {
      const std::string data = Seen(Data(rank));
      if (marker == "new" && data != "new")
        Fail(__FILE__, __LINE__, when + ": the commit file is there, and not all data");
      if (marker == "old" && data != "old") Fail(__FILE__, __LINE__, when + ": an old commit file speaks of new data");
    }
    char target[16] = {};
    (void)!readlink(world_.Dest("latest").c_str(), target, sizeof target - 1);
    if (std::string(target) == "step" && marker != "new")
      Fail(__FILE__, __LINE__, when + ": the pointer leads to no checkpoint");
    const bool is_there = access(world_.Dest("away/earlier").c_str(), F_OK) == 0;
    if (is_there && (Seen("away/earlier/a") != "a" || Seen("away/earlier/sub/b") != "b"))
      Fail(__FILE__, __LINE__, when + ": what is retired is deleted in part");
    if (!is_there && std::string(target) != "step")
      Fail(__FILE__, __LINE__, when + ": what is retired is deleted, and not all of the newer is published");
  }

  // Of the directory of what is retired, in which nothing else is.
  PowerCut AllButNames() const {
    return {.data = true, .state_names = true, .other_names = true, .but = world_.Dest("away")};
  }

  void CheckAll(const std::string& when) const {
    bool whole = Seen("meta/.metadata") == "new" && access(world_.Dest("latest").c_str(), F_OK) == 0;
    for (uint32_t rank = 0; rank < size_; rank++) whole = whole && Seen(Data(rank)) == "new";
    if (!whole) Fail(__FILE__, __LINE__, when + ": not all is published");
    for (const auto& entry : std::filesystem::directory_iterator(world_.Dest("away")))
      if (!refused_)
        Fail(__FILE__, __LINE__, when + ": something of what is retired is left: " + entry.path().string());
    for (const std::string& file : files())
      if (access(file.c_str(), F_OK) == 0) Fail(__FILE__, __LINE__, when + ": a state file is left");
  }

 private:
  // In another directory than the commit file: the fsync of one says nothing of the other.
  static std::string Data(uint32_t rank) { return "step/__" + std::to_string(rank) + "_0.distcp"; }

  std::vector<std::string> files() const {
    std::vector<std::string> all;
    for (uint32_t rank = 0; rank < size_; rank++) all.push_back(file(rank));
    return all;
  }

  void Write(const std::string& name, const std::string& text) const {
    (void)mkdir(world_.Dest(name.substr(0, name.find('/'))).c_str(), 0700);
    WriteFile(world_.Dest(name), text);
  }

  std::string Seen(const std::string& name) const {
    const std::string path = world_.Dest(name);
    return access(path.c_str(), F_OK) == 0 ? ReadFile(path) : "";
  }

  void LeaveRank(Os& os, uint32_t rank) const {
    Engine engine(1);
    Transfer transfer(os, engine);
    TransferOptions options = world_.Options();
    options.rank = rank;
    options.size = size_;
    options.all_ranks = true;
    options.state_file = file(rank);
    REQUIRE_OK(transfer.Create(options));
    std::vector<std::string> names{Data(rank)};
    if (rank == 0) names.push_back("meta/.metadata");
    for (const std::string& name : names) {
      const std::string source = world_.Source("of" + std::to_string(rank) + name.substr(name.find('/') + 1));
      WriteFile(source, "new");
      REQUIRE_OK(transfer.Add({source, world_.Dest(name)}, PlanOptions{}));
    }
    if (rank == 0) REQUIRE_OK(transfer.Point(world_.Dest("latest"), "step", false));
    if (rank == 0) REQUIRE_OK(transfer.Retire({world_.Dest("away/earlier")}));
    REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer.Dispatch(on_quiet); }));
  }

  const Place place_;
  World& world_;
  const uint32_t size_;
  mutable bool refused_ = false;  // somebody was told that what is retired stays
};

std::string Label(const char* what, Place place, uint32_t size = 2) {
  const char* who = size == 1 ? ", one transfer in phases, " : ", two ranks in phases, ";
  return std::string(what) + who + (place == Place::kNew ? "new names" : "over older data");
}

TEST(KilledBeforeAnyCallAReaderWhoSeesACommitFileHasAllDataOfAllRanks) {
  for (Place place : {Place::kNew, Place::kOver}) {
    World world;
    QuickOs quick;
    Ranks ranks(place, world);
    const uint64_t calls = Sweep(Label("kill sweep", place), quick, Fault::kKill, 0, [&](FaultOs& os) {
      ranks.Leave(quick);
      os.before = [&](uint64_t n) { ranks.Read(os.where() + ", before call " + std::to_string(n)); };
      (void)ranks.Publish(os);
      os.before = nullptr;
      ranks.Read(os.where());
      ranks.CheckSurvey(quick, os.where());
      CHECK(ranks.Publish(quick));
      ranks.CheckAll(os.where());
    });
    CHECK(calls > 50);
  }
}

// A reader looks meanwhile, and at what the disk has kept.
void CutEverywhere(uint32_t size, bool (Ranks::*publish)(Os&, Until) const) {
  for (Place place : {Place::kNew, Place::kOver}) {
    World world;
    DiskOs disk(world.root(), world.states());
    QuickOs quick;
    Ranks ranks(place, world, size);
    for (const PowerCut& survives :
         {PowerCut{}, PowerCut{.state_names = true, .other_names = true}, PowerCut{.data = true}, ranks.AllButNames()})
      Sweep(Label("power sweep", place, size), disk, Fault::kKill, 0, [&](FaultOs& os) {
        ranks.Leave(quick);
        disk.Forget();
        os.before = [&](uint64_t n) { ranks.Read(os.where() + ", before call " + std::to_string(n)); };
        (void)(ranks.*publish)(os, Until::kAll);
        os.before = nullptr;
        disk.Cut(survives);
        ranks.Read(os.where());
        ranks.CheckSurvey(quick, os.where());
        CHECK((ranks.*publish)(quick, Until::kAll));
        ranks.CheckAll(os.where());
      });
  }
}

// The run that is killed leaves its work in the memory of the machine; the power goes in the next one.
void KillThenCut(uint32_t size, bool (Ranks::*publish)(Os&, Until) const) {
  for (Until last : {Until::kCleared, Until::kData, Until::kCommit, Until::kPointer}) {
    World world;
    DiskOs disk(world.root(), world.states());
    QuickOs quick;
    Ranks ranks(Place::kOver, world, size);
    const std::string label = Label("kill, then power", Place::kOver, size) + ", phase " + std::to_string(int(last));
    Sweep(label, disk, Fault::kKill, 0, [&](FaultOs& os) {
      ranks.Leave(quick);
      disk.Forget();
      (void)(ranks.*publish)(os, Until::kAll);
      (void)(ranks.*publish)(disk, last);
      disk.Cut({});
      ranks.Read(os.where());
      ranks.CheckSurvey(quick, os.where());
      CHECK((ranks.*publish)(quick, Until::kAll));
      ranks.CheckAll(os.where());
    });
  }
}

TEST(APowerCutBeforeAnyCallLeavesNoCommitFileWithoutItsData) { CutEverywhere(2, &Ranks::Publish); }

TEST(OneTransferAloneKeepsThePhasesThroughAPowerCut) { CutEverywhere(1, &Ranks::PublishAlone); }

// The killed run has deleted the commit file, and perhaps not made that durable.
void ClearAgain(uint32_t size, bool (Ranks::*publish)(Os&, Until) const) {
  World world;
  QuickOs quick;
  Ranks ranks(Place::kOver, world, size);
  size_t cleared = 0;
  Sweep(Label("kill, then order", Place::kOver, size), quick, Fault::kKill, 0, [&](FaultOs& os) {
    ranks.Leave(quick);
    (void)(ranks.*publish)(os, Until::kAll);
    const bool is_cleared = ranks.IsCleared();
    RecordingOs next(ranks.file(0));
    CHECK((ranks.*publish)(next, Until::kAll));
    if (!is_cleared) return;
    cleared++;
    CHECK(next.Find("fsync", world.Dest("meta")) < next.Find("rename", world.Dest("step")));
  });
  CHECK(cleared > 0);
}

TEST(AnOldCommitFileThatAKilledRunHasDeletedIsDurablyGoneBeforeDataAreReplaced) {
  ClearAgain(2, &Ranks::Publish);
  ClearAgain(1, &Ranks::PublishAlone);
}

TEST(WhatAKilledRunHasBegunIsDurableBeforeTheNextGoesOn) {
  KillThenCut(2, &Ranks::Publish);
  KillThenCut(1, &Ranks::PublishAlone);
}

TEST(AnOldFileIsOneThatStoodThereOrThatAnOlderTransferPutsThere) {
  TransferState state;
  state.files.resize(2);
  state.files[1].phase = Phase::kCommit;
  for (FileEntry& file : state.files) file.stood = Stood::kNothing;
  CHECK(!MayReplaceData(state));
  CHECK(!MayHaveOldCommitFile(state));
  state.replaces[1] = {Identity{}};
  CHECK(!MayReplaceData(state));
  CHECK(MayHaveOldCommitFile(state));
  state.replaces = {{0, {Identity{}}}};
  CHECK(MayReplaceData(state));
  CHECK(!MayHaveOldCommitFile(state));
  state.files[1].stood = Stood::kNotLooked;
  CHECK(MayHaveOldCommitFile(state));
}

TEST(ARankOfADatasetInPhasesIsNotPublishedByItself) {
  World world;
  QuickOs os;
  Ranks ranks(Place::kNew, world);
  ranks.Leave(os);
  Engine engine(1);
  Replay replay;
  REQUIRE(Survey(os, ranks.file(0), {}, &replay).standing == Standing::kComplete);
  REQUIRE_OK(AgreeToPublish(os, replay.state, ranks.file(0), true, true));
  Transfer transfer(os, engine);
  REQUIRE_OK(transfer.Open(ranks.file(0)));
  CHECK_CODE(transfer.Publish(), Code::kInvalidState);
  CHECK(access(world.Dest("step/__0_0.distcp").c_str(), F_OK) != 0);
}

TEST(AnErrorAtAnyCallLeavesNoCommitFileWithoutItsData) {
  for (int error : {EIO, ENOSPC, EACCES}) {
    World world;
    QuickOs quick;
    Ranks ranks(Place::kOver, world);
    Sweep(Label("error sweep", Place::kOver), quick, Fault::kFail, error, [&](FaultOs& os) {
      ranks.Leave(quick);
      const bool published = ranks.Publish(os);
      ranks.Read(os.where());
      CHECK(published || ranks.Publish(quick));
      ranks.CheckAll(os.where());
    });
  }
}

// Has a killed run put what is retired out of the way, and not deleted all of it?
bool IsAside(const World& world) {
  for (const auto& entry : std::filesystem::directory_iterator(world.Dest("away")))
    if (entry.path().filename().string().starts_with("earlier._AXL")) return true;
  return false;
}

TEST(WhatAKilledRunHasPutAsideIsDurablyThereBeforeTheNextDeletesAnyOfIt) {
  World world;
  DiskOs disk(world.root(), world.states());
  QuickOs quick;
  Ranks ranks(Place::kOver, world, 1);
  uint64_t pairs = 0;
  bool first_killed = true;
  for (uint64_t first = 1; first_killed; first++)
    for (uint64_t second = 1;; second++) {
      ranks.Leave(quick);
      disk.Forget();
      FaultOs killed(disk, Fault::kKill, first);
      (void)ranks.PublishAlone(killed);
      first_killed = killed.hit();
      if (!first_killed || !IsAside(world)) break;
      FaultOs again(disk, Fault::kKill, second);
      (void)ranks.PublishAlone(again);
      disk.Cut(ranks.AllButNames());
      const std::string when = killed.where() + ", then " + again.where();
      ranks.Read(when);
      CHECK(ranks.PublishAlone(quick));
      ranks.CheckAll(when);
      pairs++;
      if (!again.hit()) break;
    }
  CHECK(pairs > 50);
}

TEST(WhatIsWrittenIntoWhatIsRetiredIsNeverDeleted) {
  World world;
  QuickOs quick;
  Ranks ranks(Place::kNew, world, 1);
  const std::string path = world.Dest("away/earlier/late");
  uint64_t calls = 1, stayed = 0;
  for (uint64_t at = 1; at <= calls; at++) {
    FaultOs os(quick, Fault::kFail, UINT64_MAX);
    ranks.Leave(quick);
    bool written = false;
    os.before = [&](uint64_t n) {
      if (n != at || access(world.Dest("away/earlier").c_str(), F_OK) != 0) return;
      WriteFile(path, "late");
      written = true;
    };
    CHECK(ranks.PublishAlone(os));
    if (written) CHECK_EQ(ReadFile(path), "late");
    stayed += written;
    calls = os.calls();
  }
  CHECK(stayed > 20 && stayed < calls);
}

TEST(OnceAnOldCommitFileIsDeletedNothingIsRolledBack) {
  World world;
  QuickOs os;
  Ranks ranks(Place::kOver, world);
  ranks.Leave(os);
  Engine engine(1);
  Policy policy;
  policy.until = Until::kCleared;
  policy.clears = true;
  const std::vector<std::string> file{ranks.file(0)};
  CHECK(FinalizeBatch(os, engine, file, policy, Decided::kAsItIs).front().action == Action::kInPhases);
  CHECK(access(world.Dest("meta/.metadata").c_str(), F_OK) != 0);
  CHECK_EQ(ReadFile(world.Dest("step/__0_0.distcp")), "old");
  const Finalized back = FinalizeBatch(os, engine, file, {}, Decided::kRollBack).front();
  CHECK(back.action == Action::kFailed);
  CHECK_CODE(back.status, Code::kInvalidState);
  CHECK(ranks.Publish(os));
  ranks.CheckAll("afterwards");
}

}  // namespace
}  // namespace axl::test
