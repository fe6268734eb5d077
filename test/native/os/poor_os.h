// A file that is given metadata, on a system that refuses what it is told to.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "forwarding_os.h"
#include "os/acl.h"
#include "os/metadata.h"
#include "test.h"

namespace axl::test {

inline bool IsRoot() { return geteuid() == 0; }

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
    const std::string_view what = name;
    calls += what == kAccessAcl ? "acl " : what == kCapability ? "capability " : "xattr ";
    if (xattr_error != 0) return xattr_error;
    return no_xattrs ? -ENOTSUP : to_.SetXattr(fd, name, value, n);
  }
  int RemoveXattr(int fd, const char* name) override {
    calls += "remove ";
    return remove_error != 0 ? remove_error : to_.RemoveXattr(fd, name);
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
  int chown_error = 0, xattr_error = 0, remove_error = 0;
  bool no_xattrs = false, growing = false;
  std::string calls;
};

struct GivenFile {
  GivenFile() {
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
  Status Apply(OwnerPolicy policy) { return Apply(Giving{{.owner = policy}, false, true}); }
  Status Apply(const Giving& how) { return ApplyMetadata(os, fd.get(), path, meta, how, &given); }
  bool IsAsGiven(FileKind kind = FileKind::kRegular, bool owner = true) {
    FileEntry file;
    file.kind = kind;
    file.meta = meta;
    FileProgress done;
    done.uid = given.uid, done.gid = given.gid, done.mode = given.mode, done.lacking = given.lacking;
    return axl::IsAsGiven(Stat(), file, done, owner);
  }

  TempDir dir;
  PoorOs os;
  const std::string path = dir / "f";
  Fd fd;
  Metadata meta;
  Given given;
};

}  // namespace axl::test
