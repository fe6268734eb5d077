// The order of what is written, made durable and renamed: the invariants of ARCHITECTURE.md by their numbers.
#include <sys/stat.h>
#include <unistd.h>

#include "recording_os.h"

namespace axl::test {
namespace {

// A whole life, recorded.
struct Recorded {
  explicit Recorded(Durability durability = Durability::kFull, World::Files files = World::Files::kFew)
      : world(files), os(world.state_file()) {
    world.durability = durability;
    const Life life = Live(world, os, 1, Ending::kPublish);
    REQUIRE(life.freed);
  }
  size_t end() const { return os.events.size(); }
  World world;
  RecordingOs os;
};

TEST(Invariant1BytesAreWrittenOnlyToTemporaryNames) {
  Recorded r;
  for (const Event& e : r.os.events)
    if (e.call == "write" && e.path.find("/dest/") != std::string::npos)
      CHECK(e.path.find("._AXL") != std::string::npos);
}

TEST(Invariant2NothingIsMadeBeforeTheJournalThatNamesItIsDurable) {
  Recorded r;
  const size_t sealed = r.os.Wrote(RecordType::kSealed);
  const size_t durable = r.os.Find("fsync", r.world.state_file(), sealed);
  CHECK(durable < r.end());
  CHECK(r.os.Find("create", "/dest/") > durable);
  CHECK(r.os.Find("mkdir", "/dest/") > durable);
}

TEST(Invariant2AStateFileIsWholeAndDurableBeforeItHasItsName) {
  Recorded r;
  const size_t named = r.os.Find("rename new", r.world.state_file());
  const size_t draft = r.os.Find("fsync", ".new");
  CHECK(draft < named);
  CHECK(r.os.Find("write", ".new", draft) == r.end());
  CHECK(r.os.Find("fsync", r.world.states(), named) < r.os.Wrote(RecordType::kFile));
}

// The event that says DONE of a file, by its number.
size_t DoneOf(const RecordingOs& os, uint32_t file) {
  for (size_t i = 0; i < os.events.size(); i++)
    for (size_t k = 0; k < os.events[i].wrote.size(); k++)
      if (os.events[i].wrote[k] == RecordType::kDone && os.events[i].files[k] == file) return i;
  return os.events.size();
}

TEST(Invariant3DoneComesAfterTheFsyncOfTheFileAndNothingChangesItAfterwards) {
  World world;
  RecordingOs os(world.state_file());
  REQUIRE_OK(Live(world, os, 1, Ending::kLeave).failed);
  Replay r;
  const std::string state = ReadFile(world.state_file());
  REQUIRE_OK(ReplayJournal(reinterpret_cast<const uint8_t*>(state.data()), state.size(), &r));
  for (uint32_t id = 0; id < r.state.files.size(); id++) {
    if (r.state.files[id].kind == FileKind::kSymlink) continue;
    const std::string temporary = TemporaryPath(r.state.files[id].dest, r.state.uuid);
    const size_t synced = os.Find("fsync", temporary);
    CHECK(synced < DoneOf(os, id) && DoneOf(os, id) < os.events.size());
    for (const char* change : {"write", "chown", "chmod", "utimens", "setxattr"})
      CHECK_EQ(os.Find(change, temporary, synced), os.events.size());
  }
}

TEST(Invariant4OwnerThenModeThenTimesAreDurableBeforeTheRename) {
  if (geteuid() != 0) Skip("only root gives files away");
  Recorded r(Durability::kFull, World::Files::kAll);
  const std::string temporary = "/tree/colored._AXL";
  const size_t owner = r.os.Find("chown", temporary), mode = r.os.Find("chmod", temporary, owner),
               times = r.os.Find("utimens", temporary, mode), synced = r.os.Find("fsync", temporary, times);
  CHECK(r.os.Find("setxattr", temporary) < owner);
  CHECK(owner < mode && mode < times && times < synced);
  CHECK_EQ(r.os.Find("chmod", temporary, mode + 1), r.end());
  CHECK(synced < r.os.Find("rename", "/tree/colored"));
}

TEST(Invariant4TheNamesOfAllTemporariesAreDurableBeforeSettledAndSettledBeforeTheFirstRename) {
  Recorded r;
  const size_t settled = r.os.Wrote(RecordType::kSettled), renamed = r.os.Find("rename", "/dest/");
  const size_t last_create = [&] {
    size_t last = 0;
    for (size_t i = 0; (i = r.os.Find("create", "/dest/", i)) < r.end(); i++) last = i;
    return last;
  }();
  for (const char* dir : {"dest", "dest/tree", "dest/there", "dest/there/made"})
    CHECK(r.os.Find("fsync", r.world.root() + "/" + dir, last_create) < settled);
  CHECK(r.os.Find("fsync", r.world.state_file(), settled) < renamed);
}

TEST(Invariant4TheRenamesAreDurableBeforeFinalAndFinalBeforeTheJournalGoes) {
  Recorded r;
  const size_t last = r.os.Last("rename"), final = r.os.Wrote(RecordType::kFinal);
  size_t dirs = 0;
  for (size_t i = last; i < final; i++) {
    const std::string& path = r.os.events[i].path;
    for (const char* dir : {"/dest", "/dest/tree", "/dest/there/made"})
      dirs += r.os.events[i].call == "fsync" && path == r.world.root() + dir;
  }
  CHECK(dirs >= 3);
  const size_t durable = r.os.Find("fsync", r.world.state_file(), final),
               gone = r.os.Find("unlink", r.world.state_file());
  CHECK(durable < gone);
  CHECK(r.os.Find("fsync", r.world.states(), gone) < r.end());
}

TEST(FinalizeMakesTheRenamesDurableBeforeTheJournalGoes) {
  World world;
  QuickOs quick;
  REQUIRE_OK(Live(world, quick, 1, Ending::kLeave).failed);
  RecordingOs os(world.state_file());
  (void)Finalize(world, os);
  const size_t last = os.Last("rename"), gone = os.Find("unlink", world.state_file());
  for (const char* dir : {"/dest", "/dest/tree", "/dest/there/made"}) {
    size_t synced = last;
    while (synced < gone && !(os.events[synced].call == "fsync" && os.events[synced].path == world.root() + dir))
      synced++;
    CHECK(synced < gone);
  }
  CHECK(os.Find("fsync", world.states(), gone) < os.events.size());
}

// A power cut during the renames must not find them without SETTLED.
TEST(FinalizeMakesAJournalThatIsNotConfirmedDurableBeforeTheFirstRename) {
  for (const bool confirmed : {true, false}) {
    World world;
    QuickOs quick;
    REQUIRE_OK(Live(world, quick, 1, Ending::kLeave).failed);
    const std::string bytes = ReadFile(world.state_file());
    if (!confirmed) WriteFile(world.state_file(), bytes.substr(0, bytes.size() - kRecordOverhead));
    RecordingOs os(world.state_file());
    (void)Finalize(world, os);
    const size_t renamed = os.Find("rename", "/dest/");
    CHECK(renamed < os.events.size());
    CHECK_EQ(os.Find("fsync", world.state_file()) < renamed, !confirmed);
  }
}

TEST(Invariant4MetadataThatIsMendedIsDurableBeforeTheRename) {
  World world;
  QuickOs quick;
  REQUIRE_OK(Live(world, quick, 1, Ending::kLeave).failed);
  CHECK(chmod(world.TemporaryOf("old").c_str(), 0777) == 0);
  RecordingOs os(world.state_file());
  (void)Finalize(world, os);
  const size_t mended = os.Find("chmod", "/old._AXL"), durable = os.Find("fsync", "/old._AXL", mended);
  CHECK(mended < durable && durable < os.Find("rename", "/dest/"));
}

TEST(AStateFileThatWasRemovedIsGoneDurably) {
  Recorded r;
  const size_t freed = r.os.Find("unlink", r.world.state_file());
  CHECK(freed < r.os.Find("fsync", r.world.states(), freed) && r.os.Find("fsync", r.world.states(), freed) < r.end());
  r.world.Reset();
  QuickOs quick;
  CHECK_OK(Live(r.world, quick, 1, Ending::kLeave).failed);
  RecordingOs os(r.world.state_file());
  (void)Finalize(r.world, os);
  const size_t finalized = os.Find("unlink", r.world.state_file());
  CHECK(finalized < os.Find("fsync", r.world.states(), finalized));
  CHECK(os.Find("fsync", r.world.states(), finalized) < os.events.size());
}

TEST(DurabilityNoneWaitsForNoDisk) {
  Recorded r(Durability::kNone);
  CHECK_EQ(r.os.Find("fsync", ""), r.end());
  CHECK_EQ(r.os.Find("writeback", ""), r.end());
  CHECK_EQ(Difference(r.world.Now(), r.world.after()), "");
  r.world.Reset();
  QuickOs quick;
  RecordingOs os(r.world.state_file());
  CHECK_OK(Live(r.world, quick, 1, Ending::kLeave).failed);
  REQUIRE(Finalize(r.world, os).size() == 1);
  CHECK_EQ(os.Find("fsync", ""), os.events.size());
  CHECK_EQ(Difference(r.world.Now(), r.world.after()), "");
}

}  // namespace
}  // namespace axl::test
