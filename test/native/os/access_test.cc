// Tests of metadata.h: who may do what with a file where lists, groups and capabilities are given or refused.
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "os/poor_os.h"

namespace axl::test {
namespace {

// user:4713:rw-, group::r--, mask::rw-
const std::string kList(
    "\x02\0\0\0\x01\0\x06\0\xff\xff\xff\xff\x02\0\x06\0\x69\x12\0\0\x04\0\x04\0\xff\xff\xff\xff"
    "\x10\0\x06\0\xff\xff\xff\xff\x20\0\0\0\xff\xff\xff\xff",
    44);
const std::string kSomeCapability("\0\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);

}  // namespace

TEST(AListComesAfterTheOwnerAndBeforeTheModeAndACapabilityAfterBoth) {
  GivenFile f;
  f.meta.xattrs = {{kCapability, kSomeCapability}, {kAccessAcl, kList}, {"user.a", "1"}};
  f.meta.mode = 0660;
  f.os.xattr_error = 1;  // they are not given
  CHECK_OK(f.Apply(Giving{{.owner = OwnerPolicy::kFail}, true, true}));
  CHECK_EQ(f.os.calls, "xattr acl chmod capability times ");
  CHECK_EQ(f.given.lacking, 0);
}

TEST(AFileWhoseOwnerIsNotToBeChangedIsOpenedNoWiderThanItsSource) {
  GivenFile f;
  f.meta.uid = f.meta.gid = 4713;
  f.meta.mode = 0640;
  for (const OwnerPolicy policy : {OwnerPolicy::kFail, OwnerPolicy::kWarn}) {
    CHECK_OK(f.Apply(Giving{{.owner = policy}, true, true, false}));
    CHECK_EQ(f.os.calls, "remove chmod times ");
    CHECK_EQ(f.Stat().st_mode & 07777, 0600u);
    CHECK_EQ(f.given.lacking, kLacksOwner | kLacksMode);
    f.os.calls.clear();
  }
}

TEST(AListIsGivenAsItIs) {
  GivenFile f;
  f.meta.xattrs = {{kAccessAcl, kList}};
  f.meta.mode = 0660;
  if (setxattr(f.path.c_str(), kAccessAcl, kList.data(), kList.size(), 0) != 0) Skip("no access control lists here");
  CHECK(removexattr(f.path.c_str(), kAccessAcl) == 0);
  CHECK_OK(f.Apply(OwnerPolicy::kFail));
  std::vector<Xattr> xattrs;
  CHECK_OK(ReadXattrs(f.os, f.fd.get(), f.path, &xattrs));
  CHECK(xattrs == f.meta.xattrs);
  CHECK(f.IsAsGiven());
}

TEST(AListThatADirectoryGaveIsGoneBeforeTheModeOpensIt) {
  GivenFile f;
  if (setxattr(f.path.c_str(), kAccessAcl, kList.data(), kList.size(), 0) != 0) Skip("no access control lists here");
  CHECK_OK(f.Apply(Giving{{}, true, true}));
  CHECK_EQ(f.os.calls, "remove chmod times ");
  CHECK(getxattr(f.path.c_str(), kAccessAcl, nullptr, 0) == -1);
  CHECK_EQ(f.given.lacking, 0);
}

TEST(UnderSkipAFileKeepsTheListOfItsDirectory) {
  GivenFile f;
  if (setxattr(f.path.c_str(), kAccessAcl, kList.data(), kList.size(), 0) != 0) Skip("no access control lists here");
  CHECK_OK(f.Apply(Giving{{.acls = OwnerPolicy::kSkip}, true, true}));
  CHECK(getxattr(f.path.c_str(), kAccessAcl, nullptr, 0) > 0);
  CHECK_EQ(f.Stat().st_mode & 07777, 0640u);
}

TEST(AListThatCannotBeRemovedIsAnErrorOrKeepsTheGroupOut) {
  GivenFile f;
  f.os.remove_error = -EPERM;
  CHECK_ERRNO(f.Apply(Giving{{}, true, true}), EPERM);
  CHECK_OK(f.Apply(Giving{{.acls = OwnerPolicy::kWarn}, true, true}));
  CHECK_EQ(f.given.lacking, kLacksAcls | kLacksMode);
  CHECK_EQ(f.Stat().st_mode & 07777, 0600u);
}

TEST(AListThatIsRefusedIsAnErrorOrLeavesAModeThatGrantsNoMore) {
  GivenFile f;
  f.meta.xattrs = {{kAccessAcl, kList}};
  f.meta.mode = 0660;
  for (const int err : {EOPNOTSUPP, EPERM, EINVAL, ENOSPC, E2BIG}) {
    f.os.xattr_error = -err;
    CHECK_ERRNO(f.Apply(OwnerPolicy::kFail), err);
    CHECK_OK(f.Apply(Giving{{.acls = OwnerPolicy::kWarn}, false, true}));
    CHECK_EQ(f.given.lacking, kLacksAcls | kLacksMode);
    CHECK_EQ(f.Stat().st_mode & 07777, 0640u);
  }
  f.os.xattr_error = -EIO;
  CHECK_ERRNO(f.Apply(Giving{{.acls = OwnerPolicy::kWarn}, false, true}), EIO);
}

TEST(WhereTheGroupIsRefusedGroupAndOthersHaveWhatBothHad) {
  GivenFile f;
  f.meta.gid++;
  f.os.chown_error = -EPERM;
  for (const auto& [mode, wanted] : {std::pair(0640u, 0600u), {0644u, 0644u}, {0604u, 0600u}, {02775u, 0755u}}) {
    f.meta.mode = mode;
    CHECK_OK(f.Apply(OwnerPolicy::kWarn));
    CHECK_EQ(f.Stat().st_mode & 07777, wanted);
    CHECK_EQ(f.given.lacking, kLacksOwner | (mode == wanted ? 0 : kLacksMode));
  }
  f.meta.mode = 0640;  // who does not want the owner wants the mode for his own group
  CHECK_OK(f.Apply(OwnerPolicy::kSkip));
  CHECK_EQ(f.Stat().st_mode & 07777, 0640u);
}

TEST(AFileSystemThatSaysYesToAnOwnerAndChangesNothingHasRefused) {
  struct : PoorOs {
    int Chown(int, uid_t, gid_t) override { return 0; }
  } os;
  GivenFile f;
  f.meta.uid++;
  f.meta.mode = 04755;
  const auto apply = [&](OwnerPolicy policy) {
    return ApplyMetadata(os, f.fd.get(), f.path, f.meta, Giving{{.owner = policy}, false, true}, &f.given);
  };
  CHECK_ERRNO(apply(OwnerPolicy::kFail), EOPNOTSUPP);
  CHECK_OK(apply(OwnerPolicy::kWarn));
  CHECK(!f.given.owner());
  CHECK_EQ(f.Stat().st_mode & 07777, 0755u);
}

TEST(XattrsThatAreRefusedAreAnErrorOrTold) {
  GivenFile f;
  f.meta.xattrs = {{"user.a", "1"}};
  for (const OwnerPolicy policy : {OwnerPolicy::kWarn, OwnerPolicy::kSkip}) {
    f.os.no_xattrs = true;
    CHECK_OK(f.Apply(Giving{{.xattrs = policy}, false, true}));
    CHECK_EQ(f.given.lacking, kLacksXattrs);
  }
  f.os.xattr_error = -EIO;
  CHECK_ERRNO(f.Apply(Giving{{.xattrs = OwnerPolicy::kWarn}, false, true}), EIO);
}

TEST(ACapabilityIsGivenOrNotTogetherWithTheOwner) {
  GivenFile f;
  f.meta.xattrs = {{kCapability, kSomeCapability}};
  f.os.xattr_error = -EPERM;
  CHECK_ERRNO(f.Apply(OwnerPolicy::kFail), EPERM);
  CHECK_OK(f.Apply(OwnerPolicy::kWarn));
  CHECK_EQ(f.given.lacking, kLacksCapabilities);
  f.os.xattr_error = 0;
  f.os.chown_error = -EPERM;
  f.os.calls.clear();
  f.meta.uid++;
  CHECK_OK(f.Apply(OwnerPolicy::kWarn));
  CHECK_EQ(f.given.lacking, kLacksOwner | kLacksCapabilities);
  CHECK(f.os.calls.find("capability") == std::string::npos);
}

TEST(AFileThatSomebodyElseMayHaveChangedGetsNoPrivileges) {
  GivenFile f;
  f.meta.xattrs = {{kCapability, kSomeCapability}};
  f.meta.mode = 06755;
  CHECK_OK(f.Apply(Giving{{.owner = OwnerPolicy::kFail}, false, false}));
  CHECK_EQ(f.Stat().st_mode & 07777, 0755u);
  CHECK_EQ(f.os.calls, "chmod times ");
  CHECK(chmod(f.path.c_str(), 04755) == 0);
  CHECK_OK(f.Apply(Giving{{.owner = OwnerPolicy::kFail}, false, false}));
  CHECK_EQ(f.Stat().st_mode & 07777, 04755u);  // what it has, it keeps
}

TEST(ACapabilitySurvivesTheChangeOfTheOwner) {
  if (!IsRoot()) Skip("needs root");
  GivenFile f;
  if (setxattr(f.path.c_str(), kCapability, kSomeCapability.data(), kSomeCapability.size(), 0) != 0)
    Skip("no capabilities here");
  f.meta.xattrs = {{kCapability, kSomeCapability}};
  f.meta.uid = f.meta.gid = 12345;
  CHECK_OK(f.Apply(OwnerPolicy::kFail));
  std::vector<Xattr> xattrs;
  CHECK_OK(ReadXattrs(f.os, f.fd.get(), f.path, &xattrs));
  CHECK(xattrs == f.meta.xattrs);
}

TEST(WhatAFileSystemRoundsOrIgnoresIsReadBackAndTold) {
  GivenFile f;
  CHECK_OK(f.Apply(OwnerPolicy::kFail));
  struct stat st = f.Stat();
  st.st_mtim.tv_nsec = 0;
  st.st_mode = S_IFREG | 0755;
  const auto read_back = [&](const Policies& keep) {
    return ReadBack(st, f.path, f.meta, keep, FileKind::kRegular, &f.given);
  };
  CHECK_ERRNO(read_back({}), EOPNOTSUPP);
  f.given.mode = 0640;
  CHECK_ERRNO(read_back({.mode = OwnerPolicy::kWarn}), EOPNOTSUPP);
  f.given = {0, 0, 0640, 0};
  CHECK_OK(read_back({.mode = OwnerPolicy::kWarn, .times = OwnerPolicy::kWarn}));
  CHECK_EQ(f.given.lacking, kLacksMode | kLacksTimes);
  CHECK_EQ(f.given.mode, 0755u);
}

TEST(WhatGrantsAccessAndIsNotCopiedIsKnownByItsName) {
  for (const char* name : {"system.nfs4_acl", "system.nfs4acl_xdr", "system.richacl", "security.selinux"})
    CHECK(IsForeignXattr(name) && !IsCopiedXattr(name));
  for (const char* name : {kAccessAcl, kDefaultAcl, kCapability, "user.a"})
    CHECK(!IsForeignXattr(name) && IsCopiedXattr(name));
  for (const char* name : {"trusted.overlay.opaque", "security.ima", "lustre.lov"})
    CHECK(!IsForeignXattr(name) && !IsCopiedXattr(name));
}

}  // namespace axl::test
