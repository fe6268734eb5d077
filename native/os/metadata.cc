// Reads and gives metadata by descriptor (symbolic links: by name). The order is invariant 4's and metadata.h's.
#include "os/metadata.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <string_view>

#include "os/acl.h"
#include "os/process.h"

namespace axl {
namespace {

constexpr uint32_t kModeBits = 07777;
constexpr uint32_t kSetIds = 06000;

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

// What it is not for us to give: to us (EPERM; a server behind FUSE says EACCES); to anybody, since an id has no place
// in this user namespace (EINVAL) or on this id-mapped mount (EOVERFLOW), or the file system has no such thing.
bool IsRefusal(int result) {
  constexpr int kRefusals[] = {EPERM, EACCES, EINVAL, EOVERFLOW, ENOSYS, EOPNOTSUPP};
  return std::find(std::begin(kRefusals), std::end(kRefusals), -result) != std::end(kRefusals);
}

// Nor is there room for it: ext4 says ENOSPC of what is too large for its one block of xattrs.
bool IsXattrRefusal(int result) {
  return IsRefusal(result) || result == -E2BIG || result == -ERANGE || result == -ENOSPC;
}

// Of what was refused, with the remedy.
Status Lost(Status s, bool refused) {
  if (refused) s.detail = "to publish without what the file system refuses, use the option metadata (--metadata)";
  return s;
}

struct timespec SpecOf(const Time& t) {
  struct timespec spec {};
  spec.tv_sec = static_cast<time_t>(t.sec);
  spec.tv_nsec = static_cast<long>(t.nsec);
  return spec;
}

// chown(uid, gid) by whatever `chown` does, under `policy`. `st` is what the file has now, and what `look` sees then:
// there are file systems that say yes, and change nothing.
template <class Chown, class Look>
Status GiveOwner(struct stat st, const std::string& path, const Metadata& meta, OwnerPolicy policy, const char* call,
                 Given* given, Chown chown, Look look) {
  const auto has = [&] {
    given->uid = st.st_uid;
    given->gid = st.st_gid;
    const uint8_t lacks = st.st_uid == meta.uid && st.st_gid == meta.gid ? 0 : kLacksOwner;
    given->lacking = static_cast<uint8_t>((given->lacking & ~kLacksOwner) | lacks);
    return given->owner();
  };
  if (has() || policy == OwnerPolicy::kSkip) return Status::Ok();
  int result = chown(meta.uid, meta.gid);
  // A user may still give a file to a group of his; that it is refused too is no news.
  if (policy == OwnerPolicy::kWarn && IsRefusal(result) && st.st_gid != meta.gid)
    (void)chown(static_cast<uid_t>(-1), meta.gid);
  if (result < 0 && (policy != OwnerPolicy::kWarn || !IsRefusal(result)))
    return Lost(Status::Errno(-result, call, path), IsRefusal(result));
  if (int r = look(&st); r < 0) return Status::Errno(-r, "fstat", path);
  if (has() || policy == OwnerPolicy::kWarn) return Status::Ok();
  return Lost(Status::Errno(EOPNOTSUPP, call, path), true);
}

// Gives a file its metadata, one part after the other; `out` says what it has then, and what it lacks.
class Giver {
 public:
  Giver(Os& os, int fd, const std::string& path, const Metadata& meta, const Giving& how, Given* out)
      : os_(os), fd_(fd), path_(path), meta_(meta), how_(how), out_(*out) {}

  Status Give() {
    if (how_.now != nullptr)
      st_ = *how_.now;
    else if (int r = os_.Fstat(fd_, &st_); r < 0)
      return Status::Errno(-r, "fstat", path_);
    // First, while we own it and may write it: a read-only mode or another owner would refuse them.
    if (Status s = Xattrs(); !s.ok()) return s;
    // Before the mode, whose bits of the group would open what the directory's list grants.
    if (Status s = Disinherit(); !s.ok()) return s;
    if (Status s = Owner(); !s.ok()) return s;
    if (Status s = Acls(); !s.ok()) return s;
    if (Status s = Mode(); !s.ok()) return s;
    // After the owner, whose change takes it away.
    if (Status s = Capability(); !s.ok()) return s;
    return Times();
  }

