// Every row of "What axl-finalize decides" in docs/state-format.md: for real, as a dry run, with --incomplete keep,
// after an incomplete scan, and twice.
#include "finalizer.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "state_bytes.h"
#include "survey.h"
#include "world.h"

namespace axl::test {
namespace {

struct Row {
  const char* what;
  std::function<void(World&)> prepare;
  Action action;
  Action kept;  // under --incomplete keep
  Code code = Code::kOk;
};

// The transfer of the world, up to `end`, then its process is gone.
void UpTo(World& world, const std::function<void(Transfer&)>& end) {
  QuickOs os;
  Engine engine(1);
  const auto transfer = std::make_shared<Transfer>(os, engine);
  REQUIRE_OK(transfer->Create(world.Options()));
  REQUIRE_OK(world.AddAll(*transfer));
  end(*transfer);
}

void Dispatch(Transfer& transfer) {
  REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer.Dispatch(on_quiet); }));
}

void Complete(World& world) { UpTo(world, Dispatch); }

void Failed(World& world) {
  struct : QuickOs {
    ssize_t Read(int fd, void* data, size_t n, off_t at) override {
      return at == World::kChunk ? -EIO : to_.Read(fd, data, n, at);
    }
  } os;
  REQUIRE_OK(Live(world, os, 1, Ending::kLeave).failed);
}

void Canceled(World& world) {
  const uint64_t calls = CallsOfALife(world, Ending::kLeave);
  QuickOs quick;
  FaultOs os(quick, Fault::kFail, 0);
  (void)LiveCanceled(world, os, calls * 7 / 10, false, Ending::kLeave);
}

void Killed(World& world) {
  const uint64_t calls = CallsOfALife(world, Ending::kLeave);
  QuickOs quick;
  FaultOs os(quick, Fault::kKill, calls * 8 / 10);
  (void)Live(world, os, 1, Ending::kPublish);
}

// Stops the transfer's own process, or a free of it, after some renames or unlinks.
struct HalfOs : QuickOs {
  int Rename(int dir, const char* from, int to_dir, const char* to) override {
    return ++renames == 3 ? -EIO : to_.Rename(dir, from, to_dir, to);
  }
  int Unlink(int dir, const char* path) override { return ++unlinks == 3 ? -EIO : to_.Unlink(dir, path); }
  int renames = 0, unlinks = 0;
};

void HalfPublished(World& world) {
  HalfOs os;
  (void)Live(world, os, 1, Ending::kPublish);
}

void HalfFreed(World& world) {
  HalfOs os;
  (void)Live(world, os, 1, Ending::kFree);
}

void Edit(World& world, const std::function<void(std::string&)>& edit) {
  Complete(world);
  std::string bytes = ReadFile(world.state_file());
  edit(bytes);
  WriteFile(world.state_file(), bytes);
}

void OtherVersion(std::string& bytes) {
  bytes[8] = 2;
  const std::string crc = Put32(Crc32c(0, bytes.data(), kHeaderSize - 4));
  bytes.replace(kHeaderSize - 4, 4, crc);
}

void PreRelease(std::string& bytes) {
  bytes[32] = 0;
  bytes.replace(kHeaderSize - 4, 4, Put32(Crc32c(0, bytes.data(), kHeaderSize - 4)));
}

// TRANSFER as a release with more backends would have written it.
void OtherBackend(std::string& bytes) {
  const size_t at = bytes.find("native"),
               end = kHeaderSize + kRecordOverhead + static_cast<uint8_t>(bytes[kHeaderSize]);
  REQUIRE(at < end);
  bytes.replace(at, 6, "rabbit");
  const uint32_t seed = Crc32c(0, bytes.data() + 16, sizeof(Uuid));
  bytes.replace(end - 4, 4, Put32(Crc32c(seed, bytes.data() + kHeaderSize, end - 4 - kHeaderSize)));
}

// As after damage to the disk: the FILE records are there, SEALED and what follows is not.
void CutBeforeSealed(std::string& bytes) {
  const size_t sealed = bytes.find(std::string("\x20\0\0\0\x04", 5));
  REQUIRE(sealed != std::string::npos);
  bytes.resize(sealed);
}

