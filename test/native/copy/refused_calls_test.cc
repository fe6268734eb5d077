// What file systems say that is no word on the name itself: an automounter's EACCES of a directory that another rank
// has just made, EROFS of what is not there, every errno of flock. And files of which stat says less than is in them.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/names.h"
#include "dataset/home.h"
#include "os/directories.h"
#include "world.h"

namespace axl::test {
namespace {

struct Refusing : QuickOs {
  int Mkdir(int dir, const char* path, mode_t mode) override {
    if (mkdir_says == 0) return to_.Mkdir(dir, path, mode);
    if (another_makes_it) (void)to_.Mkdir(dir, path, 0755);
    return -mkdir_says;
  }
  int Rmdir(int dir, const char* path) override { return rmdir_says == 0 ? to_.Rmdir(dir, path) : -rmdir_says; }
  int Lock(int fd) override { return lock_says == 0 ? to_.Lock(fd) : -lock_says; }
  int mkdir_says = 0, rmdir_says = 0, lock_says = 0;
  bool another_makes_it = true;
};

constexpr int kRefusals[] = {EACCES, EPERM, EROFS};

TEST(ADirectoryThatAnotherRankHasMadeIsThereWhateverMkdirSays) {
  World world;
  for (const int error : kRefusals) {
    world.Reset();
    Refusing os;
    os.mkdir_says = error;
    CHECK(Live(world, os, 1, Ending::kPublish).freed);
    CHECK_EQ(world.Now().size(), world.after().size());
    world.Reset();
    os.another_makes_it = false;
    const Life life = Live(world, os, 1, Ending::kPublish);
    CHECK_ERRNO(life.failed, error);
    CHECK_EQ(life.failed.call, "mkdir");
  }
}

TEST(AnErrorOfMkdirThatIsNoRefusalIsAFailureAlsoWhereTheDirectoryIsThere) {
  World world;
  world.Reset();
  Refusing os;
  os.mkdir_says = EIO;
  CHECK_ERRNO(Live(world, os, 1, Ending::kPublish).failed, EIO);
}

// Another rank has put something into each, or something is mounted there.
TEST(ARollBackLeavesADirectoryThatIsUsedWhateverRmdirSays) {
  World world;
  for (const int error : {EACCES, EPERM, EROFS, EBUSY, ENOTEMPTY, EEXIST}) {
    LeaveComplete(world);
    for (const char* name : {"tree", "tree/void", "there/made"})
      WriteFile(world.Dest(name) + "/other", "of another rank");
    Refusing os;
    os.rmdir_says = error;
    std::unique_ptr<Journal> journal;
    REQUIRE_OK(Journal::Open(os, world.state_file(), {}, &journal));
    CHECK_OK(Publisher(os, *journal).RollBack());
    CHECK(World::TemporariesIn(world.Now()).empty());
    CHECK_EQ(ReadFile(world.Dest("tree/void/other")), "of another rank");
  }
}

TEST(ADirectoryThatIsEmptyAndCannotBeRemovedFailsTheRollBack) {
  World world;
  for (const int error : kRefusals) {
    LeaveComplete(world);
    Refusing os;
    os.rmdir_says = error;
    std::unique_ptr<Journal> journal;
    REQUIRE_OK(Journal::Open(os, world.state_file(), {}, &journal));
    CHECK_ERRNO(Publisher(os, *journal).RollBack(), error);
  }
}

TEST(WhatIsNotThereNeedsNoRemovalWhateverUnlinkSays) {
  TempDir dir;
  WriteFile(dir / "there", "");
  Fd fd(Os::Posix(), Os::Posix().Open(AT_FDCWD, dir.path().c_str(), O_PATH | O_DIRECTORY));
  for (const int error : kRefusals) {
    CHECK(WasNotThere(Os::Posix(), -error, fd.get(), "gone"));
    CHECK(!WasNotThere(Os::Posix(), -error, fd.get(), "there"));
  }
  CHECK(WasNotThere(Os::Posix(), -ENOENT, fd.get(), "gone"));
  CHECK(!WasNotThere(Os::Posix(), -EIO, fd.get(), "gone"));
}

TEST(WhateverFlockFailsWithATransferLivesWithoutLocks) {
  World world;
  for (const int error : {ENOLCK, ENOSYS, EOPNOTSUPP, 524, EINVAL, EBADF, EIO, EACCES, ENOTCONN}) {
    world.Reset();
    Refusing os;
    os.lock_says = error;
    const Life life = Live(world, os, 1, Ending::kPublish);
    CHECK_OK(life.failed);
    CHECK(life.freed);
    std::unique_ptr<Home> home;
    std::unique_ptr<Home::Right> right;
    REQUIRE_OK(Home::Open(os, world.states(), &home));
    CHECK_OK(home->Lock(Uuid{7}, Home::Milliseconds(0), &right));
    CHECK(right != nullptr);
  }
  CHECK_EQ(ErrnoName(524), "ENOTSUPP");
}

// Reads of one source end later, or sooner, than its size says.
struct Sizeless : QuickOs {
  int Open(int dir, const char* path, int flags, mode_t mode) override {
    const int fd = to_.Open(dir, path, flags, mode);
    if (fd >= 0 && path == source) source_fd = fd;
    return fd;
  }
  ssize_t Read(int fd, void* data, size_t n, off_t at) override {
    if (fd != source_fd) return to_.Read(fd, data, n, at);
    if (sooner) return at == 0 ? to_.Read(fd, data, 1, at) : 0;
    const ssize_t got = to_.Read(fd, data, n, at);
    if (got == 0) *static_cast<char*>(data) = 'x';
    return got == 0 ? 1 : got;
  }
  int Close(int fd) override {
    if (fd == source_fd) source_fd = -1;
    return to_.Close(fd);
  }
  std::string source;
  int source_fd = -1;
  bool sooner = false;
};

TEST(AFileOfWhichMoreOrLessCanBeReadThanItsSizeSaysIsNotSupportedAndNothingIsPublished) {
  World world;
  for (const bool sooner : {false, true})
    for (const char* name : {"tree/small", "tree/chunks"}) {
      world.Reset();
      Sizeless os;
      os.source = world.Source(name);
      os.sooner = sooner;
      Engine engine(1);
      auto transfer = std::make_shared<Transfer>(os, engine);
      REQUIRE_OK(transfer->Create(world.Options()));
      REQUIRE_OK(world.AddAll(*transfer));
      REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer->Dispatch(on_quiet); }));
      CHECK_CODE(transfer->Publish(), Code::kTransferFailed);
      transfer->EachFile([&](const FileEntry& file, const FileProgress& p) {
        if (file.source == os.source) CHECK_CODE(*p.failure, Code::kNotSupported);
      });
      CHECK_OK(transfer->Free());
      CHECK_EQ(Difference(world.Now(), world.before()), "");
    }
}

}  // namespace
}  // namespace axl::test
