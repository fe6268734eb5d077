// Every step is safe to do twice: a crash anywhere is followed by the same steps again.
#include "publish/publisher.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/meter.h"
#include "base/names.h"
#include "os/sum.h"
#include "publish/refusal.h"

namespace axl {

namespace {

Status Verifying(const std::string& what, const std::string& path) { return Status::Make(Code::kVerify, what, path); }

}  // namespace

Status Publisher::Find(uint32_t id, Place* place) {
  const std::string& path = state_.files[id].dest;
  if (Status s = dir_.Open(path); !s.ok()) return s;
  place->dir = dir_.fd();
  place->name = BaseOf(path);
  place->temporary = TemporaryNameOf(state_, id);
  return Status::Ok();
}

// Once for each directory that something is still to be renamed in: one that is finished may have become read-only.
Status Publisher::CheckWritable() {
  if (dir_.writable()) return Status::Ok();
  if (int r = os_.Access(dir_.fd(), ".", W_OK | X_OK); r < 0) return Status::Errno(-r, "access", dir_.path());
  dir_.writable() = true;
  return Status::Ok();
}

// The file of DONE, and not one that somebody who may write to the directory gave its name, or its inode number.
Recognized Publisher::Recognize(uint32_t id, const Sighting& at) {
  const FileEntry& file = state_.files[id];
  const bool right_size = options_.verify == Verify::kNone || static_cast<uint64_t>(at.seen.st.st_size) == file.size;
  const bool right_owner = (disk_[id].lacking & kLacksOwner) != 0 || IsOurs(os_, at.seen.st, file.meta);
  if (!right_size || !right_owner) return {};
  return IsDoneFile(os_, state_, id, at, options_.verify == Verify::kChecksum, options_.stop);
}

int Publisher::LookAtTemporary(uint32_t id, const Place& place, Seen* seen) {
  if (looked_.empty()) return os_.Look(place.dir, place.temporary.c_str(), seen);
  *seen = looked_[id].temporary;
  return looked_[id].has_temporary ? 0 : -ENOENT;
}

int Publisher::LookAtFinal(uint32_t id, const Place& place, Seen* seen) {
  if (looked_.empty()) return os_.Look(place.dir, place.name.c_str(), seen);
  *seen = looked_[id].final;
  return looked_[id].has_final ? 0 : -ENOENT;
}

Status Publisher::Check() {
  const Status s = CheckAll();
  looked_.clear();
  return s;
}

Status Publisher::CheckAll() {
  to_mend_.clear();
  to_keep_.clear();
  half_renamed_.clear();
  names_.clear();
  touched_.clear();
  numbers_ = {};
  if (!state_.sealed || !state_.AllDone())
    return Status::Make(Code::kInvalidState, "a file of the transfer is not complete", journal_.path());
  const Metered metered(options_.verify == Verify::kChecksum ? state_.Bytes() : 0);
  for (uint32_t id = 0; id < state_.files.size(); id++) {
    if (Status s = state_.progress[id].kept ? CheckKept(id) : CheckFile(id); !s.ok()) return s;
  }
  const Status s = CheckNames();
  return s.ok() ? CheckTouched() : s;
}

Status Publisher::CheckFile(uint32_t id) {
  Place place;
  const Status found = Find(id, &place);
  if (found.err == ENOENT || found.err == ENOTDIR) return Lost(id);
  if (!found.ok()) return found;
  Sighting at{place.dir, place.temporary, Join(dir_.path(), place.temporary), {}};
  const int r = LookAtTemporary(id, place, &at.seen);
  if (r == -ENOENT) return CheckPublished(id, place);
  if (r < 0) return Status::Errno(-r, "statx", at.path);
  return CheckTemporary(id, place, std::move(at));
}

// Only where the directories are those of the transfer does a name that is not there tell of a file that is lost.
Status Publisher::Lost(uint32_t id) {
  if (Status s = CheckAnchors(os_, state_); !s.ok()) return s;
  return Verifying("the temporary file is gone", TemporaryPathOf(state_, id));
}

Status Publisher::CheckTemporary(uint32_t id, const Place& place, Sighting at) {
  const Recognized is = Recognize(id, at);
  if (is.answer == Answer::kCannotTell) return is.why;
  if (is.answer == Answer::kNo)
    return Verifying(
        "the temporary file is not the one that was copied: after a move or a restore, --verify checksum tells by its "
        "bytes",
        at.path);
  bool half = false;
  if (Status s = IsHalfRenamed(id, place, at.seen, &half); !s.ok()) return s;
  Meet(id, at.seen, half ? 2 : 1, half);
  disk_[id].published = false;
  if (half) half_renamed_.insert(id);
  if (!is.summed)
    if (Status s = CheckContents(id, at); !s.ok()) return s;
  if (NeedsMending(id, at.seen.st)) to_mend_.push_back(id);
  return half ? CheckWritable() : CheckDestination(id, place, at.seen);
}

// One file with nothing to replace: its rename refuses by itself, and nothing is half published then. (Where other
// ranks depend on it, Commit has looked.) A look at a name that is not there is dear in a directory that many rename
// in.
bool Publisher::RenameTells() const {
  return state_.files.size() == 1 && state_.files[0].stood == Stood::kNothing && state_.replaces.empty() &&
         options_.overwrite == Overwrite::kNewer;
}

Status Publisher::CheckDestination(uint32_t id, const Place& place, const Seen& temporary) {
  const FileEntry& file = state_.files[id];
  Seen there;
  const int r = unseen_ ? -ENOENT : LookAtFinal(id, place, &there);
  if (r < 0 && r != -ENOENT) return Status::Errno(-r, "statx", file.dest);
  disk_[id].replaces = r == 0;
  if (r == 0)
    if (Status s = CheckReplaced(id, place, there); !s.ok()) return s;
  const bool keeps = r == 0 && options_.overwrite == Overwrite::kKeep;
  if (keeps) to_keep_.push_back(id);
  Seen directory;
  if (Status s = dir_.Look(&directory); !s.ok()) return s;
  const Renaming renaming{directory, temporary, r == 0 && !keeps ? &there : nullptr, file.dest};
  if (Status s = RefusalOf(os_, renaming); !s.ok()) return s;
  return CheckWritable();
}

Status Publisher::CheckReplaced(uint32_t id, const Place& place, const Seen& there) {
  const std::string& dest = state_.files[id].dest;
  if (S_ISDIR(there.st.st_mode)) return Status::Errno(EISDIR, "rename", Join(dir_.path(), place.temporary), dest);
  if (options_.overwrite == Overwrite::kFail)
    return Status::Make(Code::kConflict, "the destination exists, and replacing it is forbidden (overwrite: fail)",
                        dest);
  if (options_.overwrite != Overwrite::kNewer || IsExpected(os_, state_, id, place.dir, there)) return Status::Ok();
  if (!MayBeTouched(os_, state_, id, place.dir, there)) return Newer(dest);
  touched_.push_back(id);
  return Status::Ok();
}

// Of a later transfer, or of somebody else: this one does not know.
Status Publisher::Newer(const std::string& path) {
  return Status::Make(
      Code::kConflict,
      "something else has come to this destination since the transfer was dispatched, and may be newer: "
      "remove it, or publish over it with --overwrite replace, or leave it with --overwrite keep",
      path);
}

// A finalizer was here before us if, and only if, the final name is the file of DONE.
Status Publisher::CheckPublished(uint32_t id, const Place& place) {
  Sighting at{place.dir, place.name, state_.files[id].dest, {}, false};
  const int r = LookAtFinal(id, place, &at.seen);
  if (r < 0 && r != -ENOENT) return Status::Errno(-r, "statx", at.path);
  const Recognized is = r == 0 && (state_.settled || state_.info.axl.is) ? Recognize(id, at) : Recognized{};
  if (is.answer == Answer::kNo) return Lost(id);
  if (is.answer == Answer::kCannotTell) return is.why;
  disk_[id].published = true;
  Meet(id, at.seen, 1, true);
  if (NeedsMending(id, at.seen.st)) to_mend_.push_back(id);
  return is.summed ? Status::Ok() : CheckContents(id, at);
}

Status Publisher::CheckContents(uint32_t id, const Sighting& at) {
  const FileEntry& file = state_.files[id];
  const bool was_checked = static_cast<uint8_t>(file.phase) <= state_.phases;
  if (options_.verify != Verify::kChecksum || file.kind == FileKind::kSymlink || was_checked) return Status::Ok();
  Fd fd(os_, os_.Open(at.dir, at.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return Status::Errno(fd.error(), "open", at.path);
  uint32_t crc;
  if (Status s = SumBytes(os_, fd.get(), at.path, 0, file.size, *options_.stop, &crc); !s.ok()) return s;
  return crc == state_.progress[id].crc
             ? Status::Ok()
             : Verifying("the contents differ from what was copied: the CRC-32C is another", at.path);
}

Status Publisher::Prepare() {
  unseen_ = RenameTells();
  if (Status s = Check(); !s.ok()) return s;
  for (uint32_t id : to_mend_)
    if (Status s = Mend(id); !s.ok()) return s;
  // What we read may be in the page cache only, written by a process that died before its fsync. A rename that
  // outlives it would leave a published file whose journal says that it is incomplete.
  Status s = MakeCommitted();
  return s.ok() ? KeepDestinations(to_keep_) : s;
}

// What was settled by another process may be refused to this one, or under what its caller wants.
Status Publisher::MakeCommitted() {
  if (!state_.settled) return Settle(os_, journal_, made());
  if (!AnyPublished())
    if (Status s = made().Rehearse(); !s.ok()) return s;
  return journal_.Sync();
}

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

Status Publisher::RenameAll(Phase phase, bool replacing) {
  for (uint32_t id = 0; id < state_.files.size(); id++) {
    if (state_.files[id].phase != phase || disk_[id].published || disk_[id].replaces != replacing) continue;
    if (Status s = RenameFile(id); !s.ok()) return s;
  }
  return Status::Ok();
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
  int r = -EEXIST;
  if (half_renamed_.contains(id))
    r = os_.Unlink(place.dir, place.temporary.c_str());  // a rename of two names of one file does nothing
  else if (!state_.progress[id].kept)
    r = RenameTo(id, place);
  if (unseen_ && (r == -EEXIST || r == -EINVAL)) return RenameSeen(id, place);
  if (r == -EEXIST && options_.overwrite == Overwrite::kNewer) return Newer(path);
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

// With the look that was spared.
Status Publisher::RenameSeen(uint32_t id, const Place& place) {
  Seen temporary;
  if (int r = os_.Look(place.dir, place.temporary.c_str(), &temporary); r < 0)
    return Status::Errno(-r, "statx", Join(dir_.path(), place.temporary));
  unseen_ = false;
  const Status s = CheckDestination(id, place, temporary);
  return s.ok() ? RenameFile(id) : s;
}

// Where the file system cannot be told to replace nothing, the look before has to do: link and unlink, which never
// replace either, would need two calls for each file.
int Publisher::RenameTo(uint32_t id, const Place& place) {
  const char *from = place.temporary.c_str(), *to = place.name.c_str();
  const bool newer = options_.overwrite == Overwrite::kNewer;
  int r = -EINVAL;
  if (newer && !disk_[id].replaces) r = os_.RenameNoReplace(place.dir, from, to);
  if (r != -EINVAL || unseen_) return r;
  return newer || options_.overwrite == Overwrite::kReplace ? os_.Rename(place.dir, from, place.dir, to)
                                                            : os_.RenameNew(place.dir, from, to);
}

bool Publisher::AnyPublished() const {
  return std::any_of(disk_.begin(), disk_.end(), [](const OnDisk& on_disk) { return on_disk.published; });
}

bool Publisher::IsAllPublished() const {
  return std::all_of(disk_.begin(), disk_.end(), [](const OnDisk& on_disk) { return on_disk.published; });
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

Status Publisher::Publish(Until until, bool clears, std::vector<Left>* left) {
  if (Status s = Prepare(); !s.ok()) return s;
  if (Status s = Rename(until, clears); !s.ok()) return s;
  DirectoryBarrier barrier(os_);
  NeedDirectories(&barrier);
  barrier.Run();
  if (Status s = Durable(barrier); !s.ok()) return s;
  if (until != Until::kAll) return RecordPhases(until);
  std::vector<Left> unheard;
  const Status s = Retire(left != nullptr ? left : &unheard);
  return s.ok() ? Finish(Outcome::kPublished) : s;
}

}  // namespace axl
