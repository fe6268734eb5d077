// Tests of locks.h: whom a lock keeps out, by file system.
#include "os/locks.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "test.h"

namespace axl::test {
namespace {

constexpr long kNfsMagic = 0x6969, kLustreMagic = 0x0BD00BD0;

}  // namespace

TEST(LocksOfAFileSystemOfThisKernelKeepOutThisHost) {
  for (long magic : {0xEF53L, 0x58465342L, 0x9123683EL, 0x01021994L, 0x794C7630L})
    CHECK_EQ(ReachOf(magic, {}), LockReach::kThisHost);
}

TEST(OfAnUnknownFileSystemNothingIsKnownOfItsLocks) {
  for (long magic : {0x01021997L /* 9p */, 0x19830326L /* beegfs */, 0xFF534D42L /* cifs */, 12345L})
    CHECK_EQ(ReachOf(magic, {}), LockReach::kUnknown);
}

TEST(AFuseDaemonThatIsNotKnownToForwardLocksForwardsNone) {
  for (const char* type : {"fuse.mergerfs", "fuse.sshfs", "fuse.bindfs", "fuse.unionfs", "virtiofs", "fuse"})
    CHECK_EQ(ReachOf(kFuseMagic, {type, "rw"}), LockReach::kUnknown);
  for (const char* type : {"fuse.glusterfs", "fuse.ceph", "fuse.mfs"})
    CHECK_EQ(ReachOf(kFuseMagic, {type, "rw"}), LockReach::kEverybody);
  CHECK_EQ(ReachOf(kFuseMagic, {"fuseblk", "rw"}), LockReach::kThisHost);
}

TEST(TheOptionsOfAMountMayKeepLocksOnOneHost) {
  CHECK_EQ(ReachOf(kNfsMagic, {"nfs4", "rw,vers=4.2,local_lock=none"}), LockReach::kEverybody);
  CHECK_EQ(ReachOf(kNfsMagic, {"nfs", "rw,vers=3,local_lock=flock"}), LockReach::kUnknown);
  CHECK_EQ(ReachOf(kNfsMagic, {"nfs", "rw,nolock,local_lock=none"}), LockReach::kUnknown);
  CHECK_EQ(ReachOf(kNfsMagic, {"nfs", "rw"}), LockReach::kUnknown);
  CHECK_EQ(ReachOf(kLustreMagic, {"lustre", "rw,flock"}), LockReach::kEverybody);
  CHECK_EQ(ReachOf(kLustreMagic, {"lustre", "rw,localflock"}), LockReach::kUnknown);
  CHECK_EQ(ReachOf(kLustreMagic, {"lustre", "rw"}), LockReach::kUnknown);
}

TEST(ALineOfMountinfoHasItsTypeAndItsOptions) {
  const Mount mount = ParseMount("36 35 98:0 /a\\040b /m rw,noatime master:1 - fuse.sshfs u@h:/ rw,user_id=0");
  CHECK_EQ(mount.type, "fuse.sshfs");
  CHECK_EQ(mount.options, "rw,noatime,rw,user_id=0");
  CHECK_EQ(ParseMount("36 35 0:50 / /m rw - fuse mfs#10.0.0.1:9421 rw,user_id=0").type, "fuse.mfs");
  CHECK_EQ(ParseMount("36 35 0:50 / /m rw - fuse /p/mfs rw,user_id=0").type, "fuse");
  CHECK_EQ(ParseMount("").type, "");
  CHECK_EQ(ParseMount("36 35 98:0 / /m rw").type, "");
}

TEST(ALockOfAProcessOfThisHostIsSeen) {
  TempDir dir;
  const std::string path = dir / "f";
  WriteFile(path, "x");
  Fd fd(Os::Posix(), Os::Posix().Open(AT_FDCWD, path.c_str(), O_RDWR));
  struct stat st;
  REQUIRE(fstat(fd.get(), &st) == 0);
  CHECK(!IsLockedHere(st));
  REQUIRE(Os::Posix().Lock(fd.get()) == 0);
  CHECK(IsLockedHere(st));
}

}  // namespace axl::test
