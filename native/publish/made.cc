#include "publish/made.h"

#include <fcntl.h>

#include <cerrno>

#include "os/acl.h"

namespace axl {

namespace {

constexpr uint32_t kOthers = 077, kOwners = 0700, kModeBits = 07777;

// It was made closed, and the file system keeps modes.
bool IsClosed(const struct stat& st) { return (st.st_mode & kOthers) == 0; }

// What it will get, but that nobody else has anything of it yet.
void Close(Metadata* meta) {
  meta->mode = (meta->mode & ~kOthers) | kOwners;
  for (Xattr& xattr : meta->xattrs)
    if (xattr.name == kAccessAcl) xattr.value = ClosedAcl(xattr.value);
}

// As ApplyMetadata leaves it where the owner cannot be given.
void WithoutOwner(Metadata* meta) {
  meta->mode &= 01777;
  std::erase_if(meta->xattrs, [](const Xattr& xattr) { return xattr.name == kCapability; });
}

}  // namespace

Status MadeDirectories::Rehearse() const {
  for (size_t i = 0; i < state_.dirs.size(); i++) {
    if (!state_.dirs[i].described || state_.renounced[i]) continue;
    if (Status s = Try(state_.dirs[i]); !s.ok()) return s;
  }
  return Status::Ok();
}

Status MadeDirectories::Finish(Lacking* lacking) const {
  for (size_t i = state_.dirs.size(); i-- > 0;) {
    if (!state_.dirs[i].described || state_.renounced[i]) continue;
    if (Status s = FinishOne(state_.dirs[i], lacking); !s.ok()) return s;
  }
  return Status::Ok();
}

Status MadeDirectories::Open(const DirEntry& dir, Fd* fd, struct stat* st) const {
  *fd = Fd(os_, os_.OpenNoLinks(AT_FDCWD, dir.path.c_str(), O_RDONLY | O_DIRECTORY));
  if (!fd->valid()) return Status::Errno(fd->error(), "open", dir.path);
  const int r = os_.Fstat(fd->get(), st);
  return r < 0 ? Status::Errno(-r, "fstat", dir.path) : Status::Ok();
}

Metadata MadeDirectories::WantedOf(const DirEntry& dir, const struct stat& st, uint8_t* lacks) const {
  *lacks = 0;
  return numbers_.differ() ? AsSeenHere(dir.meta, st, numbers_, lacks) : dir.meta;
}

// Whoever owns a directory that is closed may give it any mode, and any times; but FUSE may refuse them all the same,
// or a file system round them.
bool MadeDirectories::CannotBeRefused(const DirEntry& dir, const struct stat& st) const {
  const bool same_owner = st.st_uid == dir.meta.uid && st.st_gid == dir.meta.gid;
  return IsClosed(st) && same_owner && dir.meta.xattrs.empty() && dir.meta.mode <= 0777 &&
         keep_.mode != OwnerPolicy::kFail && keep_.times != OwnerPolicy::kFail;
}

Status MadeDirectories::Try(const DirEntry& dir) const {
  Fd fd;
  struct stat st;
  if (Status s = Open(dir, &fd, &st); !s.ok()) return s;
  // Of somebody else: it stands in the place of ours, or was given to its owner by whoever was killed then.
  if (st.st_uid != os_.EffectiveUser() || CannotBeRefused(dir, st)) return Status::Ok();
  uint8_t lacks;
  Metadata meta = WantedOf(dir, st, &lacks);
  bool has_owner = true;
  if (Status s = TryOwner(dir, fd.get(), st, &has_owner); !s.ok()) return s;
  if (!has_owner) WithoutOwner(&meta);
  meta.uid = st.st_uid;
  if (IsClosed(st)) Close(&meta);
  Given given;
  if (Status s = ApplyMetadata(os_, fd.get(), dir.path, meta, Giving{keep_}, &given); !s.ok()) return s;
  struct stat now;
  if (int r = os_.Fstat(fd.get(), &now); r < 0) return Status::Errno(-r, "fstat", dir.path);
  if (Status s = ReadBack(now, dir.path, meta, keep_, FileKind::kRegular, &given); !s.ok()) return s;
  if ((now.st_mode & kOwners) == kOwners) return Status::Ok();
  const int r = os_.Chmod(fd.get(), st.st_mode & kModeBits);  // files are still to be renamed in it
  return r < 0 ? Status::Errno(-r, "fchmod", dir.path) : Status::Ok();
}

// With a file that has no name: a directory that belonged to another user, be it for a moment, could not be given back
// by who was killed in it. Where there is no such file, with the directory.
Status MadeDirectories::TryOwner(const DirEntry& dir, int fd, const struct stat& st, bool* has) const {
  if (numbers_.differ() || st.st_uid == dir.meta.uid) return Status::Ok();
  constexpr OwnerPolicy kSkip = OwnerPolicy::kSkip;
  const Giving how{{keep_.owner, kSkip, kSkip, kSkip, kSkip}};
  Metadata owner = dir.meta;
  owner.xattrs.clear();
  const Fd nameless(os_, os_.Open(fd, ".", O_TMPFILE | O_RDWR, 0600));
  Given given;
  const Status tried = ApplyMetadata(os_, nameless.valid() ? nameless.get() : fd, dir.path, owner, how, &given);
  *has = given.owner();
  if (nameless.valid() || given.uid == st.st_uid) return tried;
  const int r = os_.Chown(fd, st.st_uid, static_cast<gid_t>(-1));
  return tried.ok() && r < 0 ? Status::Errno(-r, "fchown", dir.path) : tried;
}

Status MadeDirectories::FinishOne(const DirEntry& dir, Lacking* lacking) const {
  Fd fd;
  struct stat st;
  const Status opened = Open(dir, &fd, &st);
  if (opened.err == EACCES && os_.Stat(AT_FDCWD, dir.path.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && IsGivenAway(st))
    return CheckGivenAway(dir, st, lacking);
  if (!opened.ok()) return opened;
  if (!IsOurs(os_, st, dir.meta)) return Status::Ok();  // somebody else's stands in its place, and keeps its metadata
  if (IsGivenAway(st)) return CheckGivenAway(dir, st, lacking);
  uint8_t lacks;
  const Metadata meta = WantedOf(dir, st, &lacks);
  const Giving how{keep_, true, st.st_uid == os_.EffectiveUser()};
  Given given;
  if (Status s = ApplyMetadata(os_, fd.get(), dir.path, meta, how, &given); !s.ok()) return s;
  if (int r = os_.Fstat(fd.get(), &st); r < 0) return Status::Errno(-r, "fstat", dir.path);
  if (Status s = ReadBack(st, dir.path, meta, keep_, FileKind::kRegular, &given); !s.ok()) return s;
  lacking->Add(given.lacking | lacks);
  if (state_.info.durability != Durability::kFull) return Status::Ok();
  if (int r = os_.Fsync(fd.get()); r < 0) return Status::Errno(-r, "fsync", dir.path);
  return Status::Ok();
}

// By root of a user namespace, who could: it was finished there, or whoever did that was killed.
Status MadeDirectories::CheckGivenAway(const DirEntry& dir, const struct stat& st, Lacking* lacking) const {
  const bool same_owner = numbers_.SameUser(dir.meta.uid, st) && numbers_.SameGroup(dir.meta.gid, st);
  const bool same_mode = (st.st_mode & kModeBits) == dir.meta.mode;
  lacking->Add((same_owner ? 0 : kLacksOwner) | (same_mode ? 0 : kLacksMode));
  if (same_mode || keep_.mode != OwnerPolicy::kFail) return Status::Ok();
  Status s = Status::Errno(EPERM, "fchmod", dir.path);
  s.detail = "the directory belongs to another user: run axl-finalize in the user namespace of its writer";
  return s;
}

}  // namespace axl
