// Somebody gets in between: files that come, go or change hands while a finalizer works, and state files that lost
// their end. And what the finalizer's options promise then.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "recording_os.h"
#include "world.h"

namespace axl::test {
namespace {

// Cuts the state file before its first record of a type.
void CutBefore(const World& world, RecordType type) {
  const std::string bytes = ReadFile(world.state_file());
  for (size_t at = kHeaderSize; at < bytes.size();) {
    uint32_t length;
    std::memcpy(&length, bytes.data() + at, sizeof length);
    if (static_cast<RecordType>(bytes[at + 4]) == type) {
      CHECK(truncate(world.state_file().c_str(), static_cast<off_t>(at)) == 0);
      return;
    }
    at += kRecordOverhead + length;
  }
  Fail(__FILE__, __LINE__, "no such record");
}

Finalized FinalizeOne(const World& world, Os& os, Policy options = {}) {
  const auto done = Finalize(world, os, options);
  REQUIRE(done.size() == 1);
  return done[0];
}

TEST(WhatIsBeingCopiedNobodyElseMayRead) {
  struct : QuickOs {
    int Open(int dir, const char* path, int flags, mode_t mode) override {
      if ((flags & O_CREAT) != 0 && std::strstr(path, "._AXL") != nullptr) {
        made++;
        CHECK_EQ(mode, 0600u);
        CHECK((flags & O_EXCL) != 0);
      }
      return to_.Open(dir, path, flags, mode);
    }
    std::atomic<int> made{0};
  } os;
  World world;
  CHECK_OK(Live(world, os, 1, Ending::kPublish).failed);
  CHECK(os.made >= 4);
}

// Puts another file where a temporary one was, just before that is opened.
struct SwappingOs : QuickOs {
  int Open(int dir, const char* path, int flags, mode_t mode) override {
    if (temporary.ends_with(path)) {
      CHECK(rename(temporary.c_str(), (temporary + ".was").c_str()) == 0);
      WriteFile(temporary, "somebody else's");
      CHECK(chmod(temporary.c_str(), 0644) == 0);
    }
    return to_.Open(dir, path, flags, mode);
  }
  std::string temporary;
};

TEST(MendingTouchesNoFileThatCameMeanwhile) {
  World world;
  LeaveComplete(world);
  SwappingOs os;
  os.temporary = world.TemporaryOf("old");
  CHECK(chmod(os.temporary.c_str(), 0777) == 0);
  CHECK_CODE(FinalizeOne(world, os).status, Code::kVerify);
  struct stat st;
  REQUIRE(stat(os.temporary.c_str(), &st) == 0);
  CHECK_EQ(st.st_mode & 07777, 0644u);
  CHECK(st.st_mtime > 1'500'000'000);
}

// Somebody makes a destination just before it is renamed to.
struct RacingOs : QuickOs {
  explicit RacingOs(std::string path) : dest(std::move(path)) {}
  int Rename(int dir, const char* from, int to_dir, const char* to) override {
    Come(to);
    return to_.Rename(dir, from, to_dir, to);
  }
  int RenameNoReplace(int dir, const char* from, const char* to) override {
    Come(to);
    return to_.RenameNoReplace(dir, from, to);
  }
  int RenameNew(int dir, const char* from, const char* to) override {
    Come(to);
    return to_.RenameNew(dir, from, to);
  }
  void Come(const char* to) {
    if (dest.ends_with(std::string("/") + to)) WriteFile(dest, "it came meanwhile");
  }
  const std::string dest;
};

TEST(ADestinationThatComesMeanwhileIsNotReplacedIfToldNotTo) {
  World world;
  for (Overwrite overwrite : {Overwrite::kNewer, Overwrite::kFail, Overwrite::kKeep}) {
    LeaveComplete(world);
    CHECK(unlink(world.Dest("old").c_str()) == 0);
    RacingOs os(world.Dest("old"));
    const Finalized f = FinalizeOne(world, os, {.publish = {.overwrite = overwrite, .keep = {}}});
    CHECK_EQ(ReadFile(world.Dest("old")), "it came meanwhile");
    CHECK_EQ(f.action, overwrite == Overwrite::kKeep ? Action::kPublished : Action::kFailed);
  }
}

// Leaves a transfer of one file, complete, to a name that nothing stands at.
void LeaveOne(World& world) {
  world.Reset();
  QuickOs os;
  Engine engine(1);
  const auto transfer = std::make_shared<Transfer>(os, engine);
  REQUIRE_OK(transfer->Create(world.Options()));
  REQUIRE_OK(transfer->Add({world.Source("new"), world.Dest("there/one")}, {}));
  REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer->Dispatch(on_quiet); }));
}

