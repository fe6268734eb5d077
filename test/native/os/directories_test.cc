// The directories that a transfer makes: their metadata, whose they are, and what a roll back does with them.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "recording_os.h"
#include "world.h"

namespace axl::test {
namespace {

// Somebody else makes one of our directories in the moment before we do.
template <class Base>
struct Racing : Base {
  using Base::Base;
  int Mkdir(int dir, const char* path, mode_t mode) override {
    if (PathAt(dir, path) == theirs) CHECK(mkdirat(dir, path, 0700) == 0);
    return Base::Mkdir(dir, path, mode);
  }
  std::string theirs;
};
using RacingOs = Racing<QuickOs>;

TEST(ADirectoryThatSomebodyElseMadeFirstIsNotRemovedByARollBack) {
  World world;
  RacingOs os;
  os.theirs = world.Dest("there/made");
  CHECK_OK(Live(world, os, 1, Ending::kFree).failed);
  CHECK(Exists(world.Dest("there/made")));
  CHECK(!Exists(world.Dest("tree")));
  CHECK(World::TemporariesIn(world.Now()).empty());
}

TEST(APowerCutDoesNotForgetWhoseADirectoryIs) {
  World world;
  Racing<RecordingOs> os(world.state_file());
  os.theirs = world.Dest("there/made");
  CHECK_OK(Live(world, os, 1, Ending::kPublish).failed);
  const size_t durable = os.Find("fsync", world.state_file(), os.Wrote(RecordType::kRenounced));
  CHECK(durable < os.Find("create", "._AXL") && os.Find("create", "._AXL") < os.events.size());
}

TEST(ADirectoryThatSomebodyElseMadeFirstKeepsItsMetadata) {
  World world;
  RacingOs os;
  os.theirs = world.Dest("tree");
  CHECK_OK(Live(world, os, 1, Ending::kPublish).failed);
  CHECK_EQ(NodeAt(world.Dest("tree")).mode, 0700u);
}

// The mode of the parent may shut us out of its children.
TEST(ADirectoryGetsItsMetadataAfterThoseInIt) {
  World world;
  RecordingOs os(world.state_file());
  CHECK_OK(Live(world, os, 1, Ending::kPublish).failed);
  size_t parent = 0, child = 0;
  for (size_t i = 0; i < os.events.size(); i++) {
    if (os.events[i].call != "utimens") continue;
    if (os.events[i].path == world.Dest("tree")) parent = i;
    if (os.events[i].path == world.Dest("tree/void")) child = i;
  }
  CHECK(0 < child && child < parent);
}

TEST(AKilledDispatchDoesNotForgetWhoseADirectoryIs) {
  World world;
  RacingOs os;
  os.theirs = world.Dest("there/made");
  CHECK_OK(Live(world, os, 1, Ending::kLeave).failed);
  RacingOs healthy;
  std::filesystem::remove(world.TemporaryOf("old"));
  Engine engine(1);
  Transfer transfer(healthy, engine);
  REQUIRE_OK(transfer.Open(world.state_file()));
  CHECK_OK(transfer.Free());
  CHECK(Exists(world.Dest("there/made")));
}

TEST(ARollBackKeepsWhatIsNotItsOwn) {
  World world;
  QuickOs os;
  CHECK_OK(Live(world, os, 1, Ending::kLeave).failed);
  WriteFile(world.Dest("tree/stranger"), "mine");
  Engine engine(1);
  Transfer transfer(os, engine);
  REQUIRE_OK(transfer.Open(world.state_file()));
  CHECK_OK(transfer.Free());
  CHECK_EQ(ReadFile(world.Dest("tree/stranger")), "mine");
  CHECK_EQ(List(world.Dest("tree")).size(), 1u);
}

TEST(ADispatchThatCannotMakeADirectoryMakesNone) {
  struct FullOs : QuickOs {
    int Mkdir(int dir, const char* path, mode_t mode) override {
      return ++mkdirs == 2 ? -ENOSPC : to_.Mkdir(dir, path, mode);
    }
    int mkdirs = 0;
  } os;
  World world;
  const Life life = Live(world, os, 1, Ending::kLeave);
  CHECK_ERRNO(life.failed, ENOSPC);
  CHECK_EQ(Difference(world.Now(), world.before()), "");
  CHECK_OK(LiveAgain(world, os, 1, Ending::kPublish).failed);
  CHECK_EQ(Difference(world.Now(), world.after()), "");
}

// Calls f as a user without privileges, in a child. True if it failed nothing.
bool AsNobody(const std::function<void()>& f) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const int before = Failures();
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(2);
    f();
    std::fflush(stdout);
    _exit(Failures() == before ? 0 : 1);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// A read-only directory gets its mode before the state file goes: a finalizer killed in between comes again.
TEST(APublishedFileInAReadOnlyDirectoryIsFoundAgainByItsUser) {
  CHECK(AsNobody([] {
    World world(World::Files::kAll);
    QuickOs quick;
    for (uint64_t at = 1;; at++) {
      world.Reset();
      FaultOs os(quick, Fault::kKill, at);
      const bool published = Live(world, os, 1, Ending::kPublish).published;
      CheckPromise(world, published, "as nobody, " + os.where());
      if (!os.hit() || Failures() > 0) break;
    }
  }));
}

TEST(WhetherADirectoryHasADefaultListIsAskedOnceAndAssumedWhereItCannotBeTold) {
  struct : QuickOs {
    ssize_t GetXattrOf(int, const char*, void*, size_t) override { return asked++, answer; }
    int asked = 0;
    ssize_t answer = 0;
  } os;
  TempDir dir;
  for (const auto& [answer, has] : {std::pair<ssize_t, bool>(44, true),
                                    {-ENODATA, false},
                                    {-EOPNOTSUPP, false},
                                    {-EACCES, true},
                                    {-ENOENT, true}}) {
    ParentDirectory parent(os);
    os.answer = answer;
    os.asked = 0;
    REQUIRE_OK(parent.Open(dir / "a"));
    CHECK_EQ(parent.HasDefaultAcl(), has);
    CHECK_EQ(parent.HasDefaultAcl(), has);
    CHECK_EQ(os.asked, 1);
  }
}

}  // namespace
}  // namespace axl::test