const Row kRows[] = {
    {"never dispatched", [](World& w) { UpTo(w, [](Transfer&) {}); }, Action::kRemoved, Action::kRemoved},
    {"complete", Complete, Action::kPublished, Action::kPublished},
    {"published, not freed",
     [](World& w) {
       UpTo(w, [](Transfer& t) {
         Dispatch(t);
         REQUIRE_OK(t.Publish());
       });
     },
     Action::kRemoved, Action::kRemoved},
    {"half published", HalfPublished, Action::kPublished, Action::kPublished},
    {"half freed", HalfFreed, Action::kRolledBack, Action::kRolledBack},
    {"failed", Failed, Action::kRolledBack, Action::kKept, Code::kIo},
    {"canceled", Canceled, Action::kRolledBack, Action::kKept},
    {"killed", Killed, Action::kRolledBack, Action::kKept},
    {"corrupt", [](World& w) { Edit(w, [](std::string& b) { b[200] ^= 1; }); }, Action::kCorrupt, Action::kCorrupt,
     Code::kStateCorrupt},
    {"of another version", [](World& w) { Edit(w, OtherVersion); }, Action::kCorrupt, Action::kCorrupt,
     Code::kStateVersion},
    {"of a pre-release", [](World& w) { Edit(w, PreRelease); }, Action::kCorrupt, Action::kCorrupt,
     Code::kStateVersion},
    {"of another backend", [](World& w) { Edit(w, OtherBackend); }, Action::kCorrupt, Action::kCorrupt,
     Code::kUnavailable},
    {"without SEALED, but with temporary files", [](World& w) { Edit(w, CutBeforeSealed); }, Action::kCorrupt,
     Action::kCorrupt, Code::kStateCorrupt},
    {"settled, and a file is lost",
     [](World& w) {
       Complete(w);
       CHECK(unlink(w.TemporaryOf("old").c_str()) == 0);
     },
     Action::kFailed, Action::kFailed, Code::kVerify},
    {"not a state file", [](World& w) { WriteFile(w.state_file(), "hello"); }, Action::kNotState, Action::kNotState,
     Code::kStateCorrupt},
    {"an empty file", [](World& w) { WriteFile(w.state_file(), ""); }, Action::kNotState, Action::kNotState,
     Code::kStateCorrupt},
    {"a directory", [](World& w) { MakeDir(w.state_file()); }, Action::kNotState, Action::kNotState, Code::kUnsafePath},
    {"a FIFO", [](World& w) { CHECK(mkfifo(w.state_file().c_str(), 0600) == 0); }, Action::kNotState, Action::kNotState,
     Code::kUnsafePath},
    {"a link", [](World& w) { MakeLink("../dest/old", w.state_file()); }, Action::kNotState, Action::kNotState,
     Code::kUnsafePath},
    {"a draft", [](World& w) { WriteFile(w.states() + "/." + std::string(32, 'a') + ".new", "half a header"); },
     Action::kRemoved, Action::kRemoved},
};

Tree All(const World& world) { return TreeAt(world.root()); }

Finalized One(const World& world, Policy options, const Row& row, Action wanted) {
  QuickOs os;
  const auto done = Finalize(world, os, options);
  REQUIRE(done.size() == 1);
  if (done[0].action != wanted || done[0].status.code != row.code)
    Fail(__FILE__, __LINE__, std::string(row.what) + ": " + Show(done[0].action) + ", " + Show(done[0].status));
  return done[0];
}

template <class Check>
void ForEveryRow(Check check) {
  World world;
  for (const Row& row : kRows) {
    world.Reset();
    row.prepare(world);
    check(world, row);
  }
}

TEST(FinalizeDoesWhatItsTableSaysAndTwiceIsOnce) {
  ForEveryRow([](World& world, const Row& row) {
    const Tree before = All(world);
    (void)One(world, {}, row, row.action);
    const Tree after = All(world);
    const bool left_alone =
        row.action == Action::kCorrupt || row.action == Action::kNotState || row.action == Action::kFailed;
    CHECK_EQ(List(world.states()).empty(), !left_alone);
    if (left_alone) CHECK_EQ(Difference(after, before), "");
    if (row.action == Action::kPublished) CHECK_EQ(Difference(world.Now(), world.after()), "");
    if (row.action == Action::kRolledBack) CHECK_EQ(Difference(world.Now(), world.before()), "");
    if (left_alone) (void)One(world, {}, row, row.action);
    CHECK_EQ(Difference(All(world), after), "");
  });
}

TEST(ADryRunSaysWhatWouldBeDoneAndTouchesNothing) {
  ForEveryRow([](World& world, const Row& row) {
    const Tree before = All(world);
    (void)One(world, {.dry_run = true}, row, row.action);
    CHECK_EQ(Difference(All(world), before), "");
    (void)One(world, {.incomplete = Incomplete::kKeep, .dry_run = true}, row, row.kept);
    CHECK_EQ(Difference(All(world), before), "");
  });
}

