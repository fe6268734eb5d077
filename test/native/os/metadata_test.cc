// Tests of metadata.h: what a file is given, in which order, and what is said when it cannot be.
#include "os/metadata.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "os/mounts.h"
#include "os/poor_os.h"

namespace axl::test {
namespace {

bool HasXattrs(const std::string& path) { return setxattr(path.c_str(), "user.axl", "1", 1, 0) == 0; }

}  // namespace

TEST(ModeAndTimesAreGivenToTheNanosecond) {
  GivenFile f;
  CHECK_OK(f.Apply(OwnerPolicy::kFail));
  CHECK(f.given.owner());
  const Metadata now = MetadataOf(f.Stat());
  CHECK(now == f.meta);
  CHECK(f.IsAsGiven());
}

TEST(XattrsComeFirstThenOwnerThenModeThenTimes) {
  GivenFile f;
  if (!HasXattrs(f.path)) Skip("no user xattrs here");
  f.meta.xattrs = {{"user.a", "1"}};
  f.meta.gid++;  // so that chown is called
  f.os.chown_error = -EPERM;
  CHECK_OK(f.Apply(OwnerPolicy::kWarn));
  CHECK_EQ(f.os.calls, "xattr chown chown chmod times ");
}

TEST(OwnerThatIsRightIsNotGivenAgain) {
  GivenFile f;
  f.os.chown_error = -EPERM;
  CHECK_OK(f.Apply(OwnerPolicy::kFail));
  CHECK(f.given.owner());
}

TEST(RefusedOwnerFailsOnlyUnderFail) {
  GivenFile f;
  f.meta.uid++;
  f.os.chown_error = -EPERM;
  CHECK_ERRNO(f.Apply(OwnerPolicy::kFail), EPERM);
  CHECK(!f.given.owner());
  CHECK_OK(f.Apply(OwnerPolicy::kWarn));
  CHECK(!f.given.owner());
}

TEST(AnOwnerThatCannotBeGivenHereIsRefusedWhateverTheFileSystemCallsIt) {
  GivenFile f;
  f.meta.uid++;
  for (const int err : {EPERM, EACCES, EINVAL, EOVERFLOW, ENOSYS, EOPNOTSUPP}) {
    f.os.chown_error = -err;
    CHECK_OK(f.Apply(OwnerPolicy::kWarn));
    CHECK(!f.given.owner());
    CHECK_ERRNO(f.Apply(OwnerPolicy::kFail), err);
  }
}

TEST(OwnerThatFailsOtherwiseIsAnErrorUnderWarnToo) {
  GivenFile f;
  f.meta.uid++;
  f.os.chown_error = -EIO;
  CHECK_ERRNO(f.Apply(OwnerPolicy::kWarn), EIO);
}

TEST(SkipNeverTriesToGiveTheOwner) {
  GivenFile f;
  f.meta.uid++;
  CHECK_OK(f.Apply(OwnerPolicy::kSkip));
  CHECK(!f.given.owner());
  CHECK_EQ(f.os.calls, "chmod times ");
}

TEST(SetuidIsMaskedWithoutTheOwner) {
  GivenFile f;
  f.meta.mode = 06751;
  f.meta.uid++;
  f.os.chown_error = -EPERM;
  CHECK_OK(f.Apply(OwnerPolicy::kWarn));
  CHECK_EQ(f.Stat().st_mode & 07777, 0751);
  CHECK_EQ(f.given.lacking, kLacksOwner | kLacksMode);
  CHECK(f.IsAsGiven());
}

TEST(SetuidSurvivesChown) {
  if (!IsRoot()) Skip("needs root");
  GivenFile f;
  f.meta.mode = 04751;
  f.meta.uid = f.meta.gid = 12345;
  CHECK_OK(f.Apply(OwnerPolicy::kFail));
  CHECK(f.given.owner());
  CHECK_EQ(f.Stat().st_mode & 07777, 04751);
  CHECK_EQ(f.Stat().st_uid, 12345);
}

TEST(AnotherUsersFileKeepsOurOwnerWhenWeAreNobody) {
  if (IsRoot()) Skip("needs a user");
  GivenFile f;
  f.meta.uid = 0;
  f.meta.mode = 04711;
  CHECK_OK(f.Apply(OwnerPolicy::kWarn));
  CHECK(!f.given.owner());
  CHECK_EQ(f.Stat().st_mode & 07777, 0711);
  CHECK_ERRNO(f.Apply(OwnerPolicy::kFail), EPERM);
}

TEST(XattrsAreReadSortedAndOnlyThoseOfTheUser) {
  GivenFile f;
  if (!HasXattrs(f.path)) Skip("no user xattrs here");
  CHECK(setxattr(f.path.c_str(), "user.zero", "", 0, 0) == 0);
  CHECK(setxattr(f.path.c_str(), "user.a", "\0b", 2, 0) == 0);
  if (IsRoot()) CHECK(setxattr(f.path.c_str(), "trusted.t", "1", 1, 0) == 0);
  std::vector<Xattr> xattrs;
  CHECK_OK(ReadXattrs(f.os, f.fd.get(), f.path, &xattrs));
  CHECK((xattrs == std::vector<Xattr>{{"user.a", std::string("\0b", 2)}, {"user.axl", "1"}, {"user.zero", ""}}));
}

TEST(AnXattrThatIsRemovedMeanwhileIsLeftOut) {
  GivenFile f;
  if (!HasXattrs(f.path)) Skip("no user xattrs here");
  f.os.gone = "user.axl";
  std::vector<Xattr> xattrs;
  CHECK_OK(ReadXattrs(f.os, f.fd.get(), f.path, &xattrs));
  CHECK(xattrs.empty());
}

TEST(AppliedXattrsReadBackTheSame) {
  GivenFile f;
  if (!HasXattrs(f.path)) Skip("no user xattrs here");
  f.meta.xattrs = {{"user.axl", "2"}, {"user.b", std::string(1000, 'v')}, {"user.zero", ""}};
  f.meta.mode = 0400;
  CHECK_OK(f.Apply(OwnerPolicy::kFail));
  std::vector<Xattr> xattrs;
  CHECK_OK(ReadXattrs(f.os, f.fd.get(), f.path, &xattrs));
  CHECK(xattrs == f.meta.xattrs);
}

TEST(MetadataCanBeGivenAgainToAReadOnlyFile) {
  GivenFile f;
  if (!HasXattrs(f.path)) Skip("no user xattrs here");
  f.meta.xattrs = {{"user.axl", "2"}};
  f.meta.mode = 0444;
  CHECK_OK(f.Apply(OwnerPolicy::kFail));
  CHECK_OK(f.Apply(OwnerPolicy::kFail));
  CHECK_EQ(f.Stat().st_mode & 07777, 0444);
}

TEST(WhileAReadOnlyFileGetsItsXattrsNobodyLosesAndAfterwardsItsModeIsTheOneThatItHad) {
  struct : PoorOs {  // as the kernel does for who is not root
    int Chmod(int fd, mode_t mode) override {
      modes.push_back(mode);
      return PoorOs::Chmod(fd, mode);
    }
    int SetXattr(int fd, const char* name, const void* value, size_t n) override {
      struct stat st;
      if (fstat(fd, &st) != 0 || (st.st_mode & 0200) == 0) return -EACCES;
      return PoorOs::SetXattr(fd, name, value, n);
    }
    std::vector<mode_t> modes;
  } os;
  const std::vector<mode_t> wanted{0644, 0444};
  GivenFile f;
  if (!HasXattrs(f.path)) Skip("no user xattrs here");
  f.meta.xattrs = {{"user.axl", "2"}};
  CHECK(chmod(f.path.c_str(), 0444) == 0);
  Giving how{{.mode = OwnerPolicy::kSkip}, false};
  CHECK_OK(ApplyMetadata(os, f.fd.get(), f.path, f.meta, how, &f.given));
  CHECK(os.modes == wanted);
  CHECK_EQ(f.Stat().st_mode & 07777, 0444);
  CHECK_OK(ApplyMetadata(os, f.fd.get(), f.path, f.meta, how, &f.given));
  CHECK(os.modes == wanted);  // it has them already
}

TEST(AStrangersNumberIsNobodys) {
  struct stat st {};
  st.st_uid = st.st_gid = 65534;
  const Metadata meta = MetadataOf(st, {65534, UINT32_MAX});
  CHECK_EQ(meta.uid, kUnknownId);
  CHECK_EQ(meta.gid, 65534u);
}

TEST(AFileSystemWithoutXattrsHasNoneAndSaysSoWhenGivenSome) {
  GivenFile f;
  f.os.no_xattrs = true;
  std::vector<Xattr> xattrs{{"user.old", ""}};
  CHECK_OK(ReadXattrs(f.os, f.fd.get(), f.path, &xattrs));
  CHECK(xattrs.empty());
  f.meta.xattrs = {{"user.a", "1"}};
  const Status status = f.Apply(OwnerPolicy::kWarn);
  CHECK_ERRNO(status, ENOTSUP);
  CHECK_EQ(status.call, "fsetxattr");
  CHECK_EQ(status.path, f.path);
}

TEST(XattrsThatNeverStopGrowingAreAnError) {
  GivenFile f;
  f.os.growing = true;
  std::vector<Xattr> xattrs;
  CHECK_ERRNO(ReadXattrs(f.os, f.fd.get(), f.path, &xattrs), ERANGE);
}

TEST(WhetherAFileIsAsItWasGivenIsAskedOfOwnerModeAndMtime) {
  GivenFile f;
  CHECK_OK(f.Apply(OwnerPolicy::kFail));
  CHECK(f.IsAsGiven());
  f.given.mode ^= 1;
  CHECK(!f.IsAsGiven());
  CHECK(f.IsAsGiven(FileKind::kSymlink));
  f.given.mode ^= 1;
  f.given.gid++;
  CHECK(!f.IsAsGiven());
  CHECK(f.IsAsGiven(FileKind::kRegular, false));
  f.given.gid--;
  f.meta.atime.sec++;
  CHECK(f.IsAsGiven());
  f.meta.mtime.nsec--;
  CHECK(!f.IsAsGiven());
  f.given.lacking |= kLacksTimes;
  CHECK(f.IsAsGiven());
}

TEST(ALinkGetsItsTimesAndItsTargetIsLeftAlone) {
  GivenFile f;
  MakeLink("f", f.dir / "l");
  const Metadata before = MetadataOf(f.Stat());
  CHECK_OK(ApplyLinkMetadata(f.os, AT_FDCWD, f.dir / "l", f.dir / "l", f.meta, {.owner = OwnerPolicy::kFail}, true,
                             &f.given));
  CHECK(f.given.owner());
  struct stat st;
  REQUIRE(lstat((f.dir / "l").c_str(), &st) == 0);
  CHECK(TimeOf(st.st_mtim) == f.meta.mtime);
  CHECK(MetadataOf(f.Stat()) == before);
}

TEST(WhatDoesNotReachALinkIsNotGivenAndToldAsLacking) {
  GivenFile f;
  MakeLink("f", f.dir / "l");
  f.meta.uid++;
  const Metadata before = MetadataOf(f.Stat());
  const auto apply = [&](OwnerPolicy policy) {
    return ApplyLinkMetadata(f.os, AT_FDCWD, f.dir / "l", f.dir / "l", f.meta, {.owner = policy}, false, &f.given);
  };
  CHECK_OK(apply(OwnerPolicy::kWarn));
  CHECK_EQ(f.given.lacking, kLacksOwner | kLacksTimes);
  CHECK_ERRNO(apply(OwnerPolicy::kFail), EOPNOTSUPP);
  CHECK(MetadataOf(f.Stat()) == before);
}

TEST(OfFuseServersOnlySomeAreKnownToReachLinks) {
  for (const char* type : {"fuse.sshfs", "fuse", "fuse.other", ""}) CHECK(!ReachesLinks(kFuseMagic, type));
  for (const char* type : {"fuse.mergerfs", "fuse.glusterfs", "fuseblk"}) CHECK(ReachesLinks(kFuseMagic, type));
  CHECK(ReachesLinks(0xEF53, ""));       // ext4
  CHECK(ReachesLinks(0x6969, ""));       // nfs
  CHECK(!ReachesLinks(0xFF534D42, ""));  // cifs
}

TEST(ALinkToItselfShowsWhetherLinksAreFollowed) {
  GivenFile f;
  const std::string link = f.dir / "l";
  struct stat st;
  CHECK(TryLink(f.os, AT_FDCWD, link));
  CHECK(lstat(link.c_str(), &st) == -1);
  f.os.follows = true;
  CHECK(!TryLink(f.os, AT_FDCWD, link));
  CHECK(lstat(link.c_str(), &st) == -1);
}

TEST(ALinksOwnerIsGivenByTheSamePolicy) {
  GivenFile f;
  MakeLink("none", f.dir / "l");
  f.meta.uid++;
  f.os.chown_error = -EPERM;
  const auto apply = [&](OwnerPolicy policy) {
    return ApplyLinkMetadata(f.os, AT_FDCWD, f.dir / "l", f.dir / "l", f.meta, {.owner = policy}, true, &f.given);
  };
  CHECK_ERRNO(apply(OwnerPolicy::kFail), EPERM);
  CHECK_OK(apply(OwnerPolicy::kWarn));
  CHECK(!f.given.owner());
  CHECK_OK(apply(OwnerPolicy::kSkip));
  CHECK(!f.given.owner());
}

}  // namespace axl::test
