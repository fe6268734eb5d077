// The rules are those of rename(2): may_delete() and the mount check of the kernel.
#include "publish/refusal.h"

#include "base/names.h"
#include "os/metadata.h"

namespace axl {

namespace {

constexpr uid_t kOverflowUser = 65534;  // whom a user namespace shows instead of an owner that it does not know

Status Refused(const char* why, const std::string& path) { return Status::Make(Code::kConflict, why, path); }

bool MayRemove(Os& os, const Seen& directory, const Seen& there) {
  if ((directory.st.st_mode & S_ISVTX) == 0) return true;
  const uid_t user = os.EffectiveUser();
  if (there.st.st_uid == user || directory.st.st_uid == user) return true;
  return os.IsRoot() || (user == 0 && there.st.st_uid != kOverflowUser);
}

bool IsMountPoint(const Seen& directory, const Seen& there) {
  return there.mount_root || (there.mount != 0 && directory.mount != 0 && there.mount != directory.mount);
}

}  // namespace

Status RefusalOf(Os& os, const Renaming& r) {
  if (r.directory.fixed)
    return Refused("the directory is immutable or append-only: remove that with chattr -i -a, then try again",
                   std::string(ParentOf(r.dest)));
  if (r.temporary.fixed)
    return Refused("its temporary file is immutable or append-only: remove that with chattr -i -a, then try again",
                   r.dest);
  if (r.there == nullptr) return Status::Ok();
  if (IsSpecial(r.there->st.st_mode)) return Refused(kNotReplaced, r.dest);
  if (r.there->fixed)
    return Refused("the destination is immutable or append-only: remove that with chattr -i -a, then try again",
                   r.dest);
  if (IsMountPoint(r.directory, *r.there))
    return Refused("the destination is a mount point: unmount it, then try again", r.dest);
  if (!MayRemove(os, r.directory, *r.there))
    return Refused(
        "the destination belongs to another user, and its directory has the sticky bit: have its owner remove it, then "
        "try again",
        r.dest);
  return Status::Ok();
}

}  // namespace axl
