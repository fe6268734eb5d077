// The rules are those of rename(2): may_delete() and the mount check of the kernel.
#include "publish/refusal.h"

#include "base/names.h"
#include "os/directories.h"
#include "os/metadata.h"

namespace axl {

namespace {

Status Refused(const char* why, const std::string& path) { return Status::Make(Code::kConflict, why, path); }

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
