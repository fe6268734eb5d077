// The other half of Publisher: a transfer that is not to be published leaves nothing behind.
// Invariant 8: only temporary names of this journal, and directories that it says we made.
#include <fcntl.h>

#include <cerrno>
#include <set>
#include <vector>

#include "base/names.h"
#include "publish/publisher.h"

namespace axl {

namespace {

bool IsAbsent(const Status& s) { return s.err == ENOENT || s.err == ENOTDIR; }

// After rmdir has said `result`: somebody uses the directory, which has something in it, or something mounted on it.
bool IsUsed(Os& os, int result, int dir, const std::string& name) {
  if (result == -ENOTDIR || result == -ENOTEMPTY || result == -EEXIST || result == -EBUSY) return true;
  if (!IsForbidden(result)) return false;
  Fd fd(os, os.Open(dir, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  std::vector<OsDirEntry> entries;
  return fd.valid() && os.List(fd.get(), &entries) == 0 && !entries.empty();
}

}  // namespace

Status Publisher::CheckRollBack() {
  if (Status s = CheckAnchors(os_, state_); !s.ok()) return s;
  // Of AXL's, the looks at its files have told before what no journal does.
  const bool in_place = state_.info.axl.is && state_.info.axl.suffix.empty();
  const bool may_be = state_.info.axl.is ? !in_place && AnyPublished() : state_.settled;
  return may_be && state_.outcome != Outcome::kRolledBack ? CheckNonePublished() : Status::Ok();
}

Status Publisher::RollBack() {
  if (Status s = CheckRollBack(); !s.ok()) return s;
  if (state_.settled)
    if (Status s = GiveUp(); !s.ok()) return s;
  if (Status s = RemoveTemporaries(); !s.ok()) return s;
  return RemoveDirectories();
}

// SETTLED says that whoever finds the journal may publish. Before the first temporary file of such a transfer goes,
// the journal says that it is not to be published any more.
Status Publisher::GiveUp() {
  if (state_.outcome == Outcome::kRolledBack) return journal_.Sync();  // what we read may be in the page cache only
  return Finish(Outcome::kRolledBack);
}

Status Publisher::CheckNonePublished() {
  if (state_.direction == Direction::kForward || state_.phases > 0)
    return Status::Make(Code::kInvalidState, "publishing has begun: publish the rest, it cannot be rolled back",
                        journal_.path());
  for (uint32_t id = 0; id < state_.files.size(); id++) {
    bool is = disk_[id].published || state_.progress[id].kept;
    if (!is)
      if (Status s = IsPublished(id, &is); !s.ok()) return s;
    if (is)
      return Status::Make(Code::kInvalidState,
                          "a file of the transfer is published already: publish the rest, it cannot be rolled back",
                          state_.files[id].dest);
  }
  return Status::Ok();
}

// Not if its temporary file is there, with one name. Without it the bytes decide also where the inode is another, as in
// a tree that was restored.
Status Publisher::IsPublished(uint32_t id, bool* is) {
  Place place;
  const Status found = Find(id, &place);
  if (!found.ok()) return IsAbsent(found) ? Status::Ok() : found;
  Sighting at{place.dir, place.temporary, Join(dir_.path(), place.temporary), {}};
  int r = os_.Look(at.dir, at.name.c_str(), &at.seen);
  if (r < 0 && r != -ENOENT) return Status::Errno(-r, "statx", at.path);
  const bool has_temporary = r == 0;
  if (has_temporary && at.seen.st.st_nlink == 1) return Status::Ok();
  at = {place.dir, place.name, state_.files[id].dest, {}, false};
  r = os_.Look(at.dir, at.name.c_str(), &at.seen);
  if (r < 0 && r != -ENOENT) return Status::Errno(-r, "statx", at.path);
  const Recognized known = r == 0 ? IsDoneFile(os_, state_, id, at, !has_temporary, options_.stop) : Recognized{};
  *is = known.answer == Answer::kYes;
  return known.answer == Answer::kCannotTell ? known.why : Status::Ok();
}

Status Publisher::AnyTemporary(bool* any) {
  *any = false;
  if (Status s = CheckAnchors(os_, state_); !s.ok()) return s;
  for (uint32_t id = 0; id < state_.files.size() && !*any; id++) {
    Place place;
    const Status found = Find(id, &place);
    if (!found.ok() && IsAbsent(found)) continue;
    if (!found.ok()) return found;
    struct stat st;
    const int r = os_.Stat(place.dir, place.temporary.c_str(), &st, AT_SYMLINK_NOFOLLOW);
    if (r < 0 && r != -ENOENT) return Status::Errno(-r, "stat", Join(dir_.path(), place.temporary));
    *any = r == 0;
  }
  return Status::Ok();
}

// Of AXL's, also what a killed resume of ours has left.
std::vector<std::string> Publisher::NamesToRemove(uint32_t id, const Place& place) const {
  if (!state_.info.axl.is) return {place.temporary};
  std::vector<std::string> names = {TemporaryName(place.name, state_.uuid)};
  if (!state_.info.axl.suffix.empty())
    names.push_back(place.name + state_.info.axl.suffix);
  else if (options_.axl_in_place && state_.progress[id].partial)
    names.push_back(place.name);
  return names;
}

Status Publisher::RemoveTemporaries() {
  for (uint32_t id = 0; id < state_.files.size(); id++) {
    Place place;
    const Status found = Find(id, &place);
    // A directory that is not there holds nothing: the transfer did not come so far, or somebody removed it all.
    if (!found.ok() && IsAbsent(found)) continue;
    if (!found.ok()) return found;
    for (const std::string& name : NamesToRemove(id, place))
      if (int r = os_.Unlink(place.dir, name.c_str()); r < 0 && !WasNotThere(os_, r, place.dir, name))
        return Status::Errno(-r, "unlink", Join(dir_.path(), name));
  }
  return Status::Ok();
}

Status Publisher::RemoveDirectories() {
  for (size_t i = state_.dirs.size(); i-- > 0;) {
    if (state_.renounced[i]) continue;
    const std::string& path = state_.dirs[i].path;
    const Status parent = dir_.Open(path);
    if (!parent.ok() && !IsAbsent(parent)) return parent;
    const std::string name(BaseOf(path));
    const int dir = parent.ok() ? dir_.fd() : -1;
    const int r = parent.ok() ? os_.Rmdir(dir, name.c_str()) : -ENOENT;
    if (r < 0 && !IsUsed(os_, r, dir, name) && !WasNotThere(os_, r, dir, name)) return Status::Errno(-r, "rmdir", path);
  }
  return journal_.durable() ? SyncRemovals() : Status::Ok();
}

// Of each directory that something was removed from, or the nearest above it that still is there: we removed it, or
// another transfer that shares it did, perhaps just now, and has not made that durable yet.
Status Publisher::SyncRemovals() {
  std::set<std::string, std::less<>> wanted;
  for (const auto& f : state_.files) wanted.emplace(ParentOf(f.dest));
  for (const auto& d : state_.dirs) wanted.emplace(ParentOf(d.path));
  std::set<std::string, std::less<>> synced;
  while (!wanted.empty()) {
    DirectoryBarrier barrier(os_);
    for (const std::string& dir : wanted) barrier.Need(dir);
    barrier.Run();
    std::set<std::string, std::less<>> above;
    for (const std::string& dir : wanted) {
      const Status s = barrier.Result(dir);
      if (!s.ok() && !IsAbsent(s)) return s;
      if (s.ok())
        synced.insert(dir);
      else if (const std::string_view parent = ParentOf(dir); !synced.contains(parent))
        above.emplace(parent);
    }
    wanted = std::move(above);
  }
  return Status::Ok();
}

}  // namespace axl
