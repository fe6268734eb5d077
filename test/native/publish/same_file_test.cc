// What is not the file of DONE is neither published, nor believed to be published, nor mended; and what is not there is
// believed not to be there only below the directories of the transfer.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "numbered_os.h"
#include "os/same.h"
#include "recording_os.h"
#include "world.h"

namespace axl::test {
namespace {

Finalized FinalizedBy(const World& world, Os& os, Policy policy = {}) {
  const auto done = Finalize(world, os, policy);
  REQUIRE(done.size() == 1);
  return done[0];
}

// `old` is published; nothing more is done.
void LeaveOldPublished(World& world) {
  struct : QuickOs {
    int Rename(int dir, const char* from, int to_dir, const char* to) override {
      return ++renames == 2 ? -EIO : to_.Rename(dir, from, to_dir, to);
    }
    ssize_t Write(int fd, const void* data, size_t n, off_t at) override {
      return renames == 2 ? -EIO : to_.Write(fd, data, n, at);  // nor does the journal hear of it
    }
    int renames = 0;
  } os;
  LeaveComplete(world);
  CHECK_ERRNO(FinalizedBy(world, os).status, EIO);
  CHECK_EQ(ReadFile(world.Dest("old")), "the new contents");
}

TEST(AFileThatHasGotThePublishedInodeNumberIsNotMendedAndNotBelievedToBePublished) {
  NumberedOs os;
  World world;
  for (const bool births : {true, false}) {
    LeaveOldPublished(world);
    os.births = births;
    os.name = world.Dest("old");
    struct stat st;
    REQUIRE(stat(os.name.c_str(), &st) == 0);
    os.inode = st.st_ino;
    REQUIRE(rename(os.name.c_str(), (os.name + ".was").c_str()) == 0);
    WriteFile(os.name, "of a later step.");
    REQUIRE(chmod(os.name.c_str(), 0640) == 0);
    CHECK_CODE(FinalizedBy(world, os).status, Code::kVerify);
    REQUIRE(stat(os.name.c_str(), &st) == 0);
    CHECK_EQ(st.st_mode & 07777, 0640u);
    CHECK(Exists(world.state_file()));
    REQUIRE(rename((os.name + ".was").c_str(), os.name.c_str()) == 0);
    CheckPromise(world, true, "the published file is back");
  }
}

// A file system whose inode numbers are drawn anew whenever somebody asks, and that knows no births.
struct DrawingOs : QuickOs {
  int Look(int dir, const char* path, Seen* seen) override {
    const int r = to_.Look(dir, path, seen);
    if (*path != 0) seen->st.st_ino = ++drawn;
    seen->birth = {};
    return r;
  }
  int Statfs(int fd, struct statfs* fs) override {
    const int r = to_.Statfs(fd, fs);
    if (is_fuse) fs->f_type = 0x65735546;
    return r;
  }
  int Open(int dir, const char* path, int flags, mode_t mode) override {
    if (!unreadable.empty() && PathAt(dir, path) == unreadable) return -EACCES;
    return to_.Open(dir, path, flags, mode);
  }
  ino_t drawn = 1u << 30;
  bool is_fuse = true;
  std::string unreadable;
};

TEST(WhereInodeNumbersMeanNothingTheBytesDecide) {
  World world;
  DrawingOs os;
  LeaveComplete(world);
  CHECK_EQ(FinalizedBy(world, os).action, Action::kPublished);
  CHECK_EQ(Difference(world.Now(), world.after()), "");

  LeaveComplete(world);
  const std::string temporary = world.TemporaryOf("old");
  const int fd = open(temporary.c_str(), O_WRONLY);
  CHECK(pwrite(fd, "T", 1, 0) == 1);
  close(fd);
  CHECK_CODE(FinalizedBy(world, os).status, Code::kVerify);

  LeaveOldPublished(world);
  CHECK_EQ(FinalizedBy(world, os).action, Action::kPublished);
  CHECK_EQ(Difference(world.Now(), world.after()), "");
}

TEST(AnotherInodeElsewhereIsAnotherFileUnlessItsBytesAreAskedFor) {
  World world;
  DrawingOs os;
  os.is_fuse = false;
  LeaveComplete(world);
  CHECK_CODE(FinalizedBy(world, os).status, Code::kVerify);
  PublishOptions bytes{.verify = Verify::kChecksum, .keep = {}};
  CHECK_CODE(FinalizedBy(world, os, {.publish = bytes}).status, Code::kConflict);  // another file stands at "old"
  bytes.overwrite = Overwrite::kReplace;
  CHECK_EQ(FinalizedBy(world, os, {.publish = bytes}).action, Action::kPublished);
  CHECK_EQ(Difference(world.Now(), world.after()), "");
}

TEST(WhatCannotBeToldIsLeftAsItIs) {
  World world;
  DrawingOs os;
  LeaveComplete(world);
  const Tree before = world.Now();
  os.unreadable = world.TemporaryOf("old");
  CHECK_CODE(FinalizedBy(world, os).status, Code::kVerify);
  CHECK_EQ(Difference(world.Now(), before), "");

  LeaveOldPublished(world);
  const Tree half = world.Now();
  os.unreadable = world.Dest("old");
  CHECK_CODE(FinalizedBy(world, os).status, Code::kVerify);
  Engine engine(1);
  Transfer transfer(os, engine);
  REQUIRE_OK(transfer.Open(world.state_file()));
  CHECK_CODE(transfer.Free(), Code::kVerify);
  CHECK_EQ(Difference(world.Now(), half), "");
}

TEST(MetadataWhoseFsyncFailedAreGivenAgainBeforeTheyAreBelieved) {
  struct : QuickOs {
    int Fsync(int fd) override { return PathOf(fd) == fails ? -EIO : 0; }
    std::string fails;
  } failing;
  World world;
  LeaveComplete(world);
  failing.fails = world.TemporaryOf("old");
  CHECK(chmod(failing.fails.c_str(), 0777) == 0);
  CHECK_ERRNO(FinalizedBy(world, failing).status, EIO);
  RecordingOs os(world.state_file());
  CHECK_EQ(FinalizedBy(world, os).action, Action::kPublished);
  const size_t given = os.Find("chmod", failing.fails), synced = os.Find("fsync", failing.fails, given);
  CHECK(given < synced && synced < os.Find("rename", world.Dest("old")));
  CHECK_EQ(Difference(world.Now(), world.after()), "");
}

// One source cannot be read.
struct ShortOs : QuickOs {
  ssize_t Read(int fd, void* data, size_t n, off_t at) override {
    return PathOf(fd) == source ? -EIO : to_.Read(fd, data, n, at);
  }
  std::string source;
};

// Without what is in them.
void CopyDirectories(const std::string& from, const std::string& to) {
  MakeDir(to);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(from))
    if (entry.is_directory() && !entry.is_symlink()) MakeDir(to + entry.path().string().substr(from.size()));
}

// What is below it was not copied, not published and not removed: it is not there.
TEST(WhatIsNotThereBelowAnotherDirectoryIsNeitherLostNorRolledBack) {
  World world;
  const std::string dest = world.root() + "/dest", away = world.root() + "/away";
  const auto leave = [&](bool complete) {
    LeaveComplete(world);
    if (complete) return;
    world.Reset();
    ShortOs os;
    os.source = world.Source("new");
    REQUIRE_OK(Live(world, os, 1, Ending::kLeave).failed);
  };
  for (const bool complete : {true, false}) {
    for (const bool another : {true, false}) {
      leave(complete);
      const Tree before = world.Now();
      REQUIRE(rename(dest.c_str(), away.c_str()) == 0);
      if (another) CopyDirectories(away, dest);
      QuickOs os;
      for (const bool dry : {true, false}) {
        const Finalized f = FinalizedBy(world, os, {.dry_run = dry});
        CHECK_CODE(f.status, Code::kConflict);
        CHECK_EQ(f.action, Action::kFailed);
      }
      CHECK_CODE(LiveAgain(world, os, 1, Ending::kFree).failed, Code::kConflict);
      if (another) std::filesystem::remove_all(dest);
      REQUIRE(rename(away.c_str(), dest.c_str()) == 0);
      CHECK_EQ(Difference(world.Now(), before), "");
      CheckPromise(world, complete, "the directory is back");
    }
  }
}

}  // namespace
}  // namespace axl::test
