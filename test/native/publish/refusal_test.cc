// A rename that will be refused is found before the first one: nothing is published by half.
#include "publish/refusal.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <functional>

#include "recording_os.h"
#include "world.h"

namespace axl::test {
namespace {

// Shows one final name, and its directory, other than they are.
struct ShowingOs : QuickOs {
  int Look(int dir, const char* path, Seen* seen) override {
    const int r = to_.Look(dir, path, seen);
    if (r < 0) return r;
    if (*path == '\0' && PathOf(dir) == directory && of_directory) of_directory(seen);
    if (*path != '\0' && PathAt(dir, path) == name && of_name) of_name(seen);
    return r;
  }
  uid_t EffectiveUser() override { return user; }
  bool IsRoot() override { return user == 0; }
  std::string name, directory;
  std::function<void(Seen*)> of_name, of_directory;
  uid_t user = geteuid();
};

struct Obstacle {
  const char* what;
  std::function<void(ShowingOs*)> put;
};

const Obstacle kObstacles[] = {
    {"immutable or append-only", [](ShowingOs* os) { os->of_name = [](Seen* seen) { seen->fixed = true; }; }},
    {"a mount point", [](ShowingOs* os) { os->of_name = [](Seen* seen) { seen->mount_root = true; }; }},
    {"of another mount", [](ShowingOs* os) { os->of_name = [](Seen* seen) { seen->mount = 1u << 30; }; }},
    {"in an append-only directory", [](ShowingOs* os) { os->of_directory = [](Seen* seen) { seen->fixed = true; }; }},
    {"a FIFO",
     [](ShowingOs* os) { os->of_name = [](Seen* seen) { seen->st.st_mode = (seen->st.st_mode & 07777) | S_IFIFO; }; }},
    {"a socket",
     [](ShowingOs* os) { os->of_name = [](Seen* seen) { seen->st.st_mode = (seen->st.st_mode & 07777) | S_IFSOCK; }; }},
    {"another user's in a directory with the sticky bit",
     [](ShowingOs* os) {
       os->user = 4711;
       os->of_name = [](Seen* seen) { seen->st.st_uid = 4712; };
       os->of_directory = [](Seen* seen) { seen->st.st_mode |= S_ISVTX; };
     }},
};

// All that a publisher does before a dataset's verdict, and before the first rename.
TEST(ARenameThatWillBeRefusedStopsEverythingBeforeTheFirstAndNoLongerThanItsReason) {
  World world;
  for (const Obstacle& obstacle : kObstacles) {
    LeaveComplete(world);
    const Tree before = world.Now();
    ShowingOs os;
    os.name = world.Dest("old");
    os.directory = world.Dest("");
    os.directory.pop_back();
    obstacle.put(&os);
    {
      QuickOs quick;  // as itself: the state file belongs to us
      std::unique_ptr<Journal> journal;
      REQUIRE_OK(Journal::Open(quick, world.state_file(), {}, &journal));
      Publisher publisher(os, *journal);
      for (const Status& s : {publisher.Check(), publisher.Commit(), publisher.Publish()})
        if (s.code != Code::kConflict || !s.path.starts_with(os.directory))
          Fail(__FILE__, __LINE__, std::string(obstacle.what) + ": " + Show(s));
      CHECK_OK(publisher.CheckRollBack());
    }
    CHECK_EQ(Difference(world.Now(), before), "");
    CheckPromise(world, true, obstacle.what);
    CHECK_EQ(Difference(world.Now(), world.after()), "");
  }
}

TEST(WhatRootMayReplaceInADirectoryWithTheStickyBitIsReplaced) {
  Seen directory, temporary, there;
  directory.st.st_mode = S_IFDIR | S_ISVTX;
  directory.st.st_uid = 4711;
  there.st.st_uid = 4712;
  ShowingOs os;
  const auto refused = [&](uid_t user) {
    os.user = user;
    return !RefusalOf(os, {directory, temporary, &there, "/d/a"}).ok();
  };
  CHECK(!refused(0) && !refused(4711) && !refused(4712) && refused(4713));
}

TEST(NamesThatExistAreReplacedBeforeNewOnesAppear) {
  World world;
  LeaveComplete(world);
  RecordingOs os(world.state_file());
  REQUIRE(Finalize(world, os).size() == 1);
  size_t first = os.Find("rename", "/dest/");
  CHECK_EQ(os.events[first].path, world.Dest("old"));
}

}  // namespace
}  // namespace axl::test
