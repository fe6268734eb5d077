#include "publish/owners.h"

#include "os/acl.h"
#include "os/metadata.h"

namespace axl {

bool IsOurs(Os& os, const struct stat& st, const Metadata& meta) {
  return st.st_uid == meta.uid || st.st_uid == os.EffectiveUser() || !os.IsRoot();
}

bool IsForeign(Os& os, const FileEntry& file, const FileProgress& done, const struct stat& st) {
  if (os.IsRoot() || (st.st_uid == done.uid && st.st_gid == done.gid)) return false;
  // The group of its source, which it lacked: a mender gave it that since, who was killed before the rename.
  const bool touched = done.temporary.ctime != TimeOf(st.st_ctim);
  return !(touched && st.st_uid == done.uid && st.st_gid == file.meta.gid);
}

void Numbers::Learn(const FileProgress& done, const struct stat& st, bool foreign) {
  differ_ |= foreign;
  Put(&users_, done.uid, st.st_uid);
  Put(&groups_, done.gid, st.st_gid);
}

void Numbers::Put(Map* map, uint32_t there, uint32_t here) {
  const auto [known, added] = map->emplace(there, here);
  if (!added && known->second != here) known->second = kUnknownId;
}

bool Numbers::Same(const Map& map, uint32_t there, uint32_t here) {
  const auto known = map.find(there);
  return known != map.end() && known->second == here && here != kUnknownId;
}

Metadata AsSeenHere(const Metadata& meta, const struct stat& st, const Numbers& numbers, uint8_t* lacks) {
  Metadata seen = meta;
  if (const std::string* acl = FindXattr(meta, kAccessAcl)) seen.mode = ModeWithoutAcl(meta.mode, *acl);
  const auto is_list = [](const Xattr& xattr) { return xattr.name == kAccessAcl || xattr.name == kDefaultAcl; };
  *lacks = std::erase_if(seen.xattrs, is_list) > 0 ? kLacksAcls : 0;
  const bool user = numbers.SameUser(meta.uid, st), group = numbers.SameGroup(meta.gid, st);
  if (!user || !group) *lacks |= kLacksOwner;
  if (!user || !group) seen.mode &= 01777;
  if (!group) seen.mode = ModeForAnotherGroup(seen.mode);
  seen.uid = st.st_uid;
  seen.gid = st.st_gid;
  return seen;
}

}  // namespace axl
