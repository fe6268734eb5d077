// Two complete transfers to the same final names: what was dispatched later stands there in the end.
#include <cerrno>

#include "numbered_os.h"
#include "recording_os.h"
#include "world.h"

namespace axl::test {
namespace {

// The names of the state files are in the other order, as `ckpt.10` comes before `ckpt.9`.
const char *const kOlder = "ckpt.9", *const kNewer = "ckpt.10";

void LeaveTo(const World& world, const char* state_file, const char* source, const char* only) {
  QuickOs os;
  Engine engine(1);
  TransferOptions options = world.Options();
  options.state_file = Join(world.states(), state_file);
  const auto transfer = std::make_shared<Transfer>(os, engine);
  REQUIRE_OK(transfer->Create(options));
  for (const char* name : {"both", only})
    REQUIRE_OK(transfer->Add({world.Source(source), world.Dest(std::string("there/") + name)}, {}));
  REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer->Dispatch(on_quiet); }));
}

void LeaveTwo(World& world) {
  world.Reset();
  LeaveTo(world, kOlder, "tree/small", "older");
  LeaveTo(world, kNewer, "new", "newer");
}

void CheckNewest(const World& world, const std::string& when) {
  const auto is = [&](const char* name, const char* source) {
    const std::string dest = world.Dest(std::string("there/") + name);
    if (!Exists(dest) || ReadFile(dest) != ReadFile(world.Source(source)))
      Fail(__FILE__, __LINE__, when + ": " + name + " is not what " + source + " was");
  };
  is("older", "tree/small");
  is("both", "new");
  is("newer", "new");
  if (!List(world.states()).empty()) Fail(__FILE__, __LINE__, when + ": a state file is left");
}

// Whoever could not read one of them has published the other: then only the caller knows which is newer.
void FinalizeAgain(const World& world) {
  QuickOs os;
  for (const Finalized& f : Finalize(world, os))
    if (f.status.code == Code::kConflict) {
      const bool newer = f.state_file.ends_with(kNewer);
      (void)Finalize(world, os, {.publish = {.overwrite = newer ? Overwrite::kReplace : Overwrite::kKeep, .keep = {}}});
    }
}

void SweepTwo(const char* what, Fault fault, int err) {
  World world;
  QuickOs quick;
  Sweep(what, quick, fault, err, [&](FaultOs& os) {
    LeaveTwo(world);
    (void)Finalize(world, os);
    if (fault == Fault::kKill)
      (void)Finalize(world, quick);
    else
      FinalizeAgain(world);
    CheckNewest(world, os.where());
  });
}

TEST(OfTwoTransfersToOneNameTheOneThatWasDispatchedLaterStandsThere) {
  World world;
  LeaveTwo(world);
  QuickOs os;
  for (const Finalized& f : Finalize(world, os)) CHECK_EQ(f.action, Action::kPublished);
  CheckNewest(world, "two transfers");
}

TEST(AKillBetweenTwoTransfersToOneNameChangesNothingOfThat) {
  SweepTwo("kill sweep, two transfers to one name", Fault::kKill, 0);
}

TEST(AnErrorBetweenTwoTransfersToOneNameChangesNothingOfThat) {
  for (int err : {EIO, ENOSPC}) SweepTwo("error sweep, two transfers to one name", Fault::kFail, err);
}

TEST(WhatANewerTransferMayReplaceIsDurableBeforeTheOlderOneIsPublished) {
  World world;
  LeaveTwo(world);
  RecordingOs os(Join(world.states(), kNewer));
  (void)Finalize(world, os);
  const size_t said = os.Wrote(RecordType::kReplaces);
  const size_t synced = os.Find("fsync", Join(world.states(), kNewer), said);
  CHECK(said < synced && synced < os.Find("rename", world.Dest("there/both")));
}

// One after the other, each by a finalizer that knows only one of them.
TEST(AnOlderTransferIsNotPublishedOverWhatHasComeSince) {
  for (const bool older_first : {true, false}) {
    World world;
    QuickOs os;
    Engine engine(1);
    LeaveTwo(world);
    const auto finalize = [&](const char* name, Overwrite overwrite = Overwrite::kNewer) {
      const Policy policy{.publish = {.overwrite = overwrite, .keep = {}}};
      return FinalizeBatch(os, engine, {Join(world.states(), name)}, policy, Decided::kAsItIs)[0];
    };
    const char *first = older_first ? kOlder : kNewer, *second = older_first ? kNewer : kOlder;
    CHECK_EQ(finalize(first).action, Action::kPublished);
    const Tree before = world.Now();
    CHECK_CODE(finalize(second).status, Code::kConflict);
    CHECK_EQ(Difference(world.Now(), before), "");
    CHECK_EQ(finalize(second, Overwrite::kReplace).action, Action::kPublished);
  }
}

TEST(WhatANewerTransferHasSaidItDoesNotSayAgain) {
  World world;
  LeaveTwo(world);
  QuickOs os;
  for (const std::string& temporary : World::TemporariesIn(world.Now()))
    CHECK(truncate(world.Dest(temporary).c_str(), 1) == 0);  // both are refused
  (void)Finalize(world, os);
  const std::string once = ReadFile(Join(world.states(), kNewer));
  for (const Finalized& f : Finalize(world, os)) CHECK_CODE(f.status, Code::kVerify);
  CHECK_EQ(ReadFile(Join(world.states(), kNewer)), once);
}

TEST(AnInodeNumberAloneIsNotWhatStoodThere) {
  NumberedOs os;
  World world;
  os.name = world.Dest("old");
  for (const bool births : {true, false}) {
    LeaveComplete(world);
    struct stat st;
    REQUIRE(stat(os.name.c_str(), &st) == 0);
    os.inode = st.st_ino;
    os.births = births;
    WriteFile(os.name + ".other", "of somebody else");
    REQUIRE(rename((os.name + ".other").c_str(), os.name.c_str()) == 0);
    CHECK_CODE(Finalize(world, os)[0].status, Code::kConflict);
    CHECK_EQ(ReadFile(os.name), "of somebody else");
  }
}

TEST(WhatStoodThereIsReplacedAlsoIfItWasWrittenToSince) {
  World world;
  LeaveComplete(world);
  QuickOs os;
  WriteFile(world.Dest("old"), "written in place");
  CHECK_EQ(Finalize(world, os)[0].action, Action::kPublished);
  CHECK_EQ(Difference(world.Now(), world.after()), "");
}

TEST(WhatWasRemovedSinceTheDispatchIsNoConflict) {
  World world;
  LeaveComplete(world);
  QuickOs os;
  CHECK(unlink(world.Dest("old").c_str()) == 0);
  CHECK_EQ(Finalize(world, os)[0].action, Action::kPublished);
}

}  // namespace
}  // namespace axl::test
