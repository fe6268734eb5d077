// Publishing: all that can be checked is checked before the first rename, and from there it only rolls forward.
#include "publish/publisher.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "world.h"

namespace axl::test {
namespace {

Finalized FinalizeOne(const World& world, Os& os) {
  const auto done = Finalize(world, os);
  REQUIRE(done.size() == 1);
  return done[0];
}

// Nothing at all happens, but that the state file stays and says why.
void CheckRefused(World& world, const Status& wanted, const char* what) {
  QuickOs os;
  const Tree before = world.Now();
  const Finalized f = FinalizeOne(world, os);
  if (f.action != Action::kFailed || f.status.code != wanted.code || f.status.err != wanted.err)
    Fail(__FILE__, __LINE__, std::string(what) + ": finalize says " + Show(f.action) + ", " + Show(f.status));
  CHECK_EQ(Difference(world.Now(), before), "");
  CHECK(Exists(world.state_file()));
}

TEST(ATemporaryFileThatIsNotWhatWasCopiedStopsEverything) {
  World world;
  const Status verify = Status::Make(Code::kVerify, "");
  const auto tamper = [&](const char* what, const std::function<void(const std::string&)>& with) {
    LeaveComplete(world);
    const std::string temporary = world.TemporaryOf("there/made/new");
    REQUIRE(!temporary.empty());
    with(temporary);
    CheckRefused(world, verify, what);
  };
  tamper("gone", [](const std::string& path) { CHECK(unlink(path.c_str()) == 0); });
  tamper("replaced", [](const std::string& path) {
    const std::string same = ReadFile(path);
    CHECK(rename(path.c_str(), (path + ".was").c_str()) == 0);
    WriteFile(path, same);
  });
  tamper("of a second name", [](const std::string& path) { CHECK(link(path.c_str(), (path + ".too").c_str()) == 0); });
  tamper("longer", [](const std::string& path) { CHECK(truncate(path.c_str(), 1000) == 0); });
  tamper("a link", [](const std::string& path) {
    CHECK(rename(path.c_str(), (path + ".was").c_str()) == 0);
    MakeLink(path + ".was", path);
  });
  tamper("a directory", [](const std::string& path) {
    CHECK(unlink(path.c_str()) == 0);
    MakeDir(path);
  });
}

// We are root, and a temporary file belongs to somebody who is not to have it.
TEST(RootPublishesNoFileThatSomebodyElseMade) {
  struct : QuickOs {
    uid_t EffectiveUser() override { return 0; }
    bool IsRoot() override { return true; }
    int Fstat(int fd, struct stat* st) override {
      const int r = to_.Fstat(fd, st);
      st->st_uid = 0;
      return r;
    }
    int Look(int dir, const char* path, Seen* seen) override {
      const int r = to_.Look(dir, path, seen);
      seen->st.st_uid = std::string_view(path).starts_with("new._AXL") ? 65534 : 0;
      return r;
    }
  } os;
  World world;
  LeaveComplete(world);
  const Tree before = world.Now();
  CHECK_CODE(FinalizeOne(world, os).status, Code::kVerify);
  CHECK_EQ(Difference(world.Now(), before), "");
  CheckPromise(world, true, "it was ours");
}

TEST(AFinalNameThatBecameADirectoryStopsEverythingUntilItIsGone) {
  World world;
  LeaveComplete(world);
  MakeDir(world.Dest("there/made/new"));
  CheckRefused(world, Status::Errno(EISDIR, "", ""), "a directory");
  CHECK(rmdir(world.Dest("there/made/new").c_str()) == 0);
  CheckPromise(world, true, "the directory is gone");
}

TEST(ADirectoryThatCannotBeWrittenStopsEverything) {
  struct ReadOnlyOs : QuickOs {
    int Access(int dir, const char* path, int mode) override {
      struct stat st;
      if (fstat(dir, &st) == 0 && st.st_ino == inode) return -EACCES;
      return to_.Access(dir, path, mode);
    }
    ino_t inode = 0;
  } os;
  World world;
  LeaveComplete(world);
  struct stat st;
  REQUIRE(stat(world.Dest("there/made").c_str(), &st) == 0);
  os.inode = st.st_ino;
  const Tree before = world.Now();
  CHECK_ERRNO(FinalizeOne(world, os).status, EACCES);
  CHECK_EQ(Difference(world.Now(), before), "");
  CheckPromise(world, true, "writable again");
}

TEST(ALinkThatCameIntoThePathIsNotFollowed) {
  World world;
  LeaveComplete(world);
  namespace fs = std::filesystem;
  fs::rename(world.Dest("there"), world.Dest("elsewhere"));
  MakeLink("elsewhere", world.Dest("there"));
  CheckRefused(world, Status::Make(Code::kUnsafePath, ""), "a link");
}

TEST(ADirectoryThatWentWithItsTemporaryFilesIsALostFile) {
  World world;
  LeaveComplete(world);
  std::filesystem::remove_all(world.Dest("tree"));
  CheckRefused(world, Status::Make(Code::kVerify, ""), "no directory");
}

// Fails one rename, by its number.
struct RenameOs : QuickOs {
  int Rename(int dir, const char* from, int to_dir, const char* to) override {
    return ++renames == fail_at ? -EDQUOT : to_.Rename(dir, from, to_dir, to);
  }
  int renames = 0, fail_at = 0;
};

TEST(OnceAFileIsPublishedOnlyPublishingGoesOn) {
  World world;
  for (int at = 1; at <= 5; at++) {
    LeaveComplete(world);
    RenameOs os;
    os.fail_at = at;
    CHECK_ERRNO(FinalizeOne(world, os).status, EDQUOT);
    CheckPromise(world, true, "rename " + std::to_string(at) + " failed");
    CHECK_EQ(Difference(world.Now(), world.after()), "");
  }
}

TEST(ALivePublishThatFailedGoesOnAndCannotBeFreed) {
  World world;
  RenameOs os;
  os.fail_at = 3;
  Engine engine(1);
  const auto transfer = std::make_shared<Transfer>(os, engine);
  REQUIRE_OK(transfer->Create(world.Options()));
  REQUIRE_OK(world.AddAll(*transfer));
  REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer->Dispatch(on_quiet); }));
  CHECK_ERRNO(transfer->Publish(), EDQUOT);
  const Tree half = world.Now();
  CHECK_CODE(transfer->Free(), Code::kInvalidState);
  CHECK_EQ(Difference(world.Now(), half), "");
  CHECK_OK(transfer->Publish());
  CHECK_OK(transfer->Free());
  CHECK_EQ(Difference(world.Now(), world.after()), "");
}