TEST(IncompleteTransfersThatAreKeptAreNotTouched) {
  ForEveryRow([](World& world, const Row& row) {
    const Tree before = All(world);
    (void)One(world, {.incomplete = Incomplete::kKeep}, row, row.kept);
    if (row.kept == Action::kKept) CHECK_EQ(Difference(All(world), before), "");
    if (row.kept == Action::kKept) CheckPromise(world, false, row.what);
  });
}

TEST(AfterAnIncompleteScanNothingIsDeleted) {
  ForEveryRow([](World& world, const Row& row) {
    const Tree before = All(world);
    QuickOs os;
    (void)Finalize(world, os, {.may_delete = false});
    if (row.action == Action::kPublished)
      CHECK_EQ(Difference(world.Now(), world.after()), "");
    else
      CHECK_EQ(Difference(All(world), before), "");
  });
}

TEST(WhatAnotherHoldsIsBusy) {
  World world;
  QuickOs os;
  UpTo(world, [&](Transfer& transfer) {
    Dispatch(transfer);
    const Tree before = All(world);
    const auto done = Finalize(world, os);
    REQUIRE(done.size() == 1);
    CHECK(done[0].action == Action::kBusy);
    CHECK_CODE(done[0].status, Code::kStateLocked);
    CHECK_EQ(Difference(All(world), before), "");
  });
}

// Where there is no RENAME_NOREPLACE a new state file gets its name by link and unlink: for a moment it has two.
TEST(ACreateThatWasKilledBetweenLinkAndUnlinkIsCleanedUp) {
  World world;
  UpTo(world, [](Transfer&) {});
  const std::string draft = world.states() + "/." + std::string(32, 'a') + ".new";
  CHECK(link(world.state_file().c_str(), draft.c_str()) == 0);
  CheckPromise(world, false, "two names");
}

TEST(WhatIsGoneSinceTheScanIsGone) {
  World world;
  Engine engine(1);
  QuickOs os;
  const auto done = FinalizeBatch(os, engine, {world.state_file()}, {}, Decided::kAsItIs);
  REQUIRE(done.size() == 1);
  CHECK(done[0].action == Action::kGone);
}

TEST(WhatWasDecidedOfATransferIsNotDoneToAnotherThatHasItsStateFile) {
  World world;
  UpTo(world, [](Transfer&) {});
  Engine engine(1);
  QuickOs os;
  const Uuid uuid = Survey(os, world.state_file()).uuid;
  Uuid other = uuid;
  other[0] ^= 1;
  const auto finalize = [&](const Uuid& surveyed) {
    return FinalizeBatch(os, engine, {world.state_file()}, {}, Decided::kAsItIs, {surveyed})[0].action;
  };
  CHECK(finalize(other) == Action::kGone);
  CHECK(Survey(os, world.state_file()).standing != Standing::kGone);
  CHECK(finalize(uuid) != Action::kGone);
  CHECK(Survey(os, world.state_file()).standing == Standing::kGone);
}

TEST(WhatAWriterSaysWhileItsStateFileIsReadAndEndsIsReadToo) {
  World world;
  struct LateOs : QuickOs {
    std::function<void()> before_lock;
    int Lock(int fd) override {
      before_lock();
      return to_.Lock(fd);
    }
  } os;
  os.before_lock = [&] { WriteFile(world.state_file(), StateBytes().Anywhere().Dispatched().WithDone(0).File()); };
  WriteFile(world.state_file(), StateBytes().Anywhere().Dispatched().File());
  const Surveyed seen = Survey(os, world.state_file(), Word{true, {}, {}});
  CHECK(seen.standing == Standing::kComplete);
  CHECK(seen.alive == Answer::kNo);
}

TEST(AStateFileThatCannotBeReadIsAFailureAndNotAStranger) {
  struct : QuickOs {
    ssize_t Read(int, void*, size_t, off_t) override { return -EIO; }
  } os;
  World world;
  Complete(world);
  const auto done = Finalize(world, os);
  REQUIRE(done.size() == 1);
  CHECK(done[0].action == Action::kFailed);
  CHECK_ERRNO(done[0].status, EIO);
  CheckPromise(world, true, "readable again");
}

}  // namespace
}  // namespace axl::test