 private:
  // An error, or what is lacking, as the policy has it.
  Status Refused(OwnerPolicy policy, bool refusal, int result, const char* call, uint8_t lacks) {
    if (policy == OwnerPolicy::kFail || !refusal) return Lost(Status::Errno(-result, call, path_), refusal);
    out_.lacking |= lacks;
    return Status::Ok();
  }

  bool Has(const char* name, const std::string& value) {
    std::string there;
    const auto get = [&](char* p, size_t size) { return os_.GetXattr(fd_, name, p, size); };
    return ReadGrowing(&there, get) >= 0 && there == value;
  }

  // A file that was mended halfway has it already, or may be read-only: the kernel asks the mode, not the descriptor.
  int Set(const char* name, const std::string& value) {
    const int result = os_.SetXattr(fd_, name, value.data(), value.size());
    if (result >= 0 || Has(name, value)) return 0;
    const mode_t mode = st_.st_mode & kModeBits;
    if (result != -EACCES || os_.Chmod(fd_, mode | S_IRUSR | S_IWUSR) < 0) return result;
    const int again = os_.SetXattr(fd_, name, value.data(), value.size());
    const int restored = os_.Chmod(fd_, mode);
    return again < 0 ? again : restored;
  }

  Status Xattrs() {
    for (const Xattr& xattr : meta_.xattrs) {
      if (!xattr.name.starts_with("user.")) continue;
      const int r = how_.keep.xattrs == OwnerPolicy::kSkip ? -EOPNOTSUPP : Set(xattr.name.c_str(), xattr.value);
      if (r >= 0) continue;
      if (Status s = Refused(how_.keep.xattrs, IsXattrRefusal(r), r, "fsetxattr", kLacksXattrs); !s.ok()) return s;
    }
    return Status::Ok();
  }

  // What the source has replaces it later, at once: what is at its final name is never seen without.
  Status Disinherit() {
    if (!how_.inherits || how_.keep.acls == OwnerPolicy::kSkip) return Status::Ok();
    Status s = FindXattr(meta_, kAccessAcl) == nullptr ? Remove(kAccessAcl) : Status::Ok();
    const bool defaults = S_ISDIR(st_.st_mode) && FindXattr(meta_, kDefaultAcl) == nullptr;
    return s.ok() && defaults ? Remove(kDefaultAcl) : s;
  }

  Status Remove(const char* name) {
    const int r = os_.RemoveXattr(fd_, name);
    if (r >= 0 || r == -ENODATA || r == -EOPNOTSUPP || r == -ENOSYS) return Status::Ok();
    foreign_acl_ = true;
    return Refused(how_.keep.acls, IsRefusal(r), r, "fremovexattr", kLacksAcls);
  }

  Status Owner() {
    const auto chown = [&](uid_t uid, gid_t gid) { return os_.Chown(fd_, uid, gid); };
    const auto look = [&](struct stat* st) { return os_.Fstat(fd_, st); };
    const OwnerPolicy policy = how_.gives ? how_.keep.owner : OwnerPolicy::kSkip;
    return GiveOwner(st_, path_, meta_, policy, "fchown", &out_, chown, look);
  }

  bool other_group() const { return out_.gid != meta_.gid && how_.keep.owner != OwnerPolicy::kSkip; }

  Status Acls() {
    for (const char* name : {kAccessAcl, kDefaultAcl}) {
      const std::string* acl = FindXattr(meta_, name);
      if (acl == nullptr) continue;
      const std::string value = other_group() ? AclForAnotherGroup(*acl) : *acl;
      const int r = how_.keep.acls == OwnerPolicy::kSkip ? -EOPNOTSUPP : Set(name, value);
      if (r >= 0) continue;
      if (Status s = Refused(how_.keep.acls, IsXattrRefusal(r), r, "fsetxattr", kLacksAcls); !s.ok()) return s;
      if (name == kAccessAcl) lost_acl_ = true;
      if (how_.inherits && how_.keep.acls != OwnerPolicy::kSkip)
        if (Status s = Remove(name); !s.ok()) return s;
    }
    return Status::Ok();
  }