// A free that cannot see whether a file is published must not take it for unpublished.
TEST(WhatCannotBeSeenIsNotRolledBack) {
  struct BlindOs : QuickOs {
    int Look(int dir, const char* path, Seen* seen) override {
      return PathAt(dir, path) == blind ? -EIO : to_.Look(dir, path, seen);
    }
    std::string blind;
  } os;
  World world;
  LeaveComplete(world);
  RenameOs half;
  half.fail_at = 3;
  (void)Finalize(world, half);
  os.blind = world.Dest("tree/small");
  Engine engine(1);
  Transfer transfer(os, engine);
  REQUIRE_OK(transfer.Open(world.state_file()));
  const Tree before = world.Now();
  CHECK(!transfer.Free().ok());
  CHECK_EQ(Difference(world.Now(), before), "");
}

TEST(MetadataThatWasChangedIsMendedBeforeAndAfterTheRename) {
  World world;
  LeaveComplete(world);
  CHECK(chmod(world.TemporaryOf("old").c_str(), 0777) == 0);
  RenameOs half;
  half.fail_at = 5;  // the last: all others are at their final names
  (void)Finalize(world, half);
  CHECK(chmod(world.Dest("tree/small").c_str(), 0777) == 0);
  QuickOs os;
  CHECK(FinalizeOne(world, os).action == Action::kPublished);
  CHECK_EQ(Difference(world.Now(), world.after()), "");
}

TEST(AFailedFsyncOfFinalIsNoSuccessTheSecondTimeEither) {
  struct LastFsyncOs : QuickOs {
    int Fsync(int) override { return fails ? -EIO : 0; }
    int Rename(int dir, const char* from, int to_dir, const char* to) override {
      renamed = true;
      return to_.Rename(dir, from, to_dir, to);
    }
    ssize_t Write(int fd, const void* data, size_t n, off_t at) override {
      fails = renamed;  // the first write after the renames is FINAL's
      return to_.Write(fd, data, n, at);
    }
    bool renamed = false, fails = false;
  } os;
  World world;
  Engine engine(1);
  Transfer transfer(os, engine);
  REQUIRE_OK(transfer.Create(world.Options()));
  REQUIRE_OK(world.AddAll(transfer));
  REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer.Dispatch(on_quiet); }));
  CHECK_ERRNO(transfer.Publish(), EIO);
  os.fails = os.renamed = false;
  CHECK_ERRNO(transfer.Publish(), EIO);
  CHECK(transfer.state() != Transfer::State::kPublished);
}

}  // namespace
}  // namespace axl::test
