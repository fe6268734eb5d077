// Part of Publisher: files and directories get the metadata that they should have and do not, before a file is renamed,
// and after a directory is full.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/names.h"
#include "os/acl.h"
#include "os/metadata.h"
#include "os/mounts.h"
#include "publish/publisher.h"

namespace axl {

Policies AskedPolicies::Over(const Policies& recorded) const {
  return {owner.value_or(recorded.owner), mode.value_or(recorded.mode), times.value_or(recorded.times),
          xattrs.value_or(recorded.xattrs), acls.value_or(recorded.acls)};
}

// With a policy of the caller's own, what could not be given before is tried again: it may be root now.
uint8_t Publisher::Retried() const {
  const auto bits = [](const std::optional<OwnerPolicy>& asked, int lacks) {
    return asked && *asked != OwnerPolicy::kSkip ? lacks : 0;
  };
  const AskedPolicies& asked = options_.keep;
  return static_cast<uint8_t>(bits(asked.owner, kLacksOwner | kLacksMode | kLacksCapabilities) |
                              bits(asked.mode, kLacksMode) | bits(asked.times, kLacksTimes) |
                              bits(asked.xattrs, kLacksXattrs) | bits(asked.acls, kLacksAcls));
}

// Nobody but root can have given it to another user since it had its owner. So the numbers are those of another user
// namespace, and say nothing here: it keeps the owner that it has. REQUIRES: it is the file of DONE.
bool Publisher::IsForeign(uint32_t id, const struct stat& st) {
  const FileProgress& done = state_.progress[id];
  if (os_.IsRoot() || !done.owner_given() || st.st_uid == done.uid) return false;
  foreign_ = {done.uid, done.gid, st.st_uid, st.st_gid};
  return true;
}

// Metadata with the numbers of this user namespace, as far as they are known: those in access control lists are not.
// *lacks: what is left out.
Metadata Publisher::AsSeenHere(const Metadata& meta, const struct stat& st, uint8_t* lacks) const {
  Metadata seen = meta;
  if (const std::string* acl = FindXattr(meta, kAccessAcl)) seen.mode = ModeWithoutAcl(meta.mode, *acl);
  const auto is_list = [](const Xattr& xattr) { return xattr.name == kAccessAcl || xattr.name == kDefaultAcl; };
  *lacks = std::erase_if(seen.xattrs, is_list) > 0 ? kLacksAcls : 0;
  const bool user = meta.uid == foreign_->uid_there && st.st_uid == foreign_->uid_here;
  const bool group = meta.gid == foreign_->gid_there && st.st_gid == foreign_->gid_here;
  if (!user || !group) *lacks |= kLacksOwner;
  if (!user || !group) seen.mode &= 01777;
  if (!group) seen.mode = ModeForAnotherGroup(seen.mode);
  seen.uid = st.st_uid;
  seen.gid = st.st_gid;
  return seen;
}

// What was changed since DONE is mended also if it looks right: the fsync of whoever mended it may have failed, and
// what is in the cache then passes the next one.
bool Publisher::NeedsMending(uint32_t id, const struct stat& st) {
  const Time done = state_.progress[id].temporary.ctime;
  const bool foreign = IsForeign(id, st);
  if (done != Time{} && done != TimeOf(st.st_ctim)) return true;
  if ((disk_[id].lacking & Retried()) != 0) return true;
  return !IsAsGiven(st, state_.files[id], state_.progress[id], !foreign);
}

Status Publisher::Mend(uint32_t id) {
  const FileEntry& file = state_.files[id];
  Place place;
  if (Status s = Find(id, &place); !s.ok()) return s;
  const std::string name = disk_[id].published ? place.name : place.temporary;
  const std::string path = Join(dir_.path(), name);
  Sighting at{place.dir, name, path, {}, !disk_[id].published};
  if (file.kind == FileKind::kSymlink) return MendLink(id, place, at);
  Fd fd(os_, os_.Open(place.dir, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  // A mode may shut us out: it is the right one then, or somebody else's.
  const bool shut = fd.error() == EACCES && os_.Look(place.dir, name.c_str(), &at.seen) == 0;
  if (shut && IsAsGiven(at.seen.st, file, state_.progress[id], !IsForeign(id, at.seen.st))) return Status::Ok();
  if (!fd.valid()) return Status::Errno(fd.error(), "open", path);
  if (int r = os_.Look(fd.get(), "", &at.seen); r < 0) return Status::Errno(-r, "statx", path);
  if (Recognize(id, at).answer != Answer::kYes)
    return Status::Make(Code::kVerify, "another file has replaced the one to be mended", path);
  if (Status s = GiveAgain(id, fd.get(), at); !s.ok()) return s;
  if (!journal_.durable()) return Status::Ok();
  if (int r = os_.Fsync(fd.get()); r < 0) return Status::Errno(-r, "fsync", path);
  return Status::Ok();
}

Status Publisher::MendLink(uint32_t id, const Place& place, const Sighting& at) {
  Policies policies = keep();
  if (foreign_) policies.owner = OwnerPolicy::kSkip;
  const Metadata& meta = state_.files[id].meta;
  Given given;
  const bool reach = ReachesLinks(os_, place.dir);
  Status s = ApplyLinkMetadata(os_, place.dir, at.name, at.path, meta, policies, reach, &given);
  Seen now;
  if (int r = s.ok() ? os_.Look(place.dir, at.name.c_str(), &now) : 0; r < 0) s = Status::Errno(-r, "statx", at.path);
  if (s.ok()) s = ReadBack(now.st, at.path, meta, policies, FileKind::kSymlink, &given);
  disk_[id].lacking = foreign_ ? state_.progress[id].lacking : given.lacking;
  return s;
}

// Its owner may have changed a file that is not ours any more: it has the privileges that it was given, or has lost
// them by that, and gets none.
Status Publisher::GiveAgain(uint32_t id, int fd, const Sighting& at) {
  const FileEntry& file = state_.files[id];
  const FileProgress& done = state_.progress[id];
  const bool foreign = IsForeign(id, at.seen.st);
  // Given to somebody else from within a user namespace: it is as it was, and nobody here can give it anything.
  if (foreign && at.seen.st.st_uid != os_.EffectiveUser() && IsAsGiven(at.seen.st, file, done, false))
    return Status::Ok();
  const bool ours = at.seen.st.st_uid == os_.EffectiveUser();
  Giving how{keep(), true, !foreign && ours, IsOurs(at.seen.st, file.meta)};
  uint8_t lacks = 0;
  Metadata meta = foreign ? AsSeenHere(file.meta, at.seen.st, &lacks) : file.meta;
  if (foreign) meta.mode = done.mode;
  if (foreign) how.keep.acls = OwnerPolicy::kSkip;
  Given given;
  Status s = ApplyMetadata(os_, fd, at.path, meta, how, &given);
  Seen now;
  if (int r = s.ok() ? os_.Look(fd, "", &now) : 0; r < 0) s = Status::Errno(-r, "statx", at.path);
  if (s.ok()) s = ReadBack(now.st, at.path, meta, how.keep, file.kind, &given);
  if (!how.privileges)
    given.lacking = static_cast<uint8_t>((given.lacking & ~kLacksCapabilities) | (done.lacking & kLacksCapabilities));
  disk_[id].lacking = foreign ? done.lacking : given.lacking;
  return s;
}

// Children before parents: what is renamed into a directory changes its mtime, and a mode may shut us out.
Status Publisher::FinishDirectories() {
  for (size_t i = state_.dirs.size(); i-- > 0;) {
    if (!state_.dirs[i].described || state_.renounced[i]) continue;
    if (Status s = FinishDirectory(state_.dirs[i]); !s.ok()) return s;
  }
  return Status::Ok();
}

Status Publisher::FinishDirectory(const DirEntry& dir) {
  Fd fd(os_, os_.OpenNoLinks(AT_FDCWD, dir.path.c_str(), O_RDONLY | O_DIRECTORY));
  if (!fd.valid()) return Status::Errno(fd.error(), "open", dir.path);
  struct stat st;
  if (int r = os_.Fstat(fd.get(), &st); r < 0) return Status::Errno(-r, "fstat", dir.path);
  if (!IsOurs(st, dir.meta)) return Status::Ok();  // somebody else's stands in its place, and keeps its metadata
  const Giving how{keep(), true, st.st_uid == os_.EffectiveUser()};
  uint8_t lacks = 0;
  const Metadata meta = foreign_ ? AsSeenHere(dir.meta, st, &lacks) : dir.meta;
  Given given;
  if (Status s = ApplyMetadata(os_, fd.get(), dir.path, meta, how, &given); !s.ok()) return s;
  if (int r = os_.Fstat(fd.get(), &st); r < 0) return Status::Errno(-r, "fstat", dir.path);
  if (Status s = ReadBack(st, dir.path, meta, how.keep, FileKind::kRegular, &given); !s.ok()) return s;
  directories_.Add(given.lacking | lacks);
  if (!journal_.durable()) return Status::Ok();
  if (int r = os_.Fsync(fd.get()); r < 0) return Status::Errno(-r, "fsync", dir.path);
  return Status::Ok();
}

Lacking Publisher::lacking() const {
  Lacking all = directories_;
  for (uint32_t id = 0; id < disk_.size(); id++)
    if (!state_.progress[id].kept) all.Add(disk_[id].lacking);
  return all;
}

}  // namespace axl