  // Nobody may do with the file what he may not do with its source.
  uint32_t WantedMode() const {
    uint32_t mode = meta_.mode & kModeBits & (out_.owner() && how_.privileges ? kModeBits : ~kSetIds);
    if (!how_.privileges) mode |= st_.st_mode & meta_.mode & kSetIds;
    const std::string* acl = FindXattr(meta_, kAccessAcl);
    if (acl != nullptr && lost_acl_) mode = ModeWithoutAcl(mode, *acl);
    if (other_group() && acl != nullptr && !lost_acl_) return (mode & ~07u) | OthersOf(AclForAnotherGroup(*acl));
    if (other_group()) mode = ModeForAnotherGroup(mode);
    return foreign_acl_ ? mode & ~070u : mode;
  }

  Status Mode() {
    out_.mode = WantedMode();
    if (out_.mode != meta_.mode) out_.lacking |= kLacksMode;
    const int r = how_.keep.mode == OwnerPolicy::kSkip ? -EOPNOTSUPP : os_.Chmod(fd_, out_.mode);
    if (r >= 0) return Status::Ok();
    out_.mode = st_.st_mode & kModeBits;
    return Refused(how_.keep.mode, IsRefusal(r), r, "fchmod", kLacksMode);
  }

  // A matter of the owner, like setuid: whoever runs the file has what its owner was given.
  Status Capability() {
    const std::string* capability = FindXattr(meta_, kCapability);
    if (capability == nullptr) return Status::Ok();
    out_.lacking |= kLacksCapabilities;
    if (!out_.owner() || !how_.privileges) return Status::Ok();
    const int r = os_.SetXattr(fd_, kCapability, capability->data(), capability->size());
    if (r < 0) return Refused(how_.keep.owner, IsXattrRefusal(r), r, "fsetxattr", kLacksCapabilities);
    out_.lacking = static_cast<uint8_t>(out_.lacking & ~kLacksCapabilities);
    return Status::Ok();
  }

  Status Times() {
    const struct timespec times[2] = {SpecOf(meta_.atime), SpecOf(meta_.mtime)};
    const int r = how_.keep.times == OwnerPolicy::kSkip ? -EOPNOTSUPP : os_.SetTimes(fd_, times);
    return r < 0 ? Refused(how_.keep.times, IsRefusal(r), r, "futimens", kLacksTimes) : Status::Ok();
  }