// Knows no RENAME_NOREPLACE, as an old NFS. Counts the looks at a name.
struct OldOs : QuickOs {
  int RenameNoReplace(int dir, const char* from, const char* to) override {
    return knows ? to_.RenameNoReplace(dir, from, to) : -EINVAL;
  }
  int Look(int dir, const char* path, Seen* seen) override {
    looks += std::string_view(path) == "one";
    return to_.Look(dir, path, seen);
  }
  bool knows = false;
  int looks = 0;
};

TEST(TheOneFileOfATransferReplacesNothingThatCameMeanwhile) {
  World world;
  for (bool knows : {false, true})
    for (Overwrite overwrite : {Overwrite::kNewer, Overwrite::kReplace}) {
      LeaveOne(world);
      WriteFile(world.Dest("there/one"), "it came meanwhile");
      OldOs os;
      os.knows = knows;
      const Finalized f = FinalizeOne(world, os, {.publish = {.overwrite = overwrite, .keep = {}}});
      const bool replaced = overwrite == Overwrite::kReplace;
      CHECK_CODE(f.status, replaced ? Code::kOk : Code::kConflict);
      CHECK_EQ(ReadFile(world.Dest("there/one")) == "it came meanwhile", !replaced);
      CHECK_EQ(Exists(world.TemporaryOf("there/one")), !replaced);
    }
}

TEST(TheOneFileOfATransferIsPublishedWithALookOnlyWhereTheRenameDoesNotTell) {
  World world;
  for (bool knows : {false, true}) {
    LeaveOne(world);
    OldOs os;
    os.knows = knows;
    CHECK_EQ(FinalizeOne(world, os).action, Action::kPublished);
    CHECK_EQ(ReadFile(world.Dest("there/one")), ReadFile(world.Source("new")));
    CHECK_EQ(os.looks, knows ? 0 : 1);
  }
}

TEST(ADryRunTellsThatTheDestinationOfTheOneFileCameMeanwhile) {
  World world;
  LeaveOne(world);
  WriteFile(world.Dest("there/one"), "it came meanwhile");
  QuickOs os;
  CHECK_CODE(FinalizeOne(world, os, {.dry_run = true}).status, Code::kConflict);
}

TEST(ATemporaryFileThatIsNotPublishedGoesOnlyOnceTheJournalSaysSoDurably) {
  World world;
  LeaveComplete(world);
  RecordingOs os(world.state_file());
  CHECK_EQ(FinalizeOne(world, os, {.publish = {.overwrite = Overwrite::kKeep, .keep = {}}}).action, Action::kPublished);
  const size_t kept = os.Wrote(RecordType::kKept), synced = os.Find("fsync", world.state_file(), kept);
  CHECK(kept < synced && synced < os.Find("unlink", "/old._AXL"));
  CHECK(os.Find("unlink", "/old._AXL") < os.events.size());
  CHECK_EQ(ReadFile(world.Dest("old")), "the old contents");
}

TEST(ATransferWithADestinationOutsideOfEveryRootIsNotTouched) {
  World world;
  QuickOs os;
  for (const std::string& outside : {world.Dest("tree"), world.Dest("old"), world.root() + "/des"}) {
    LeaveComplete(world);
    const Tree before = world.Now();
    CHECK_CODE(FinalizeOne(world, os, {.roots = {outside}}).status, Code::kUnsafePath);
    CHECK_EQ(Difference(world.Now(), before), "");
    CHECK(Exists(world.state_file()));
  }
  const std::vector<std::string> roots{"/nowhere", world.root() + "/dest"};
  CHECK_EQ(FinalizeOne(world, os, {.roots = roots}).action, Action::kPublished);
}

