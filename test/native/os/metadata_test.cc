// Tests of metadata.h: what a file is given, in which order, and what is said when it cannot be.
#include "os/metadata.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "forwarding_os.h"
#include "os/mounts.h"
#include "test.h"

namespace axl::test {
namespace {

bool IsRoot() { return geteuid() == 0; }

// Refuses chown, and knows no xattrs, as told.
class PoorOs : public ForwardingOs {
 public:
  int Chown(int fd, uid_t uid, gid_t gid) override {
    calls += "chown ";
    return chown_error != 0 ? chown_error : to_.Chown(fd, uid, gid);
  }
  int ChownLink(int dir, const char* path, uid_t uid, gid_t gid) override {
    return chown_error != 0 ? chown_error : to_.ChownLink(dir, path, uid, gid);
  }
  int Chmod(int fd, mode_t mode) override {
    calls += "chmod ";
    return to_.Chmod(fd, mode);
  }
  int SetTimes(int fd, const struct timespec times[2]) override {
    calls += "times ";
    return to_.SetTimes(fd, times);
  }
  int SetXattr(int fd, const char* name, const void* value, size_t n) override {
    calls += "xattr ";
    return no_xattrs ? -ENOTSUP : to_.SetXattr(fd, name, value, n);
  }
  ssize_t ListXattr(int fd, char* names, size_t n) override {
    if (growing) return n == 0 ? 1 : -ERANGE;
    return no_xattrs ? -ENOTSUP : to_.ListXattr(fd, names, n);
  }
  ssize_t GetXattr(int fd, const char* name, void* value, size_t n) override {
    return std::string_view(name) == gone ? -ENODATA : to_.GetXattr(fd, name, value, n);
  }
  int SetTimesLink(int dir, const char* path, const struct timespec times[2]) override {
    if (follows) return utimensat(dir, path, times, 0) == 0 ? 0 : -errno;
    return to_.SetTimesLink(dir, path, times);
  }
  std::string gone;
  bool follows = false;
  int chown_error = 0;
  bool no_xattrs = false, growing = false;
  std::string calls;
};

struct Fixture {
  Fixture() {
    WriteFile(path, "x");
    fd = Fd(os, os.Open(AT_FDCWD, path.c_str(), O_RDWR));
    REQUIRE(fd.valid());
    meta = MetadataOf(Stat());
    meta.mode = 0640;
    meta.atime = {1'000'000'001, 111'111'111};
    meta.mtime = {-5, 999'999'999};
  }
  struct stat Stat() {
    struct stat st;
    REQUIRE(fstat(fd.get(), &st) == 0);
    return st;
  }
  Status Apply(OwnerPolicy policy) { return ApplyMetadata(os, fd.get(), path, meta, policy, &given); }

  TempDir dir;
  PoorOs os;
  const std::string path = dir / "f";
  Fd fd;
  Metadata meta;
  Given given;
};

bool HasXattrs(const std::string& path) { return setxattr(path.c_str(), "user.axl", "1", 1, 0) == 0; }

}  // namespace

TEST(ModeAndTimesAreGivenToTheNanosecond) {
  Fixture f;
  CHECK_OK(f.Apply(OwnerPolicy::kFail));
  CHECK(f.given.owner());
  const Metadata now = MetadataOf(f.Stat());
  CHECK(now == f.meta);
  CHECK(MetadataMatches(f.Stat(), f.meta, true, FileKind::kRegular));
}

TEST(XattrsComeFirstThenOwnerThenModeThenTimes) {
  Fixture f;
  if (!HasXattrs(f.path)) Skip("no user xattrs here");
  f.meta.xattrs = {{"user.a", "1"}};
  f.meta.gid++;  // so that chown is called
  f.os.chown_error = -EPERM;
  CHECK_OK(f.Apply(OwnerPolicy::kWarn));
  CHECK_EQ(f.os.calls, "xattr chown chown chmod times ");
}

TEST(OwnerThatIsRightIsNotGivenAgain) {
  Fixture f;
  f.os.chown_error = -EPERM;
  CHECK_OK(f.Apply(OwnerPolicy::kFail));
  CHECK(f.given.owner());
}

TEST(RefusedOwnerFailsOnlyUnderFail) {
  Fixture f;
  f.meta.uid++;
  f.os.chown_error = -EPERM;
  CHECK_ERRNO(f.Apply(OwnerPolicy::kFail), EPERM);
  CHECK(!f.given.owner());
  CHECK_OK(f.Apply(OwnerPolicy::kWarn));
  CHECK(!f.given.owner());
}

TEST(AnOwnerThatCannotBeGivenHereIsRefusedWhateverTheFileSystemCallsIt) {
  Fixture f;
  f.meta.uid++;
  for (const int err : {EPERM, EACCES, EINVAL, EOVERFLOW, ENOSYS, EOPNOTSUPP}) {
    f.os.chown_error = -err;
    CHECK_OK(f.Apply(OwnerPolicy::kWarn));
    CHECK(!f.given.owner());
    CHECK_ERRNO(f.Apply(OwnerPolicy::kFail), err);
  }
}

TEST(OwnerThatFailsOtherwiseIsAnErrorUnderWarnToo) {
  Fixture f;
  f.meta.uid++;
  f.os.chown_error = -EIO;
  CHECK_ERRNO(f.Apply(OwnerPolicy::kWarn), EIO);
}

TEST(SkipNeverTriesToGiveTheOwner) {
  Fixture f;
  f.meta.uid++;
  CHECK_OK(f.Apply(OwnerPolicy::kSkip));
  CHECK(!f.given.owner());
  CHECK_EQ(f.os.calls, "chmod times ");
}

TEST(SetuidIsMaskedWithoutTheOwner) {
  Fixture f;
  f.meta.mode = 06751;
  f.meta.uid++;
  f.os.chown_error = -EPERM;
  CHECK_OK(f.Apply(OwnerPolicy::kWarn));
  CHECK_EQ(f.Stat().st_mode & 07777, 0751);
  CHECK(MetadataMatches(f.Stat(), f.meta, false, FileKind::kRegular));
  CHECK(!MetadataMatches(f.Stat(), f.meta, true, FileKind::kRegular));
}

TEST(SetuidSurvivesChown) {
  if (!IsRoot()) Skip("needs root");
  Fixture f;
  f.meta.mode = 04751;
  f.meta.uid = f.meta.gid = 12345;
  CHECK_OK(f.Apply(OwnerPolicy::kFail));
  CHECK(f.given.owner());
  CHECK_EQ(f.Stat().st_mode & 07777, 04751);
  CHECK_EQ(f.Stat().st_uid, 12345);
}

TEST(AnotherUsersFileKeepsOurOwnerWhenWeAreNobody) {
  if (IsRoot()) Skip("needs a user");
  Fixture f;
  f.meta.uid = 0;
  f.meta.mode = 04711;
  CHECK_OK(f.Apply(OwnerPolicy::kWarn));
  CHECK(!f.given.owner());
  CHECK_EQ(f.Stat().st_mode & 07777, 0711);
  CHECK_ERRNO(f.Apply(OwnerPolicy::kFail), EPERM);
}

TEST(XattrsAreReadSortedAndOnlyThoseOfTheUser) {
  Fixture f;
  if (!HasXattrs(f.path)) Skip("no user xattrs here");
  CHECK(setxattr(f.path.c_str(), "user.zero", "", 0, 0) == 0);
  CHECK(setxattr(f.path.c_str(), "user.a", "\0b", 2, 0) == 0);
  if (IsRoot()) CHECK(setxattr(f.path.c_str(), "trusted.t", "1", 1, 0) == 0);
  std::vector<Xattr> xattrs;
  CHECK_OK(ReadXattrs(f.os, f.fd.get(), f.path, &xattrs));
  CHECK((xattrs == std::vector<Xattr>{{"user.a", std::string("\0b", 2)}, {"user.axl", "1"}, {"user.zero", ""}}));
}

TEST(AnXattrThatIsRemovedMeanwhileIsLeftOut) {
  Fixture f;
  if (!HasXattrs(f.path)) Skip("no user xattrs here");
  f.os.gone = "user.axl";
  std::vector<Xattr> xattrs;
  CHECK_OK(ReadXattrs(f.os, f.fd.get(), f.path, &xattrs));
  CHECK(xattrs.empty());
}

TEST(AppliedXattrsReadBackTheSame) {
  Fixture f;
  if (!HasXattrs(f.path)) Skip("no user xattrs here");
  f.meta.xattrs = {{"user.axl", "2"}, {"user.b", std::string(1000, 'v')}, {"user.zero", ""}};
  f.meta.mode = 0400;
  CHECK_OK(f.Apply(OwnerPolicy::kFail));
  std::vector<Xattr> xattrs;
  CHECK_OK(ReadXattrs(f.os, f.fd.get(), f.path, &xattrs));
  CHECK(xattrs == f.meta.xattrs);
}

TEST(MetadataCanBeGivenAgainToAReadOnlyFile) {
  Fixture f;
  if (!HasXattrs(f.path)) Skip("no user xattrs here");
  f.meta.xattrs = {{"user.axl", "2"}};
  f.meta.mode = 0444;
  CHECK_OK(f.Apply(OwnerPolicy::kFail));
  CHECK_OK(f.Apply(OwnerPolicy::kFail));
  CHECK_EQ(f.Stat().st_mode & 07777, 0444);
}

TEST(AFileSystemWithoutXattrsHasNoneAndSaysSoWhenGivenSome) {
  Fixture f;
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
  Fixture f;
  f.os.growing = true;
  std::vector<Xattr> xattrs;
  CHECK_ERRNO(ReadXattrs(f.os, f.fd.get(), f.path, &xattrs), ERANGE);
}

TEST(MatchComparesOwnerModeAndMtime) {
  Fixture f;
  CHECK_OK(f.Apply(OwnerPolicy::kFail));
  const struct stat st = f.Stat();
  Metadata meta = f.meta;
  meta.mtime.nsec--;
  CHECK(!MetadataMatches(st, meta, true, FileKind::kRegular));
  meta = f.meta;
  meta.mode ^= 1;
  CHECK(!MetadataMatches(st, meta, true, FileKind::kRegular));
  CHECK(MetadataMatches(st, meta, true, FileKind::kSymlink));
  meta = f.meta;
  meta.gid++;
  CHECK(!MetadataMatches(st, meta, true, FileKind::kRegular));
  CHECK(MetadataMatches(st, meta, false, FileKind::kRegular));
  meta = f.meta;
  meta.atime.sec++;
  CHECK(MetadataMatches(st, meta, true, FileKind::kRegular));
}

TEST(ALinkGetsItsTimesAndItsTargetIsLeftAlone) {
  Fixture f;
  MakeLink("f", f.dir / "l");
  const Metadata before = MetadataOf(f.Stat());
  CHECK_OK(ApplyLinkMetadata(f.os, AT_FDCWD, f.dir / "l", f.dir / "l", f.meta, OwnerPolicy::kFail, true, &f.given));
  CHECK(f.given.owner());
  struct stat st;
  REQUIRE(lstat((f.dir / "l").c_str(), &st) == 0);
  CHECK(MetadataMatches(st, f.meta, true, FileKind::kSymlink));
  CHECK(MetadataOf(f.Stat()) == before);
}

TEST(WhatDoesNotReachALinkIsNotGivenAndToldAsLacking) {
  Fixture f;
  MakeLink("f", f.dir / "l");
  f.meta.uid++;
  const Metadata before = MetadataOf(f.Stat());
  const auto apply = [&](OwnerPolicy policy) {
    return ApplyLinkMetadata(f.os, AT_FDCWD, f.dir / "l", f.dir / "l", f.meta, policy, false, &f.given);
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
  Fixture f;
  const std::string link = f.dir / "l";
  struct stat st;
  CHECK(TryLink(f.os, AT_FDCWD, link));
  CHECK(lstat(link.c_str(), &st) == -1);
  f.os.follows = true;
  CHECK(!TryLink(f.os, AT_FDCWD, link));
  CHECK(lstat(link.c_str(), &st) == -1);
}

TEST(ALinksOwnerIsGivenByTheSamePolicy) {
  Fixture f;
  MakeLink("none", f.dir / "l");
  f.meta.uid++;
  f.os.chown_error = -EPERM;
  const auto apply = [&](OwnerPolicy policy) {
    return ApplyLinkMetadata(f.os, AT_FDCWD, f.dir / "l", f.dir / "l", f.meta, policy, true, &f.given);
  };
  CHECK_ERRNO(apply(OwnerPolicy::kFail), EPERM);
  CHECK_OK(apply(OwnerPolicy::kWarn));
  CHECK(!f.given.owner());
  CHECK_OK(apply(OwnerPolicy::kSkip));
  CHECK(!f.given.owner());
}

}  // namespace axl::test
