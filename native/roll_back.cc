// The other half of Publisher: a transfer that is not to be published leaves nothing behind.
// Invariant 8: only temporary names of this journal, and directories that it says we made.
#include <fcntl.h>

#include <cerrno>
#include <set>

#include "names.h"
#include "publisher.h"

namespace axl {

namespace {

// A read-only file system refuses to remove even what is not there.
bool WasNotThere(Os& os, int error, int dir, const std::string& name) {
  struct stat st;
  return error == -ENOENT || (error == -EROFS && os.Stat(dir, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == -ENOENT);
}

}  // namespace

Status Publisher::RollBack() {
  if (state_.settled)
    if (Status s = GiveUp(); !s.ok()) return s;
  if (Status s = RemoveTemporaries(); !s.ok()) return s;
  return RemoveDirectories();
}

// SETTLED says that whoever finds the journal may publish. Before the first temporary file of such a transfer goes,
// the journal says that it is not to be published any more.
Status Publisher::GiveUp() {
  if (state_.outcome == Outcome::kRolledBack) return journal_.Sync();  // what we read may be in the page cache only
  for (uint32_t id = 0; id < state_.files.size(); id++) {
    const FileEntry& file = state_.files[id];
    struct stat st;
    const int r = os_.Stat(AT_FDCWD, file.dest.c_str(), &st, AT_SYMLINK_NOFOLLOW);
    if (r < 0 && r != -ENOENT && r != -ENOTDIR) return Status::Errno(-r, "stat", file.dest);
    if (state_.progress[id].published || (r == 0 && st.st_ino == state_.progress[id].inode))
      return Status::Make(Code::kInvalidState, "a file of the transfer is published already; only publishing can go on",
                          file.dest);
  }
  if (Status s = journal_.Append([](JournalWriter& w) { w.Final(Outcome::kRolledBack); }); !s.ok()) return s;
  if (Status s = journal_.Sync(); !s.ok()) return s;
  state_.outcome = Outcome::kRolledBack;
  return Status::Ok();
}

Status Publisher::AnyTemporary(bool* any) {
  *any = false;
  for (const auto& f : state_.files) {
    struct stat st;
    const std::string path = TemporaryPath(f.dest, state_.uuid);
    const int r = os_.Stat(AT_FDCWD, path.c_str(), &st, AT_SYMLINK_NOFOLLOW);
    if (r == 0) *any = true;
    if (r < 0 && r != -ENOENT && r != -ENOTDIR) return Status::Errno(-r, "stat", path);
  }
  return Status::Ok();
}

Status Publisher::RemoveTemporaries() {
  for (uint32_t id = 0; id < state_.files.size(); id++) {
    Place place;
    const Status found = Find(id, &place);
    // A directory that is not there holds nothing: the transfer did not come so far, or somebody removed it all.
    if (!found.ok() && (found.err == ENOENT || found.err == ENOTDIR)) continue;
    if (!found.ok()) return found;
    if (int r = os_.Unlink(place.dir, place.temporary.c_str());
        r < 0 && !WasNotThere(os_, r, place.dir, place.temporary))
      return Status::Errno(-r, "unlink", TemporaryPath(state_.files[id].dest, state_.uuid));
  }
  return Status::Ok();
}

Status Publisher::RemoveDirectories() {
  std::set<std::string, std::less<>> removed;
  for (size_t i = state_.dirs.size(); i-- > 0;) {
    if (state_.renounced[i]) continue;
    const std::string& path = state_.dirs[i].path;
    const int r = os_.Rmdir(AT_FDCWD, path.c_str());
    if (r == 0 || r == -ENOTDIR || WasNotThere(os_, r, AT_FDCWD, path))
      removed.insert(path);
    else if (r != -ENOTEMPTY && r != -EEXIST)
      return Status::Errno(-r, "rmdir", path);
  }
  if (!journal_.durable()) return Status::Ok();
  DirectoryBarrier barrier(os_);
  auto need = [&](std::string_view dir) {
    while (removed.contains(dir)) dir = ParentOf(dir);
    struct stat st;
    if (os_.Stat(AT_FDCWD, std::string(dir).c_str(), &st, 0) != -ENOENT) barrier.Need(dir);
  };
  for (const auto& f : state_.files) need(ParentOf(f.dest));
  for (const auto& d : state_.dirs) need(ParentOf(d.path));
  barrier.Run();
  return barrier.First();
}

}  // namespace axl
