// Every step is safe to do twice: a crash anywhere is followed by the same steps again.
#include "publish/publisher.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/names.h"
#include "os/metadata.h"
#include "os/sum.h"

namespace axl {

namespace {

Status Verifying(const std::string& what, const std::string& path) { return Status::Make(Code::kVerify, what, path); }

}  // namespace

Status Publisher::Find(uint32_t id, Place* place) {
  const std::string& path = state_.files[id].dest;
  if (Status s = dir_.Open(path); !s.ok()) return s;
  place->dir = dir_.fd();
  place->name = BaseOf(path);
  place->temporary = TemporaryName(place->name, state_.uuid);
  return Status::Ok();
}

// Once for each directory that something is still to be renamed in: one that is finished may have become read-only.
Status Publisher::CheckWritable() {
  if (dir_.writable()) return Status::Ok();
  if (int r = os_.Access(dir_.fd(), ".", W_OK | X_OK); r < 0) return Status::Errno(-r, "access", dir_.path());
  dir_.writable() = true;
  return Status::Ok();
}

bool Publisher::IsJournalled(uint32_t id, const struct stat& st) const {
  const FileEntry& file = state_.files[id];
  const bool right_kind = file.kind == FileKind::kSymlink ? S_ISLNK(st.st_mode) : S_ISREG(st.st_mode);
  const bool right_size = options_.verify == Verify::kNone || static_cast<uint64_t>(st.st_size) == file.size;
  // A number that is free is used again: in a directory of his own anybody can make a file of the same number.
  const bool right_owner = !disk_[id].owner_given || IsOurs(st, file.meta);
  return right_kind && right_size && right_owner && st.st_ino == state_.progress[id].temporary.inode;
}

// As root: was it made by us, or given to its owner? What is neither was put there by whoever can write to the
// directory, and must not get another owner, or a setuid, from us. Everybody else can give nothing away.
bool Publisher::IsOurs(const struct stat& st, const Metadata& meta) const {
  const uid_t user = os_.EffectiveUser();
  return user != 0 || st.st_uid == user || st.st_uid == meta.uid;
}

// With a policy of the caller's own, an owner that could not be given before is tried again: it may be root now.
bool Publisher::NeedsMending(uint32_t id, const struct stat& st) const {
  const bool retry = options_.owner && *options_.owner != OwnerPolicy::kSkip;
  const FileEntry& file = state_.files[id];
  return !MetadataMatches(st, file.meta, disk_[id].owner_given || retry, file.kind);
}

Status Publisher::Check(Ask destinations) {
  ask_ = destinations;
  to_mend_.clear();
  to_keep_.clear();
  half_renamed_.clear();
  if (!state_.sealed || !state_.AllDone())
    return Status::Make(Code::kInvalidState, "a file of the transfer is not complete", journal_.path());
  for (uint32_t id = 0; id < state_.files.size(); id++) {
    if (state_.progress[id].kept) continue;
    if (Status s = CheckFile(id); !s.ok()) return s;
  }
  return Status::Ok();
}

Status Publisher::CheckFile(uint32_t id) {
  Place place;
  const Status found = Find(id, &place);
  if (found.err == ENOENT || found.err == ENOTDIR)
    return Verifying("the directory of the temporary file is gone", TemporaryPath(state_.files[id].dest, state_.uuid));
  if (!found.ok()) return found;
  struct stat st;
  const int r = os_.Stat(place.dir, place.temporary.c_str(), &st, AT_SYMLINK_NOFOLLOW);
  if (r == -ENOENT) return CheckPublished(id, place);
  if (r < 0) return Status::Errno(-r, "stat", TemporaryPath(state_.files[id].dest, state_.uuid));
  return CheckTemporary(id, place, st);
}

Status Publisher::CheckTemporary(uint32_t id, const Place& place, const struct stat& st) {
  const std::string temporary = Join(dir_.path(), place.temporary);
  if (!IsJournalled(id, st)) return Verifying("the temporary file is not the one that was copied", temporary);
  const bool half = IsHalfRenamed(place, st);
  if (st.st_nlink != 1 && !half) return Verifying("the temporary file has a second name", temporary);
  disk_[id].published = false;
  if (half) half_renamed_.insert(id);
  if (Status s = CheckContents(id, place, place.temporary); !s.ok()) return s;
  if (NeedsMending(id, st)) to_mend_.push_back(id);
  return half ? CheckWritable() : CheckDestination(id, place);
}

// Both names are there: of a rename that is link and unlink, killed in between, or of one that a file system without a
// journal did by halves when the power went.
bool Publisher::IsHalfRenamed(const Place& place, const struct stat& st) const {
  struct stat named;
  return state_.settled && st.st_nlink == 2 &&
         os_.Stat(place.dir, place.name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_ino == st.st_ino;
}

Status Publisher::CheckDestination(uint32_t id, const Place& place) {
  const FileEntry& file = state_.files[id];
  const bool rename_tells = state_.files.size() == 1 && options_.overwrite == Overwrite::kReplace;
  if (rename_tells && ask_ == Ask::kUnlessRenameTells) return CheckWritable();
  struct stat st;
  const int r = os_.Stat(place.dir, place.name.c_str(), &st, AT_SYMLINK_NOFOLLOW);
  if (r < 0 && r != -ENOENT) return Status::Errno(-r, "stat", file.dest);
  if (r == 0 && S_ISDIR(st.st_mode))
    return Status::Errno(EISDIR, "rename", Join(dir_.path(), place.temporary), file.dest);
  if (r == 0 && options_.overwrite == Overwrite::kFail)
    return Status::Make(Code::kConflict, "the destination exists, and replacing it is forbidden (overwrite: fail)",
                        file.dest);
  if (r == 0 && options_.overwrite == Overwrite::kKeep) to_keep_.push_back(id);
  return CheckWritable();
}

// A finalizer was here before us if, and only if, the final name is the journalled inode.
Status Publisher::CheckPublished(uint32_t id, const Place& place) {
  const FileEntry& file = state_.files[id];
  struct stat st;
  const int r = os_.Stat(place.dir, place.name.c_str(), &st, AT_SYMLINK_NOFOLLOW);
  if (r < 0 && r != -ENOENT) return Status::Errno(-r, "stat", file.dest);
  if (r == -ENOENT || !state_.settled || !IsJournalled(id, st))
    return Verifying("the temporary file is gone", TemporaryPath(file.dest, state_.uuid));
  disk_[id].published = true;
  if (NeedsMending(id, st)) to_mend_.push_back(id);
  return CheckContents(id, place, place.name);
}

Status Publisher::CheckContents(uint32_t id, const Place& place, const std::string& name) {
  const FileEntry& file = state_.files[id];
  if (options_.verify != Verify::kChecksum || file.kind != FileKind::kRegular) return Status::Ok();
  const std::string path = Join(dir_.path(), name);
  Fd fd(os_, os_.Open(place.dir, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return Status::Errno(fd.error(), "open", path);
  uint32_t crc;
  if (Status s = SumBytes(os_, fd.get(), path, 0, file.size, std::atomic<bool>(false), &crc); !s.ok()) return s;
  return crc == state_.progress[id].crc
             ? Status::Ok()
             : Verifying("the contents differ from what was copied: the CRC-32C is another", path);
}

Status Publisher::Mend(uint32_t id) {
  const FileEntry& file = state_.files[id];
  Place place;
  if (Status s = Find(id, &place); !s.ok()) return s;
  const std::string name = disk_[id].published ? place.name : place.temporary;
  const std::string path = Join(dir_.path(), name);
  Given given;
  if (file.kind == FileKind::kSymlink) {
    const Status s = ApplyLinkMetadata(os_, place.dir, name, path, file.meta, owner(), &given);
    disk_[id].owner_given = given.owner();
    return s;
  }
  Fd fd(os_, os_.Open(place.dir, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return Status::Errno(fd.error(), "open", path);
  struct stat st;
  if (int r = os_.Fstat(fd.get(), &st); r < 0) return Status::Errno(-r, "fstat", path);
  if (!IsJournalled(id, st)) return Verifying("another file has replaced the temporary file", path);
  const OwnerPolicy policy = IsOurs(st, file.meta) ? owner() : OwnerPolicy::kSkip;
  const Status s = ApplyMetadata(os_, fd.get(), path, file.meta, policy, &given);
  disk_[id].owner_given = given.owner();
  if (!s.ok()) return s;
  if (!journal_.durable()) return Status::Ok();
  if (int r = os_.Fsync(fd.get()); r < 0) return Status::Errno(-r, "fsync", path);
  return Status::Ok();
}

Status Publisher::Prepare() {
  if (Status s = Check(Ask::kUnlessRenameTells); !s.ok()) return s;
  for (uint32_t id : to_mend_)
    if (Status s = Mend(id); !s.ok()) return s;
  // What we read may be in the page cache only, written by a process that died before its fsync. A rename that
  // outlives it would leave a published file whose journal says that it is incomplete.
  Status s = MakeCommitted();
  return s.ok() ? KeepDestinations(to_keep_) : s;
}

Status Publisher::MakeCommitted() { return state_.settled ? journal_.Sync() : Settle(os_, journal_); }

Status Publisher::Commit() {
  const Status s = Check();
  return s.ok() ? MakeCommitted() : s;
}

// KEPT is durable before the temporary file goes: without either the next run would call the file lost.
Status Publisher::KeepDestinations(const std::vector<uint32_t>& ids) {
  if (ids.empty()) return Status::Ok();
  std::vector<Record> records;
  for (uint32_t id : ids) records.push_back(KeptRecord{id});
  const Status s = journal_.Append(records);
  return s.ok() ? journal_.Sync() : s;
}

Status Publisher::Rename() {
  for (uint32_t id = 0; id < state_.files.size(); id++) {
    if (disk_[id].published) continue;
    if (Status s = RenameFile(id); !s.ok()) return RecordPublished(s);
  }
  dir_.Close();  // a batch of finalize waits with hundreds of transfers at this point
  return FinishDirectories();
}

// Publishing stopped halfway: the state file says how far, for whoever inspects it. What decides is the inode.
Status Publisher::RecordPublished(Status cause) {
  std::vector<Record> records;
  for (uint32_t id = 0; id < state_.files.size(); id++)
    if (disk_[id].published && !state_.progress[id].published) records.push_back(PublishedRecord{id});
  (void)journal_.Append(records);
  return cause;
}

Status Publisher::RenameFile(uint32_t id) {
  Place place;
  if (Status s = Find(id, &place); !s.ok()) return s;
  const std::string temporary = Join(dir_.path(), place.temporary);
  const std::string& path = state_.files[id].dest;
  const bool replace = options_.overwrite == Overwrite::kReplace;
  int r = -EEXIST;
  if (half_renamed_.contains(id))
    r = os_.Unlink(place.dir, place.temporary.c_str());  // a rename of two names of one file does nothing
  else if (!state_.progress[id].kept)
    r = replace ? os_.Rename(place.dir, place.temporary.c_str(), place.dir, place.name.c_str())
                : os_.RenameNew(place.dir, place.temporary.c_str(), place.name.c_str());
  if (r == -EEXIST && options_.overwrite == Overwrite::kKeep && !state_.progress[id].kept)
    if (Status s = KeepDestinations({id}); !s.ok()) return s;  // it came while we worked
  if (state_.progress[id].kept) {
    r = os_.Unlink(place.dir, place.temporary.c_str());
    return r < 0 && r != -ENOENT ? Status::Errno(-r, "unlink", temporary) : Status::Ok();
  }
  if (r < 0) return Status::Errno(-r, "rename", temporary, path);
  disk_[id].published = true;
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
  struct stat st;
  if (int r = os_.Fstat(fd.get(), &st); r < 0) return Status::Errno(-r, "fstat", dir.path);
  if (!IsOurs(st, dir.meta)) return Status::Ok();  // somebody else's stands in its place, and keeps its metadata
  Given given;
  if (Status s = ApplyMetadata(os_, fd.get(), dir.path, dir.meta, owner(), &given); !s.ok()) return s;
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

Status Publisher::Finish(Outcome outcome) {
  const Status s = journal_.Append(FinalRecord{outcome});
  return s.ok() ? journal_.Sync() : s;
}

Status Publisher::Publish() {
  if (Status s = Prepare(); !s.ok()) return s;
  if (Status s = Rename(); !s.ok()) return s;
  DirectoryBarrier barrier(os_);
  NeedDirectories(&barrier);
  barrier.Run();
  if (Status s = Durable(barrier); !s.ok()) return s;
  return Finish(Outcome::kPublished);
}

}  // namespace axl