TEST(VerifyChecksumFindsAChangedByteAndSizeDoesNot) {
  World world;
  QuickOs os;
  LeaveComplete(world);
  const std::string temporary = world.TemporaryOf("old");
  const int fd = open(temporary.c_str(), O_WRONLY);
  CHECK(pwrite(fd, "T", 1, 0) == 1);
  close(fd);
  CHECK_CODE(FinalizeOne(world, os, {.publish = {.verify = Verify::kChecksum, .keep = {}}}).status, Code::kVerify);
  CHECK(Exists(temporary) && Exists(world.state_file()));
  CHECK_EQ(FinalizeOne(world, os).action, Action::kPublished);
}

TEST(AStateFileThatLostItsSealedIsKeptWhileItsTemporaryFilesExist) {
  World world;
  QuickOs os;
  LeaveComplete(world);
  const Tree before = world.Now();
  CutBefore(world, RecordType::kSealed);
  CHECK_EQ(FinalizeOne(world, os).action, Action::kCorrupt);
  CHECK_EQ(Difference(world.Now(), before), "");
  CHECK(Exists(world.state_file()));
}

TEST(WhatWasNeverCommittedIsNotPublishedBecauseSomebodyRenamedAFileOfIt) {
  World world;
  QuickOs os;
  LeaveComplete(world);
  CutBefore(world, RecordType::kSettled);
  CHECK(rename(world.TemporaryOf("old").c_str(), world.Dest("old").c_str()) == 0);
  CHECK_EQ(FinalizeOne(world, os).action, Action::kRolledBack);
  CHECK(!Exists(world.Dest("tree")));
}

Finalized CommitOne(const World& world, Os& os) { return CommitBatch(os, {world.state_file()}, {}, {})[0]; }

// A dataset: its other transfers are published, since this one can be.
TEST(ATransferThatOthersArePublishedForIsDurablyComplete) {
  World world;
  for (RecordType cut : {RecordType::kSettled, RecordType::kConfirmed}) {
    LeaveComplete(world);
    CutBefore(world, cut);
    const Tree before = world.Now();
    RecordingOs os(world.state_file());
    CHECK_EQ(CommitOne(world, os).action, Action::kPublished);
    CHECK(os.Last("write") < os.events.size() &&
          os.Find("fsync", world.state_file()) < os.Wrote(RecordType::kConfirmed));
    CHECK_EQ(Difference(world.Now(), before), "");
    Replay r;
    const std::string bytes = ReadFile(world.state_file());
    CHECK_OK(ReplayJournal(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), &r));
    CHECK(r.state.settled);
    CheckPromise(world, true, "committed");
  }
}

TEST(ATransferThatLostAFileBeforeItWasCommittedIsNotWhatOthersArePublishedFor) {
  World world;
  QuickOs os;
  LeaveComplete(world);
  CutBefore(world, RecordType::kSettled);
  CHECK(unlink(world.TemporaryOf("old").c_str()) == 0);
  const Finalized f = CommitOne(world, os);
  CHECK_EQ(f.action, Action::kFailed);
  CHECK_CODE(f.status, Code::kVerify);
  CHECK_EQ(FinalizeOne(world, os).action, Action::kRolledBack);
}

TEST(WhatItsOwnerGaveUpGoesOnlyOnceThatIsDurable) {
  World world;
  QuickOs quick;
  LeaveComplete(world);
  {
    std::unique_ptr<Journal> journal;
    REQUIRE_OK(Journal::Open(quick, world.state_file(), {}, &journal));
    REQUIRE_OK(journal->Append(FinalRecord{Outcome::kRolledBack}));
  }
  RecordingOs os(world.state_file());
  CHECK_EQ(FinalizeOne(world, os).action, Action::kRolledBack);
  CHECK(os.Find("fsync", world.state_file()) < os.Find("unlink", "._AXL"));
  CHECK(os.Find("unlink", "._AXL") < os.events.size());
}

TEST(WhatOnlyTheCacheMayKnowToBeSettledIsWrittenAgainBeforeTheFirstRename) {
  World world;
  LeaveComplete(world);
  CutBefore(world, RecordType::kConfirmed);
  RecordingOs os(world.state_file());
  CHECK_EQ(FinalizeOne(world, os).action, Action::kPublished);
  const size_t written = os.Find("write", world.state_file());
  CHECK(written < os.Find("fsync", world.state_file(), written));
  CHECK(os.Find("fsync", world.state_file(), written) < os.Find("rename", "/dest/"));
}

}  // namespace
}  // namespace axl::test
