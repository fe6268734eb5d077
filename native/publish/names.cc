// Part of Publisher: what has several names. Which of them are the transfer's, which are somebody else's, and what a
// rename over one of them changes of the others. Changes nothing.
#include <algorithm>
#include <cerrno>
#include <set>

#include "base/names.h"
#include "publish/publisher.h"

namespace axl {

// The file whose inode it was to share, itself if it was to share none, and the inode that it has got: of a link that
// was refused that is another one.
Publisher::Inode Publisher::InodeOf(uint32_t id, const Seen& seen) const {
  const FileEntry& file = state_.files[id];
  return {file.kind == FileKind::kHardLink ? file.linked : id, seen.st.st_ino};
}

// One was met, under so many names of ours.
void Publisher::Meet(uint32_t id, const Seen& seen, uint64_t names, bool published) {
  if (seen.st.st_nlink <= 1) return;
  Names& met = names_[InodeOf(id, seen)];
  met.id = id;
  met.ours += names;
  met.all = std::max<uint64_t>(met.all, seen.st.st_nlink);
  met.published |= published;
}

// Once one of its names is final, what other names it gets is its owner's business: nobody could tell which of them is
// a second name of that one, and which was one of a temporary file. Before that nobody has a reason to give it one.
Status Publisher::CheckNames() const {
  for (const auto& [inode, names] : names_)
    if (!names.published && names.all > names.ours)
      return Status::Make(Code::kVerify,
                          "the temporary file has another name, which is not of this transfer: remove that name "
                          "(find -samefile), then try again",
                          TemporaryPathOf(state_, names.id));
  return Status::Ok();
}

// Its temporary file is perhaps not deleted yet.
Status Publisher::CheckKept(uint32_t id) {
  Place place;
  const Status found = Find(id, &place);
  if (found.err == ENOENT || found.err == ENOTDIR) return Status::Ok();
  if (!found.ok()) return found;
  Seen seen;
  const int r = os_.Look(place.dir, place.temporary.c_str(), &seen);
  if (r == 0) Meet(id, seen, 1, false);
  return r < 0 && r != -ENOENT ? Status::Errno(-r, "statx", Join(dir_.path(), place.temporary)) : Status::Ok();
}

// Both names are there, of one file, and the final one is ours: of a rename that is link and unlink, killed in between,
// or of one that a file system without a journal did by halves when the power went.
Status Publisher::IsHalfRenamed(uint32_t id, const Place& place, const Seen& temporary, bool* half) {
  Sighting at{place.dir, place.name, state_.files[id].dest, {}, false};
  if (!state_.settled || temporary.st.st_nlink <= 1) return Status::Ok();
  if (os_.Look(at.dir, at.name.c_str(), &at.seen) != 0) return Status::Ok();
  const bool one = WorthOf(os_, at.dir).files ? at.seen.st.st_ino == temporary.st.st_ino
                                              : at.seen.st.st_nlink == temporary.st.st_nlink;
  const Recognized is = one ? Recognize(id, at) : Recognized{};
  *half = is.answer == Answer::kYes;
  return is.answer == Answer::kCannotTell ? is.why : Status::Ok();
}

bool Publisher::IsRenamed(uint32_t id) const { return disk_[id].published || half_renamed_.contains(id); }

// What stands there differs from what stood there at the dispatch by its ctime alone. That we have changed if we have
// replaced another name of the same file.
Status Publisher::CheckTouched() const {
  std::set<std::pair<uint64_t, Time>> replaced;
  for (uint32_t id = 0; !touched_.empty() && id < state_.files.size(); id++)
    if (state_.files[id].stood == Stood::kSomething && IsRenamed(id))
      replaced.emplace(state_.files[id].there->inode, state_.files[id].there->ctime);
  for (uint32_t id : touched_)
    if (const Identity& there = *state_.files[id].there; !replaced.contains({there.inode, there.ctime}))
      return Newer(state_.files[id].dest);
  return Status::Ok();
}

}  // namespace axl
