// Reads and gives metadata by descriptor (symbolic links: by name). The order is invariant 4's and metadata.h's.
#include "os/metadata.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

namespace axl {
namespace {

constexpr uint32_t kModeBits = 07777;
constexpr uint32_t kSetIds = 06000;

bool IsUserXattr(const char* name) { return std::strncmp(name, "user.", 5) == 0; }

// Calls `get(buffer, size)` with a buffer that is large enough, also if the value grows in between. -ERANGE if it
// never stops growing.
template <class Get>
ssize_t ReadGrowing(std::string* out, Get get) {
  for (int attempt = 0; attempt < 8; attempt++) {
    ssize_t need = get(nullptr, 0);
    if (need <= 0) {
      out->clear();
      return need;
    }
    out->resize(static_cast<size_t>(need));
    const ssize_t got = get(out->data(), out->size());
    if (got == -ERANGE) continue;
    if (got >= 0) out->resize(static_cast<size_t>(got));
    return got;
  }
  return -ERANGE;
}

Status ReadValue(Os& os, int fd, const std::string& path, const char* name, std::vector<Xattr>* out) {
  Xattr xattr{name, {}};
  const ssize_t n = ReadGrowing(&xattr.value, [&](char* p, size_t size) { return os.GetXattr(fd, name, p, size); });
  if (n == -ENODATA) return Status::Ok();  // removed since the list was read
  if (n < 0) return Status::Errno(static_cast<int>(-n), "fgetxattr", path);
  out->push_back(std::move(xattr));
  return Status::Ok();
}

Status SetXattrs(Os& os, int fd, const std::string& path, const struct stat& st, const Metadata& meta) {
  for (const Xattr& xattr : meta.xattrs) {
    auto set = [&] { return os.SetXattr(fd, xattr.name.c_str(), xattr.value.data(), xattr.value.size()); };
    int result = set();
    // A file that was mended halfway may be read-only already; the kernel asks the mode, not the descriptor.
    if (result == -EACCES && os.Chmod(fd, S_ISDIR(st.st_mode) ? 0700 : 0600) == 0) result = set();
    if (result < 0) return Status::Errno(-result, "fsetxattr", path);
  }
  return Status::Ok();
}

// Not to us (EPERM; a server behind FUSE says EACCES); to nobody, since the id has no place in this user namespace
// (EINVAL) or on this id-mapped mount (EOVERFLOW), or the file system knows no owners.
bool IsRefusal(int result) {
  constexpr int kRefusals[] = {EPERM, EACCES, EINVAL, EOVERFLOW, ENOSYS, EOPNOTSUPP};
  return std::find(std::begin(kRefusals), std::end(kRefusals), -result) != std::end(kRefusals);
}

// chown(uid, gid) by whatever `chown` does, under `policy`. `st` is what the file has now.
template <class Chown>
Status GiveOwner(const struct stat& st, const std::string& path, const Metadata& meta, OwnerPolicy policy,
                 const char* call, Given* given, Chown chown) {
  const auto has = [&](uint32_t uid, uint32_t gid) {
    given->uid = uid;
    given->gid = gid;
    given->lacking = uid == meta.uid && gid == meta.gid ? 0 : kLacksOwner;
  };
  has(st.st_uid, st.st_gid);
  if (given->owner() || policy == OwnerPolicy::kSkip) return Status::Ok();
  const int result = chown(meta.uid, meta.gid);
  if (result == 0) has(meta.uid, meta.gid);
  if (result == 0) return Status::Ok();
  if (policy != OwnerPolicy::kWarn || !IsRefusal(result)) return Status::Errno(-result, call, path);
  // A user may still give a file to a group of his; that it is refused too is no news.
  if (st.st_gid != meta.gid && chown(static_cast<uid_t>(-1), meta.gid) == 0) has(st.st_uid, meta.gid);
  return Status::Ok();
}

// By descriptor: by the time of a chown somebody may have given the name to a file that is not his.
Status OpenLink(Os& os, int dir, const std::string& name, const std::string& path, Fd* link, struct stat* st) {
  *link = Fd(os, os.Open(dir, name.c_str(), O_PATH | O_NOFOLLOW, 0));
  if (!link->valid()) return Status::Errno(link->error(), "open", path);
  if (int r = os.Fstat(link->get(), st); r < 0) return Status::Errno(-r, "fstat", path);
  if (S_ISLNK(st->st_mode)) return Status::Ok();
  return Status::Make(Code::kVerify, "another file has replaced the temporary link", path);
}

struct timespec SpecOf(const Time& t) {
  struct timespec spec {};
  spec.tv_sec = static_cast<time_t>(t.sec);
  spec.tv_nsec = static_cast<long>(t.nsec);
  return spec;
}

}  // namespace

Time TimeOf(const struct timespec& t) { return {t.tv_sec, static_cast<uint32_t>(t.tv_nsec)}; }

Metadata MetadataOf(const struct stat& st) {
  Metadata meta;
  meta.mode = st.st_mode & kModeBits;
  meta.uid = st.st_uid;
  meta.gid = st.st_gid;
  meta.atime = TimeOf(st.st_atim);
  meta.mtime = TimeOf(st.st_mtim);
  return meta;
}

Status ReadXattrs(Os& os, int fd, const std::string& path, std::vector<Xattr>* out) {
  out->clear();
  std::string names;
  const ssize_t n = ReadGrowing(&names, [&](char* p, size_t size) { return os.ListXattr(fd, p, size); });
  if (n == -ENOTSUP || n == -ENOSYS) return Status::Ok();
  if (n < 0) return Status::Errno(static_cast<int>(-n), "flistxattr", path);
  for (size_t at = 0; at < names.size(); at += std::strlen(&names[at]) + 1) {
    if (!IsUserXattr(&names[at])) continue;
    if (Status s = ReadValue(os, fd, path, &names[at], out); !s.ok()) return s;
  }
  // The file system's order means nothing; two reads of one file shall give the same.
  std::sort(out->begin(), out->end(), [](const Xattr& a, const Xattr& b) { return a.name < b.name; });
  return Status::Ok();
}

uint32_t EffectiveMode(const Metadata& meta, bool owner_given) {
  return meta.mode & kModeBits & (owner_given ? kModeBits : ~kSetIds);
}

Status ApplyMetadata(Os& os, int fd, const std::string& path, const Metadata& meta, OwnerPolicy policy, Given* given) {
  *given = {};
  struct stat st;
  if (int r = os.Fstat(fd, &st); r < 0) return Status::Errno(-r, "fstat", path);
  const auto chown = [&](uid_t uid, gid_t gid) { return os.Chown(fd, uid, gid); };
  // First, while we own it and may write it: a read-only mode or another owner would refuse them.
  if (Status s = SetXattrs(os, fd, path, st, meta); !s.ok()) return s;
  if (Status s = GiveOwner(st, path, meta, policy, "fchown", given, chown); !s.ok()) return s;
  given->mode = EffectiveMode(meta, given->owner());
  if (given->mode != meta.mode) given->lacking |= kLacksMode;
  if (int r = os.Chmod(fd, given->mode); r < 0) return Status::Errno(-r, "fchmod", path);
  const struct timespec times[2] = {SpecOf(meta.atime), SpecOf(meta.mtime)};
  const int r = os.SetTimes(fd, times);
  return r < 0 ? Status::Errno(-r, "futimens", path) : Status::Ok();
}

Status ApplyLinkMetadata(Os& os, int dir, const std::string& name, const std::string& path, const Metadata& meta,
                         OwnerPolicy policy, bool reach, Given* given) {
  *given = {};
  Fd link;
  struct stat st;
  if (Status s = OpenLink(os, dir, name, path, &link, &st); !s.ok()) return s;
  const auto chown = [&](uid_t uid, gid_t gid) { return reach ? os.ChownLink(link.get(), "", uid, gid) : -EOPNOTSUPP; };
  if (Status s = GiveOwner(st, path, meta, policy, "fchownat", given, chown); !s.ok()) {
    if (!reach) s.detail = "the file system would give the link's owner to what the link points to";
    return s;
  }
  given->mode = st.st_mode & kModeBits;
  if (!reach && TimeOf(st.st_mtim) != meta.mtime) given->lacking |= kLacksTimes;
  if (!reach) return Status::Ok();
  // By name: kernels before 5.8 know no other way.
  const struct timespec times[2] = {SpecOf(meta.atime), SpecOf(meta.mtime)};
  const int r = os.SetTimesLink(dir, name.c_str(), times);
  return r < 0 ? Status::Errno(-r, "utimensat", path) : Status::Ok();
}

bool TryLink(Os& os, int dir, const std::string& name) {
  if (os.Symlink(name.c_str(), dir, name.c_str()) < 0) return false;
  Fd link;
  struct stat st;
  const struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
  const bool reaches = OpenLink(os, dir, name, name, &link, &st).ok() &&
                       os.ChownLink(link.get(), "", st.st_uid, st.st_gid) == 0 &&
                       os.SetTimesLink(dir, name.c_str(), now) == 0;
  return os.Unlink(dir, name.c_str()) == 0 && reaches;
}

bool MetadataMatches(const struct stat& st, const Metadata& meta, bool owner_given, FileKind kind) {
  if (owner_given && (st.st_uid != meta.uid || st.st_gid != meta.gid)) return false;
  if (TimeOf(st.st_mtim) != meta.mtime) return false;
  return kind == FileKind::kSymlink || (st.st_mode & kModeBits) == EffectiveMode(meta, owner_given);
}

}  // namespace axl
