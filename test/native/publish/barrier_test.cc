// fsync of directories: each once, and no success for one that was not asked for, or that failed.
#include "publish/barrier.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "state_bytes.h"
#include "world.h"

namespace axl::test {
namespace {

struct FsyncOs : ForwardingOs {
  int Fsync(int) override { return ++fsyncs == fail_at ? -EIO : 0; }
  int fsyncs = 0, fail_at = 0;
};

TEST(ADirectoryThatManyNeedIsSyncedOnce) {
  TempDir dir;
  MakeDir(dir / "a");
  FsyncOs os;
  DirectoryBarrier barrier(os);
  for (int i = 0; i < 5; i++) {
    barrier.Need(dir / "a");
    barrier.Need(dir.path());
  }
  CHECK(!barrier.Result(dir / "a").ok());  // not yet
  barrier.Run();
  CHECK_OK(barrier.First());
  CHECK_EQ(os.fsyncs, 2);
}

TEST(ADirectoryThatNobodyNeededIsNotDurable) {
  TempDir dir;
  FsyncOs os;
  DirectoryBarrier barrier(os);
  barrier.Run();
  CHECK_OK(barrier.First());
  CHECK(!barrier.Result(dir.path()).ok());
}

TEST(OneDirectoryThatFailsDoesNotKeepTheOthersFromTheirs) {
  TempDir dir;
  for (const char* name : {"a", "b", "c"}) MakeDir(dir / name);
  FsyncOs os;
  os.fail_at = 2;
  DirectoryBarrier barrier(os);
  for (const char* name : {"a", "b", "c", "gone"}) barrier.Need(dir / name);
  barrier.Run();
  CHECK_OK(barrier.Result(dir / "a"));
  CHECK_ERRNO(barrier.Result(dir / "b"), EIO);
  CHECK_OK(barrier.Result(dir / "c"));
  CHECK_ERRNO(barrier.Result(dir / "gone"), ENOENT);
  CHECK_ERRNO(barrier.First(), EIO);
}

// The fsync of the destination fails once there are temporary files, or once the first is renamed.
struct NoDirectoryOs : QuickOs {
  NoDirectoryOs(const World& world, bool from_renames) : armed_by_rename(from_renames) {
    REQUIRE(stat((world.root() + "/dest").c_str(), &dest) == 0);
  }
  int Open(int dir, const char* path, int flags, mode_t mode) override {
    if (!armed_by_rename && std::strstr(path, "._AXL") != nullptr) armed = true;
    return to_.Open(dir, path, flags, mode);
  }
  int Rename(int dir, const char* from, int to_dir, const char* to) override {
    armed = true;
    return to_.Rename(dir, from, to_dir, to);
  }
  int Fsync(int fd) override {
    struct stat st;
    return armed && fstat(fd, &st) == 0 && st.st_ino == dest.st_ino ? -EIO : 0;
  }
  struct stat dest;
  const bool armed_by_rename;
  std::atomic<bool> armed{false};
};

TransferState StateIn(const World& world) {
  Replay replay;
  REQUIRE_OK(Read(ReadFile(world.state_file()), &replay));
  return replay.state;
}

TEST(ATransferIsNotCommittedWhileTheNamesOfItsCopiesAreNotDurable) {
  World world;
  NoDirectoryOs os(world, false);
  CHECK_ERRNO(Live(world, os, 1, Ending::kPublish).failed, EIO);
  CHECK(StateIn(world).AllDone() && !StateIn(world).settled);
  CHECK_EQ(World::TemporariesIn(world.Now()).size(), 5);
}

TEST(RenamesThatAreNotDurableAreNotPublishedForAnybody) {
  World world;
  NoDirectoryOs os(world, true);
  CHECK_ERRNO(Live(world, os, 1, Ending::kPublish).failed, EIO);
  CHECK_EQ(StateIn(world).outcome, Outcome::kNone);
  const auto failed = Finalize(world, os);
  REQUIRE(failed.size() == 1);
  CHECK_ERRNO(failed[0].status, EIO);
  REQUIRE(Exists(world.state_file()));
  QuickOs good;
  CHECK_EQ(Finalize(world, good)[0].action, Action::kPublished);
}

}  // namespace
}  // namespace axl::test
