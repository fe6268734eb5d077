// What a transfer makes without a source: when its bytes get into the journal, and what a kill in between costs.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "base/names.h"
#include "journal/journal.h"
#include "made.h"
#include "recording_os.h"
#include "world.h"

namespace axl::test {
namespace {

uint32_t ManifestOf(const TransferState& state) {
  for (uint32_t id = 0; id < state.files.size(); id++)
    if (BaseOf(state.files[id].dest) == kManifest) return id;
  Fail(__FILE__, __LINE__, "there is no manifest");
  return 0;
}

// Fails each write of a CONTENT from the `nth` on, as a full disk does.
class NoContentOs : public QuickOs {
 public:
  explicit NoContentOs(int nth) : nth_(nth) {}
  ssize_t Write(int fd, const void* data, size_t n, off_t at) override {
    const auto* bytes = static_cast<const char*>(data);
    const bool content = n > kRecordOverhead && bytes[4] == static_cast<char>(RecordType::kContent) && at > 0;
    seen_ += content;
    return content && seen_ >= nth_ ? -ENOSPC : to_.Write(fd, data, n, at);
  }

 private:
  const int nth_;
  int seen_ = 0;
};

TEST(TheManifestIsJournalledWhenAllOthersAreDoneAndTheJournalIsOnTheDisk) {
  World world(World::Files::kPhases);
  RecordingOs os(world.state_file());
  REQUIRE_OK(Live(world, os, 2, Ending::kLeave).failed);
  const auto wrote = [&](size_t i, RecordType type) {
    const auto& all = os.events[i].wrote;
    return std::find(all.begin(), all.end(), type) != all.end();
  };
  size_t content = os.events.size(), done = 0, after = 0;
  for (size_t i = os.events.size(); i-- > 0 && content == os.events.size();)
    if (wrote(i, RecordType::kContent)) content = i;
  REQUIRE(content < os.events.size());
  for (size_t i = 0; i < os.events.size(); i++) {
    const auto n =
        static_cast<size_t>(std::count(os.events[i].wrote.begin(), os.events[i].wrote.end(), RecordType::kDone));
    (i < content ? done : after) += n;
  }
  CHECK_EQ(after, 1u);
  CHECK(done > 10);
  size_t before = content;
  while (before-- > 0 && os.events[before].path != world.state_file()) continue;
  CHECK_EQ(os.events[before].call, "fsync");
  CHECK(os.Find("create", kManifest, content) < os.Wrote(RecordType::kSettled));
  CHECK_EQ(os.Find("create", kManifest), os.Find("create", kManifest, content));
}

// More than one record holds, and that under names that are as long as they may be.
class ManyFiles {
 public:
  ManyFiles() {
    MakeDir(source);
    for (int i = 0; i < kFiles; i++) WriteFile(source + "/" + Name(i), "");
  }
  static std::string Name(int i) { return std::string(220, 'n') + std::to_string(i); }
  Status Copy(Os& os) {
    Engine engine(1);
    const auto transfer = std::make_shared<Transfer>(os, engine);
    TransferOptions options;
    options.name = "many";
    options.state_file = state;
    options.manifest = "";
    if (Status s = transfer->Create(options); !s.ok()) return s;
    if (Status s = transfer->Add({source, dest}, {}); !s.ok()) return s;
    if (Status s = AndWait([&](auto quiet) { return transfer->Dispatch(quiet); }); !s.ok()) return s;
    return transfer->Publish();
  }
  Status GoOn(Os& os) {
    Engine engine(1);
    const auto transfer = std::make_shared<Transfer>(os, engine);
    if (Status s = transfer->Open(state); !s.ok()) return s;
    if (Status s = AndWait([&](auto quiet) { return transfer->Resume(quiet); }); !s.ok()) return s;
    return transfer->Publish();
  }

