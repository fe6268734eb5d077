// Part of Publisher: files get the metadata that they should have and do not, before one is renamed.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/names.h"
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

bool Publisher::IsForeign(uint32_t id, const struct stat& st) const {
  return axl::IsForeign(os_, state_.files[id], state_.progress[id], st);
}

// What was changed since DONE is mended also if it looks right: the fsync of whoever mended it may have failed, and
// what is in the cache then passes the next one.
bool Publisher::NeedsMending(uint32_t id, const struct stat& st) {
  const Time done = state_.progress[id].temporary.ctime;
  const bool foreign = IsForeign(id, st);
  numbers_.Learn(state_.progress[id], st, foreign);
  if (state_.info.axl.is) return true;  // its DONE is a look of ours: nobody has made the file durable
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
  if (file.kind == FileKind::kSymlink) return MendLink(id, at);
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
  if (int r = fd.Close(); r < 0) return Status::Errno(-r, "close", path);
  return Status::Ok();
}

Status Publisher::MendInPlace() {
  to_mend_.clear();
  for (uint32_t id = 0; id < state_.files.size(); id++) {
    Place place;
    if (state_.progress[id].state != FileState::kDone) continue;
    if (Status s = Find(id, &place); !s.ok()) return s;
    if (Status s = CheckPublished(id, place); !s.ok()) return s;
  }
  for (uint32_t id : to_mend_)
    if (Status s = Mend(id); !s.ok()) return s;
  return Status::Ok();
}

Status Publisher::MendLink(uint32_t id, Sighting at) {
  if (int r = os_.Look(at.dir, at.name.c_str(), &at.seen); r < 0) return Status::Errno(-r, "statx", at.path);
  const bool foreign = IsForeign(id, at.seen.st);
  Policies policies = keep();
  if (foreign) policies.owner = OwnerPolicy::kSkip;
  const Metadata& meta = state_.files[id].meta;
  Given given;
  const bool reach = ReachesLinks(os_, at.dir);
  Status s = ApplyLinkMetadata(os_, at.dir, at.name, at.path, meta, policies, reach, &given);
  Seen now;
  if (int r = s.ok() ? os_.Look(at.dir, at.name.c_str(), &now) : 0; r < 0) s = Status::Errno(-r, "statx", at.path);
  if (s.ok()) s = ReadBack(now.st, at.path, meta, policies, FileKind::kSymlink, &given);
  disk_[id].lacking = foreign ? state_.progress[id].lacking : given.lacking;
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
  // What AXL left gets its owner here: whoever was killed after that has not given the mode. Its owner may set setuid
  // on it anyway, but not setgid.
  const bool owned = state_.info.axl.is && at.seen.st.st_uid == file.meta.uid && (file.meta.mode & S_ISGID) == 0;
  const bool ours = at.seen.st.st_uid == os_.EffectiveUser() || owned;
  Giving how{keep(), true, !foreign && ours, IsOurs(os_, at.seen.st, file.meta), &at.seen.st};
  uint8_t lacks = 0;
  Metadata meta = foreign ? AsSeenHere(file.meta, at.seen.st, numbers_, &lacks) : file.meta;
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

Lacking Publisher::lacking() const {
  Lacking all = directories_;
  const Policies& recorded = state_.info.keep;
  if (state_.info.axl.is && recorded.times == OwnerPolicy::kSkip) return all;  // AXL was to give nothing
  for (uint32_t id = 0; id < disk_.size(); id++)
    if (!state_.progress[id].kept) all.Add(disk_[id].lacking);
  return all;
}

}  // namespace axl
