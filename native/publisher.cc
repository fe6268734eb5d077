// Every step is safe to do twice: a crash anywhere is followed by the same steps again.
#include "publisher.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "metadata.h"
#include "names.h"

namespace axl {

namespace {

Status Verify(const std::string& what, const std::string& path) { return Status::Make(Code::kVerify, what, path); }

bool RightKind(const FileEntry& file, const struct stat& st) {
  return file.kind == FileKind::kSymlink ? S_ISLNK(st.st_mode) : S_ISREG(st.st_mode);
}

bool IsJournalled(const FileEntry& file, const FileProgress& progress, const struct stat& st) {
  return RightKind(file, st) && st.st_ino == progress.inode && static_cast<uint64_t>(st.st_size) == file.size;
}

}  // namespace

Status Publisher::Find(uint32_t id, Place* place) {
  const std::string& path = state_.files[id].dest;
  const std::string_view parent = ParentOf(path);
  if (!dir_.valid() || parent != dir_path_) {
    dir_path_ = parent;
    dir_ = Fd(os_, os_.OpenNoLinks(AT_FDCWD, dir_path_.c_str(), O_PATH | O_DIRECTORY));
    if (dir_.error() == ELOOP)
      return Status::Make(Code::kUnsafePath, "a symbolic link has come into the path of the directory", dir_path_);
    if (!dir_.valid()) return Status::Errno(dir_.error(), "open", dir_path_);
    dir_checked_ = false;
  }
  place->dir = dir_.get();
  place->name = BaseOf(path);
  place->temporary = TemporaryName(place->name, state_.uuid);
  return Status::Ok();
}

// Once for each directory that something is still to be renamed in: one that is finished may have become read-only.
Status Publisher::CheckWritable() {
  if (dir_checked_) return Status::Ok();
  if (int r = os_.Access(dir_.get(), ".", W_OK | X_OK); r < 0) return Status::Errno(-r, "access", dir_path_);
  dir_checked_ = true;
  return Status::Ok();
}

Status Publisher::Check() {
  to_mend_.clear();
  if (!state_.sealed || !state_.AllDone())
    return Status::Make(Code::kInvalidState, "a file of the transfer is not complete", journal_.path());
  for (uint32_t id = 0; id < state_.files.size(); id++)
    if (Status s = CheckFile(id); !s.ok()) return s;
  return Status::Ok();
}

Status Publisher::CheckFile(uint32_t id) {
  Place place;
  const Status found = Find(id, &place);
  if (found.err == ENOENT || found.err == ENOTDIR)
    return Verify("the directory of the temporary file is gone", TemporaryPath(state_.files[id].dest, state_.uuid));
  if (!found.ok()) return found;
  struct stat st;
  const int r = os_.Stat(place.dir, place.temporary.c_str(), &st, AT_SYMLINK_NOFOLLOW);
  if (r == -ENOENT) return CheckPublished(id, place);
  if (r < 0) return Status::Errno(-r, "stat", TemporaryPath(state_.files[id].dest, state_.uuid));
  return CheckTemporary(id, place, st);
}

Status Publisher::CheckTemporary(uint32_t id, const Place& place, const struct stat& st) {
  const FileEntry& file = state_.files[id];
  FileProgress& progress = state_.progress[id];
  const std::string temporary = Join(ParentOf(file.dest), place.temporary);
  if (!IsJournalled(file, progress, st)) return Verify("the temporary file is not the one that was copied", temporary);
  if (st.st_nlink != 1) return Verify("the temporary file has a second name", temporary);
  progress.published = false;
  struct stat final;
  const int r = os_.Stat(place.dir, place.name.c_str(), &final, AT_SYMLINK_NOFOLLOW);
  if (r < 0 && r != -ENOENT) return Status::Errno(-r, "stat", file.dest);
  if (r == 0 && S_ISDIR(final.st_mode)) return Status::Errno(EISDIR, "rename", temporary, file.dest);
  if (!MetadataMatches(st, file.meta, progress.owner_given, file.kind)) to_mend_.push_back(id);
  return CheckWritable();
}

// A finalizer was here before us if, and only if, the final name is the journalled inode.
Status Publisher::CheckPublished(uint32_t id, const Place& place) {
  const FileEntry& file = state_.files[id];
  struct stat st;
  const int r = os_.Stat(place.dir, place.name.c_str(), &st, AT_SYMLINK_NOFOLLOW);
  if (r < 0 && r != -ENOENT) return Status::Errno(-r, "stat", file.dest);
  if (r == -ENOENT || !state_.settled || !IsJournalled(file, state_.progress[id], st))
    return Verify("the temporary file is gone", TemporaryPath(file.dest, state_.uuid));
  state_.progress[id].published = true;
  if (!MetadataMatches(st, file.meta, state_.progress[id].owner_given, file.kind)) to_mend_.push_back(id);
  return Status::Ok();
}

Status Publisher::Mend(uint32_t id) {
  const FileEntry& file = state_.files[id];
  FileProgress& progress = state_.progress[id];
  Place place;
  if (Status s = Find(id, &place); !s.ok()) return s;
  const std::string name = progress.published ? place.name : place.temporary;
  const std::string path = Join(ParentOf(file.dest), name);
  if (file.kind == FileKind::kSymlink)
    return ApplyLinkMetadata(os_, place.dir, name, path, file.meta, state_.info.owner, &progress.owner_given);
  Fd fd(os_, os_.Open(place.dir, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return Status::Errno(fd.error(), "open", path);
  struct stat st;
  if (int r = os_.Fstat(fd.get(), &st); r < 0) return Status::Errno(-r, "fstat", path);
  if (!IsJournalled(file, progress, st)) return Verify("the file was replaced by another", path);
  if (Status s = ApplyMetadata(os_, fd.get(), path, file.meta, state_.info.owner, &progress.owner_given); !s.ok())
    return s;
  if (!journal_.durable()) return Status::Ok();
  if (int r = os_.Fsync(fd.get()); r < 0) return Status::Errno(-r, "fsync", path);
  return Status::Ok();
}

Status Publisher::Prepare() {
  if (Status s = Check(); !s.ok()) return s;
  for (uint32_t id : to_mend_)
    if (Status s = Mend(id); !s.ok()) return s;
  // What we read may be in the page cache only, written by a process that died before its fsync. A rename that
  // outlives it would leave a published file whose journal says that it is incomplete.
  return state_.settled ? journal_.Sync() : Settle(os_, journal_);
}

Status Publisher::Rename() {
  for (uint32_t id = 0; id < state_.files.size(); id++) {
    if (state_.progress[id].published) continue;
    if (Status s = RenameFile(id); !s.ok()) return s;
  }
  dir_.Reset();  // a batch of finalize waits with hundreds of transfers at this point
  return FinishDirectories();
}

Status Publisher::RenameFile(uint32_t id) {
  Place place;
  if (Status s = Find(id, &place); !s.ok()) return s;
  const std::string& path = state_.files[id].dest;
  if (int r = os_.Rename(place.dir, place.temporary.c_str(), place.dir, place.name.c_str()); r < 0)
    return Status::Errno(-r, "rename", TemporaryPath(path, state_.uuid), path);
  state_.progress[id].published = true;
  return Status::Ok();
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
  bool owner_given;
  if (Status s = ApplyMetadata(os_, fd.get(), dir.path, dir.meta, state_.info.owner, &owner_given); !s.ok()) return s;
  if (!journal_.durable()) return Status::Ok();
  if (int r = os_.Fsync(fd.get()); r < 0) return Status::Errno(-r, "fsync", dir.path);
  return Status::Ok();
}

void Publisher::NeedDirectories(DirectoryBarrier* barrier) const {
  if (!journal_.durable()) return;
  for (const auto& f : state_.files) barrier->Need(ParentOf(f.dest));
  for (const auto& d : state_.dirs) barrier->Need(ParentOf(d.path));
}

Status Publisher::Durable(const DirectoryBarrier& barrier) const {
  if (!journal_.durable()) return Status::Ok();
  for (const auto& f : state_.files)
    if (Status s = barrier.Result(ParentOf(f.dest)); !s.ok()) return s;
  for (const auto& d : state_.dirs)
    if (Status s = barrier.Result(ParentOf(d.path)); !s.ok()) return s;
  return Status::Ok();
}

Status Publisher::Finish() {
  if (Status s = journal_.Append([](JournalWriter& w) { w.Final(Outcome::kPublished); }); !s.ok()) return s;
  if (Status s = journal_.Sync(); !s.ok()) return s;
  state_.outcome = Outcome::kPublished;
  return Status::Ok();
}

Status Publisher::Publish() {
  if (Status s = Prepare(); !s.ok()) return s;
  if (Status s = Rename(); !s.ok()) return s;
  DirectoryBarrier barrier(os_);
  NeedDirectories(&barrier);
  barrier.Run();
  if (Status s = Durable(barrier); !s.ok()) return s;
  return Finish();
}

}  // namespace axl