  static constexpr int kFiles = 5000;
  TempDir dir;
  const std::string source = dir / "source", dest = dir / "dest", state = dir / "state";
};

TEST(AManifestOfSeveralRecordsIsGoneOnWithWhereAKilledRunStopped) {
  ManyFiles many;
  for (int nth : {2, 1}) {
    NoContentOs full(nth);
    CHECK_ERRNO(many.Copy(full), ENOSPC);
    QuickOs quick;
    {
      std::unique_ptr<Journal> journal;
      REQUIRE_OK(Journal::Open(quick, many.state, {}, &journal));
      CHECK_EQ(journal->state().contents.size(), nth == 2 ? 1u : 0u);
      CHECK(!journal->state().AllDone());
    }
    REQUIRE_OK(many.GoOn(quick));
    std::unique_ptr<Journal> journal;
    REQUIRE_OK(Journal::Open(quick, many.state, {}, &journal));
    const TransferState& state = journal->state();
    const uint32_t id = ManifestOf(state);
    const std::string text = ReadFile(state.files[id].dest);
    CHECK(text == state.contents.at(id));
    CHECK_EQ(state.files[id].size, text.size());
    CHECK(text.size() > kMaxRecord);
    CHECK_EQ(std::count(text.begin(), text.end(), '\n'), 4 + 2 * ManyFiles::kFiles);
    journal.reset();
    std::filesystem::remove_all(many.dest);
    std::filesystem::remove(many.state);
  }
}

TEST(WhatAKilledRunHasSaidInAManifestIsNeverContradicted) {
  World world(World::Files::kPhases);
  NoContentOs full(2);  // the first is the text pointer's
  (void)Live(world, full, 1, Ending::kLeave);
  QuickOs quick;
  uint32_t id = 0;
  {
    std::unique_ptr<Journal> journal;
    REQUIRE_OK(Journal::Open(quick, world.state_file(), {}, &journal));
    id = ManifestOf(journal->state());
    REQUIRE_OK(journal->Append(ContentRecord{id, "# axl-manifest 1\n# rank 0 of 2\n"}));
  }
  {
    Engine engine(1);
    const auto transfer = std::make_shared<Transfer>(quick, engine);
    REQUIRE_OK(transfer->Open(world.state_file()));
    REQUIRE_OK(AndWait([&](auto quiet) { return transfer->Resume(quiet); }));
    CHECK_CODE(transfer->Publish(), Code::kTransferFailed);
    CHECK_CODE(*transfer->journalled().progress[id].failure, Code::kVerify);
  }
  CheckPromise(world, false, "a manifest that says something else");
}

// One source cannot be read for a while.
class UnreadableOs : public QuickOs {
 public:
  explicit UnreadableOs(std::string path) : path_(std::move(path)) {}
  bool fails = true;
  int Open(int dir, const char* path, int flags, mode_t mode) override {
    return fails && path_ == path ? -EIO : to_.Open(dir, path, flags, mode);
  }

 private:
  const std::string path_;
};

TEST(AManifestIsMadeOnlyOnceEveryFileIsDone) {
  World world(World::Files::kPhases);
  UnreadableOs os(world.Source("tree/.metadata"));
  Engine engine(2);
  const auto transfer = std::make_shared<Transfer>(os, engine);
  REQUIRE_OK(transfer->Create(world.Options()));
  REQUIRE_OK(world.AddAll(*transfer));
  REQUIRE_OK(AndWait([&](auto quiet) { return transfer->Dispatch(quiet); }));
  CHECK_CODE(transfer->Publish(), Code::kTransferFailed);
  const uint32_t id = ManifestOf(transfer->journalled());
  CHECK(transfer->journalled().progress[id].state == FileState::kPending);
  CHECK(!transfer->journalled().contents.contains(id));
  os.fails = false;
  REQUIRE_OK(AndWait([&](auto quiet) { return transfer->Resume(quiet); }));
  REQUIRE_OK(transfer->Publish());
  REQUIRE_OK(transfer->Free());
  CheckPromise(world, true, "after a file that had failed");
}

TEST(AManifestIsOfWhatIsDispatchedAndNotOfADispatchThatCameToNothing) {
  World world(World::Files::kPhases);
  QuickOs os;
  Engine engine(1);
  const auto transfer = std::make_shared<Transfer>(os, engine);
  REQUIRE_OK(transfer->Create(world.Options()));
  const std::string source = world.Source("tree/small"), aside = world.Source("aside");
  REQUIRE_OK(transfer->Add({source, world.Dest("sub/")}, {}));
  std::filesystem::rename(source, aside);
  CHECK_ERRNO(AndWait([&](auto quiet) { return transfer->Dispatch(quiet); }), ENOENT);
  std::filesystem::rename(aside, source);
  REQUIRE_OK(transfer->Add({source, world.Dest("more")}, {}));
  REQUIRE_OK(AndWait([&](auto quiet) { return transfer->Dispatch(quiet); }));
  REQUIRE_OK(transfer->Publish());
  CHECK(Exists(world.Dest(kManifest)));
  CHECK(!Exists(world.Dest("sub/") + kManifest));
  REQUIRE_OK(transfer->Free());
}

TEST(OnlyTheFirstRankHasAPointer) {
  World world;
  QuickOs os;
  Engine engine(1);
  const auto transfer = std::make_shared<Transfer>(os, engine);
  TransferOptions options = world.Options();
  options.rank = 1;
  options.size = 2;
  REQUIRE_OK(transfer->Create(options));
  CHECK_CODE(transfer->Point(world.Dest("latest"), "x", false), Code::kConflict);
  REQUIRE_OK(transfer->Free());
}

TEST(AFileOfWhichNothingSaysWhatItHoldsFailsTheTransfer) {
  World world(World::Files::kPhases);
  QuickOs quick;
  {
    std::unique_ptr<Journal> journal;
    TransferInfo info;
    info.name = "x";
    info.chunk_size = World::kChunk;
    REQUIRE_OK(Journal::Create(quick, world.state_file(), info, &journal));
    FileEntry file;
    file.kind = FileKind::kGenerated;
    file.phase = Phase::kPointer;
    file.dest = world.Dest("text");
    file.size = 3;
    REQUIRE_OK(journal->Append(FileRecord{0, file}));
    REQUIRE_OK(journal->Append(SealedRecord{1, 0, 0, 3, {}}));
  }
  const Life life = LiveAgain(world, quick, 1, Ending::kPublish);
  CHECK_CODE(life.failed, Code::kTransferFailed);
  CHECK(!Exists(world.Dest("text")));
  CheckPromise(world, false, "a pointer without a word");
}

}  // namespace
}  // namespace axl::test