  Os& os_;
  const int fd_;
  const std::string& path_;
  const Metadata& meta_;
  const Giving& how_;
  Given& out_;
  struct stat st_ {};
  bool foreign_acl_ = false;  // that of the directory stays
  bool lost_acl_ = false;     // the source's could not be given
};

// By descriptor: by the time of a chown somebody may have given the name to a file that is not his.
Status OpenLink(Os& os, int dir, const std::string& name, const std::string& path, Fd* link, struct stat* st) {
  *link = Fd(os, os.Open(dir, name.c_str(), O_PATH | O_NOFOLLOW, 0));
  if (!link->valid()) return Status::Errno(link->error(), "open", path);
  if (int r = os.Fstat(link->get(), st); r < 0) return Status::Errno(-r, "fstat", path);
  if (S_ISLNK(st->st_mode)) return Status::Ok();
  return Status::Make(Code::kVerify, "another file has replaced the temporary link", path);
}

}  // namespace

Time TimeOf(const struct timespec& t) { return {t.tv_sec, static_cast<uint32_t>(t.tv_nsec)}; }

Metadata MetadataOf(const struct stat& st, const Strangers& strangers) {
  Metadata meta;
  meta.mode = st.st_mode & kModeBits;
  meta.uid = st.st_uid == strangers.user ? kUnknownId : st.st_uid;
  meta.gid = st.st_gid == strangers.group ? kUnknownId : st.st_gid;
  meta.atime = TimeOf(st.st_atim);
  meta.mtime = TimeOf(st.st_mtim);
  return meta;
}

Metadata MetadataOfNew(Os& os, FileKind kind) {
  Metadata meta;
  meta.mode = kind == FileKind::kSymlink ? 0777 : 0666 & ~OwnUmask();
  meta.uid = os.EffectiveUser();
  meta.gid = OwnGroup();
  struct timespec now {};
  (void)clock_gettime(CLOCK_REALTIME, &now);
  meta.atime = meta.mtime = {now.tv_sec - now.tv_sec % 2, 0};
  return meta;
}

bool IsForeignXattr(std::string_view name) {
  return name == "security.selinux" || (name.starts_with("system.") && !IsCopiedXattr(name));
}

Status ReadXattrs(Os& os, int fd, const std::string& path, std::vector<Xattr>* out, std::set<std::string>* foreign) {
  out->clear();
  std::string names;
  const ssize_t n = ReadGrowing(&names, [&](char* p, size_t size) { return os.ListXattr(fd, p, size); });
  if (n == -ENOTSUP || n == -ENOSYS) return Status::Ok();
  if (n < 0) return Status::Errno(static_cast<int>(-n), "flistxattr", path);
  for (size_t at = 0; at < names.size(); at += std::strlen(&names[at]) + 1) {
    if (foreign != nullptr && IsForeignXattr(&names[at])) foreign->insert(&names[at]);
    if (!IsCopiedXattr(&names[at])) continue;
    if (Status s = ReadValue(os, fd, path, &names[at], out); !s.ok()) return s;
  }
  // The file system's order means nothing; two reads of one file shall give the same.
  std::sort(out->begin(), out->end(), [](const Xattr& a, const Xattr& b) { return a.name < b.name; });
  return Status::Ok();
}

Status ApplyMetadata(Os& os, int fd, const std::string& path, const Metadata& meta, const Giving& how, Given* given) {
  *given = {};
  return Giver(os, fd, path, meta, how, given).Give();
}

Status ReadBack(const struct stat& st, const std::string& path, const Metadata& meta, const Policies& keep,
                FileKind kind, Given* given) {
  const auto lost = [&](OwnerPolicy policy, const char* call, uint8_t lacks) {
    given->lacking |= lacks;
    return policy == OwnerPolicy::kFail ? Lost(Status::Errno(EOPNOTSUPP, call, path), true) : Status::Ok();
  };
  const uint32_t mode = st.st_mode & kModeBits;
  if (kind != FileKind::kSymlink && mode != given->mode)
    if (Status s = lost(keep.mode, "fchmod", kLacksMode); !s.ok()) return s;
  given->mode = mode;
  if (TimeOf(st.st_mtim) == meta.mtime || (given->lacking & kLacksTimes) != 0) return Status::Ok();
  return lost(keep.times, "futimens", kLacksTimes);
}

Status ApplyLinkMetadata(Os& os, int dir, const std::string& name, const std::string& path, const Metadata& meta,
                         const Policies& keep, bool reach, Given* given) {
  *given = {};
  Fd link;
  struct stat st;
  if (Status s = OpenLink(os, dir, name, path, &link, &st); !s.ok()) return s;
  const auto chown = [&](uid_t uid, gid_t gid) { return reach ? os.ChownLink(link.get(), "", uid, gid) : -EOPNOTSUPP; };
  const auto look = [&](struct stat* now) { return os.Fstat(link.get(), now); };
  if (Status s = GiveOwner(st, path, meta, keep.owner, "fchownat", given, chown, look); !s.ok()) {
    if (!reach)
      s.detail =
          "the file system would give the link's owner to what the link points to: to publish without it, use the "
          "option metadata (--metadata)";
    return s;
  }
  given->mode = st.st_mode & kModeBits;
  // What a link has is no part of what people see of it: where its times do not reach it, nobody is stopped by that.
  if (!reach && TimeOf(st.st_mtim) != meta.mtime) given->lacking |= kLacksTimes;
  if (!reach || keep.times == OwnerPolicy::kSkip) return Status::Ok();
  // By name: kernels before 5.8 know no other way.
  const struct timespec times[2] = {SpecOf(meta.atime), SpecOf(meta.mtime)};
  const int r = os.SetTimesLink(dir, name.c_str(), times);
  if (r >= 0) return Status::Ok();
  given->lacking |= kLacksTimes;
  return keep.times == OwnerPolicy::kFail || !IsRefusal(r) ? Status::Errno(-r, "utimensat", path) : Status::Ok();
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

bool IsAsGiven(const struct stat& st, const FileEntry& file, const FileProgress& done, bool owner) {
  if (owner && (st.st_uid != done.uid || st.st_gid != done.gid)) return false;
  if ((done.lacking & kLacksTimes) == 0 && TimeOf(st.st_mtim) != file.meta.mtime) return false;
  return file.kind == FileKind::kSymlink || (st.st_mode & kModeBits) == done.mode;
}

}  // namespace axl
