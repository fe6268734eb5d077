// What made directories are refused is met before the first rename; and until then they are ours, and closed.
#include "publish/made.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "state_bytes.h"
#include "world.h"

namespace axl::test {
namespace {

bool IsDirectory(int fd) {
  struct stat st;
  return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

bool IsSettled(const World& world) {
  Replay all;
  REQUIRE_OK(Read(ReadFile(world.state_file()), &all));
  return all.state.settled;
}

// Refuses directories what it is told to.
struct RefusingOs : QuickOs {
  int SetXattr(int fd, const char* name, const void* value, size_t n) override {
    return refused == name && IsDirectory(fd) ? error : to_.SetXattr(fd, name, value, n);
  }
  std::string refused;
  int error = -EOPNOTSUPP;
};

Finalized FinalizeWith(const World& world, Os& os, const AskedPolicies& keep) {
  Policy policy;
  policy.publish.keep = keep;
  const auto done = Finalize(world, os, policy);
  REQUIRE(done.size() == 1);
  return done[0];
}

size_t PublishedIn(const Tree& now, const World& world) {
  size_t n = 0;
  for (const char* name : {"old", "there/made/new", "tree/small", "tree/chunks"})
    n += now.contains(name) && Difference(now.at(name), world.after().at(name)).empty();
  return n;
}

const struct {
  const char* refused;
  int error;
  AskedPolicies without;
} kRefusals[] = {
    {"user.color", -EOPNOTSUPP, {.xattrs = OwnerPolicy::kWarn}},
    {"user.color", -ENOSPC, {.xattrs = OwnerPolicy::kWarn}},
    {kAccessAcl, -EOPNOTSUPP, {.acls = OwnerPolicy::kWarn}},
    {kDefaultAcl, -ENOSPC, {.acls = OwnerPolicy::kWarn}},
};

}  // namespace

TEST(WhatADirectoryIsRefusedStopsATransferBeforeTheFirstRename) {
  for (const auto& [refused, error, without] : kRefusals) {
    World world;
    RefusingOs os;
    os.refused = refused;
    os.error = error;
    const Life life = Live(world, os, 1, Ending::kPublish);
    CHECK_ERRNO(life.failed, -error);
    CHECK(!life.published);
    CHECK(!IsSettled(world));  // it can still be given up, whatever was decided of others
    CHECK_EQ(PublishedIn(world.Now(), world), 0u);
    CHECK_ERRNO(FinalizeWith(world, os, {}).status, -error);
    CHECK_EQ(PublishedIn(world.Now(), world), 0u);
    const Finalized published = FinalizeWith(world, os, without);
    CHECK(published.action == Action::kPublished);
    CHECK(published.lacking.count > 0);
  }
}

TEST(WhatAFinalizerAsksForAndADirectoryIsRefusedStopsItBeforeTheFirstRename) {
  for (const auto& [refused, error, without] : kRefusals) {
    World world;
    QuickOs rich;
    REQUIRE_OK(Live(world, rich, 1, Ending::kLeave).failed);
    RefusingOs os;  // as another machine sees the file system: what was rehearsed there is refused here
    os.refused = refused;
    os.error = error;
    REQUIRE(removexattr(world.Dest("tree/void").c_str(), refused) == 0);
    CHECK_ERRNO(FinalizeWith(world, os, {}).status, -error);
    CHECK_EQ(PublishedIn(world.Now(), world), 0u);
    CHECK(FinalizeWith(world, os, without).action == Action::kPublished);
  }
}

// At every change of a made directory before the first rename.
TEST(UntilTheFirstRenameADirectoryIsOursAndClosed) {
  struct WatchingOs : QuickOs {
    int Look(int r, int fd) {
      struct stat st;
      if (fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode) || renamed) return r;
      looks++;
      if ((st.st_mode & 077) != 0 || (st.st_mode & 0700) != 0700 || st.st_uid != geteuid()) bad++;
      return r;
    }
    int Chmod(int fd, mode_t mode) override { return Look(to_.Chmod(fd, mode), fd); }
    int Chown(int fd, uid_t uid, gid_t gid) override { return Look(to_.Chown(fd, uid, gid), fd); }
    int SetXattr(int fd, const char* name, const void* value, size_t n) override {
      return Look(to_.SetXattr(fd, name, value, n), fd);
    }
    int Rename(int dir, const char* from, int to_dir, const char* to) override {
      renamed = true;
      return to_.Rename(dir, from, to_dir, to);
    }
    int RenameNoReplace(int dir, const char* from, const char* to) override {
      renamed |= std::string_view(from).find("._AXL") != std::string_view::npos;
      return to_.RenameNoReplace(dir, from, to);
    }
    bool renamed = false;
    int looks = 0, bad = 0;
  } os;
  World world(World::Files::kAll);
  REQUIRE_OK(Live(world, os, 1, Ending::kPublish).failed);
  CHECK(os.looks > 3);
  CHECK_EQ(os.bad, 0);
  CHECK_EQ(Difference(world.Now(), world.after()), "");
}

}  // namespace axl::test
