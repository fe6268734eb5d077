// What inode numbers are worth, by file system.
#include "os/same.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/mounts.h"
#include "test.h"

namespace axl::test {
namespace {

TEST(InodeNumbersOfFuseMeanNothingUnlessItsServerIsKnownToKeepThem) {
  for (const char* type : {"fuse.mergerfs", "fuse.sshfs", "fuse.unionfs-fuse", "fuse", ""})
    CHECK(!WorthOf(kFuseMagic, type).files && !WorthOf(kFuseMagic, type).directories);
  for (const char* type : {"fuse.glusterfs", "fuse.mfs", "fuse.bindfs", "fuse.ext4", "fuseblk"})
    CHECK(WorthOf(kFuseMagic, type).files && WorthOf(kFuseMagic, type).directories);
  CHECK(!WorthOf(0x4D44, "").files);     // vfat
  CHECK(WorthOf(0xEF53, "").files);      // ext4
  CHECK(WorthOf(0x01021994, "").files);  // tmpfs
}

// The first file that is made in it copies it up.
TEST(ADirectoryOfAnOverlayIsKnownByItsPathAlone) {
  CHECK(WorthOf(0x794C7630, "").files && !WorthOf(0x794C7630, "").directories);
}

// Where the system tells no birth, it is the generation of the number that tells whether it was used again.
TEST(AFileIsKnownByTheGenerationOfItsNumberWhereThereAreNoBirths) {
  const Identity file{7, {1, 1}, {}, std::string("7.1")};
  TempDir dir;
  Fd fd(Os::Posix(), Os::Posix().Open(AT_FDCWD, dir.path().c_str(), O_RDONLY | O_DIRECTORY));
  const auto is_original = [&](const Identity& now) {
    return CheckOriginal(Os::Posix(), fd.get(), now, file, "state").ok();
  };
  CHECK(is_original({7, {2, 2}, {}, std::string("7.1")}));
  CHECK(!is_original({7, {1, 1}, {}, std::string("7.2")}));
  CHECK(is_original({7, {2, 2}, {}, {}}));  // what one side does not know is not compared
}

TEST(AnIdentityIsWhatTheSystemTells) {
  TempDir dir;
  WriteFile(dir / "a", "a");
  Seen seen, again;
  REQUIRE(Os::Posix().Look(AT_FDCWD, (dir / "a").c_str(), &seen) == 0);
  struct stat st;
  REQUIRE(lstat((dir / "a").c_str(), &st) == 0);
  CHECK_EQ(IdentityOf(seen).inode, st.st_ino);
  CHECK_EQ(IdentityOf(seen).ctime.nsec, st.st_ctim.tv_nsec);
  CHECK_EQ(seen.st.st_dev, st.st_dev);
  CHECK_EQ(seen.st.st_nlink, st.st_nlink);
  REQUIRE(rename((dir / "a").c_str(), (dir / "b").c_str()) == 0);
  REQUIRE(Os::Posix().Look(AT_FDCWD, (dir / "b").c_str(), &again) == 0);
  CHECK(IdentityOf(seen).birth == IdentityOf(again).birth);
}

}  // namespace
}  // namespace axl::test
