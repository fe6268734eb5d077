// fsync of directories: each once, and no success for one that was not asked for.
#include "barrier.h"

#include <cerrno>

#include "forwarding_os.h"
#include "test.h"

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

}  // namespace
}  // namespace axl::test
