// Orphans and state files to forget, where the file system fails or changes meanwhile.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/names.h"
#include "forwarding_os.h"
#include "os/metadata.h"
#include "state_bytes.h"
#include "test.h"
#include "upkeep/forget.h"
#include "upkeep/orphans.h"
#include "upkeep/state_files.h"

namespace axl::test {
namespace {

std::string NewStateFile() {
  StateBytes bytes;
  bytes.Transfer(SampleInfo());
  return bytes.File();
}

// Hides a name at the first looks, while the directory changes.
struct ShrinkingOs : ForwardingOs {
  int List(int fd, std::vector<OsDirEntry>* out) override {
    const int r = to_.List(fd, out);
    if (looks++ >= hidden) return r;
    std::erase_if(*out, [](const OsDirEntry& entry) { return entry.name == "rank.1"; });
    const struct timespec now[2] = {{looks, 0}, {looks, 0}};
    CHECK_EQ(futimens(fd, now), 0);
    return r;
  }
  int hidden = 1;
  int looks = 0;
};

struct FailingFsync : ForwardingOs {
  int Fsync(int) override { return -EIO; }
};

Time ModifiedOf(const std::string& path) {
  struct stat st;
  CHECK_EQ(stat(path.c_str(), &st), 0);
  return TimeOf(st.st_mtim);
}

Word Ended() {
  Word word;
  word.job_ended = true;
  return word;
}

}  // namespace

TEST(AStateFileThatAListingSkipsWhileItsDirectoryShrinksIsFoundAllTheSame) {
  TempDir dir;
  Engine engine(1);
  WriteFile(dir / "rank.1", NewStateFile());
  ShrinkingOs os;
  const StateFiles found = FindStateFiles(os, engine, dir.path(), 1);
  CHECK_EQ(found.count, uint64_t{1});
  CHECK(found.unclear.empty());
}

TEST(ADirectoryThatNeverStaysAsItIsHidesNobodyKnowsWhat) {
  TempDir dir;
  Engine engine(1);
  WriteFile(dir / "rank.1", NewStateFile());
  ShrinkingOs os;
  os.hidden = 1000;
  const StateFiles found = FindStateFiles(os, engine, dir.path(), 1);
  REQUIRE(found.unclear.size() == 1);
  CHECK_CODE(found.unclear[0], Code::kConflict);
}

TEST(AStateFileIsKnownByItsHeaderWhateverFollows) {
  TempDir dir;
  const std::string whole = NewStateFile();
  WriteFile(dir / "a", whole);
  for (const size_t end : {whole.size(), whole.size() - 1, size_t{64}}) {
    CHECK_EQ(truncate((dir / "a").c_str(), static_cast<off_t>(end)), 0);
    const Identified one = Identify(Os::Posix(), dir / "a");
    CHECK_EQ(one.is, Answer::kYes);
    CHECK(one.uuid == kUuid);
  }
  for (const off_t end : {63, 8, 3, 0}) {
    CHECK_EQ(truncate((dir / "a").c_str(), end), 0);
    CHECK_EQ(Identify(Os::Posix(), dir / "a").is, Answer::kCannotTell);
  }
  MakeLink("a", dir / "link");
  CHECK_EQ(Identify(Os::Posix(), dir / "link").is, Answer::kNo);
}

TEST(AnOrphanThatHasChangedSinceItWasFoundIsLeft) {
  TempDir dir;
  const std::string path = dir / TemporaryName("a", kUuid);
  WriteFile(path, "old");
  const TemporaryFiles found = FindTemporaryFiles(Os::Posix(), dir.path(), false);
  REQUIRE(found.files.size() == 1);
  WriteFile(path, "newer");
  const std::vector<Removal> removals = RemoveTemporaryFiles(Os::Posix(), found.files);
  CHECK_CODE(removals[0].status, Code::kConflict);
  CHECK(Exists(path));
}

TEST(ADeletionThatMayComeBackAfterAPowerCutIsNoSuccess) {
  TempDir dir;
  WriteFile(dir / TemporaryName("a", kUuid), "");
  FailingFsync os;
  const TemporaryFiles found = FindTemporaryFiles(os, dir.path(), false);
  REQUIRE(found.files.size() == 1);
  CHECK_ERRNO(RemoveTemporaryFiles(os, found.files)[0].status, EIO);
  WriteFile(dir / "rank", NewStateFile());
  CHECK_ERRNO(Forget(os, dir / "rank", ModifiedOf(dir / "rank"), Ended()), EIO);
}

TEST(AStateFileThatWasWrittenSinceItWasLookedAtIsNotForgotten) {
  TempDir dir;
  WriteFile(dir / "rank", NewStateFile());
  Time before = ModifiedOf(dir / "rank");
  before.sec--;
  CHECK_CODE(Forget(Os::Posix(), dir / "rank", before, Ended()), Code::kConflict);
  CHECK(Exists(dir / "rank"));
  CHECK_OK(Forget(Os::Posix(), dir / "rank", ModifiedOf(dir / "rank"), Ended()));
  CHECK(!Exists(dir / "rank"));
}

TEST(OfAWriterOnAnotherHostNothingIsKnownSoItsStateFileStays) {
  TempDir dir;
  WriteFile(dir / "rank", NewStateFile());
  CHECK_CODE(Forget(Os::Posix(), dir / "rank", ModifiedOf(dir / "rank"), {}), Code::kStateLocked);
  Word word;
  word.dead_hosts = {"n1"};
  CHECK_OK(Forget(Os::Posix(), dir / "rank", ModifiedOf(dir / "rank"), word));
}

}  // namespace axl::test
