// Nothing here copies; see copy_job.cc.
#include "copy/prepare.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdint>
#include <set>
#include <vector>

#include "base/names.h"
#include "copy/copy_job.h"
#include "os/directories.h"
#include "os/same.h"

namespace axl {

namespace {

Status MakeDirectory(Os& os, Journal& journal, uint32_t id, bool resuming, bool* made) {
  const DirEntry& dir = journal.state().dirs[id];
  // Ours alone until it is published, since nobody shall see more of it than of its source. Then it gets that one's
  // mode.
  const mode_t mode = dir.described ? 0700 : 0777;
  ParentDirectory parent(os);
  if (Status s = parent.Open(dir.path); !s.ok()) return s;
  const std::string name(BaseOf(dir.path));
  const int r = os.Mkdir(parent.fd(), name.c_str(), mode);
  *made = r == 0;
  if (r == 0) return Status::Ok();
  if (r != -EEXIST && !IsForbidden(r)) return Status::Errno(-r, "mkdir", dir.path);
  struct stat st;
  const int there = os.Stat(parent.fd(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW);
  if (there < 0 && r == -EEXIST) return Status::Errno(-there, "stat", dir.path);
  if (there < 0 || !S_ISDIR(st.st_mode)) return Status::Errno(-r, "mkdir", dir.path);
  if (resuming) return Status::Ok();
  return journal.Append(RenouncedRecord{id});
}

void Unmake(Os& os, const std::string& path) {
  ParentDirectory parent(os);
  if (parent.Open(path).ok()) (void)os.Rmdir(parent.fd(), std::string(BaseOf(path)).c_str());
}

// The temporary file of one that is DONE.
Status IsThere(Os& os, const TransferState& state, uint32_t id, const std::atomic<bool>& stop, bool* is) {
  const std::string path = TemporaryPathOf(state, id);
  Sighting at{AT_FDCWD, path, path, {}};
  const bool found = os.Look(at.dir, path.c_str(), &at.seen) == 0;
  const bool right_size = found && static_cast<uint64_t>(at.seen.st.st_size) == state.files[id].size;
  const Recognized known = right_size ? IsDoneFile(os, state, id, at, false, &stop) : Recognized{};
  *is = known.answer == Answer::kYes;
  return known.answer == Answer::kCannotTell ? known.why : Status::Ok();
}

// DONE says that the bytes are durable, not yet that the name is: after a power cut a temporary file may be gone.
Status VoidLostFiles(Os& os, Journal& journal, const std::atomic<bool>& stop) {
  const TransferState& state = journal.state();
  for (uint32_t id = 0; id < state.files.size(); id++) {
    if (state.progress[id].state != FileState::kDone || state.progress[id].published) continue;
    bool is_there = false;
    if (Status s = IsThere(os, state, id, stop, &is_there); !s.ok()) return s;
    if (is_there) continue;
    const std::string path = TemporaryPathOf(state, id);
    FailedRecord record{id, Status::Make(Code::kVerify, "the temporary file is gone", path)};
    if (Status s = journal.Append(std::move(record)); !s.ok()) return s;
  }
  return Status::Ok();
}

Status RemoveTemporary(Os& os, const TransferState& state, uint32_t id, ParentDirectory* parent) {
  const std::string path = TemporaryPathOf(state, id);
  if (Status s = parent->Open(path); !s.ok()) return s;
  const std::string name(BaseOf(path));
  const int r = os.Unlink(parent->fd(), name.c_str());
  return r < 0 && !WasNotThere(os, r, parent->fd(), name) ? Status::Errno(-r, "unlink", path) : Status::Ok();
}

// Of a file with other names that are DONE, those that a killed resume had linked to it already: a mover that goes on
// in what is there would write into what is DONE.
Status RemoveUndoneNames(Os& os, const TransferState& state) {
  const auto is = [&state](uint32_t id, FileState wanted) { return state.progress[id].state == wanted; };
  const auto first = [&state](uint32_t id) {
    return state.files[id].kind == FileKind::kHardLink ? state.files[id].linked : id;
  };
  std::set<uint32_t> done;
  for (uint32_t id = 0; id < state.files.size(); id++)
    if (state.files[id].kind == FileKind::kHardLink && (is(id, FileState::kDone) || is(first(id), FileState::kDone)))
      done.insert(first(id));
  ParentDirectory parent(os);
  for (uint32_t id = 0; !done.empty() && id < state.files.size(); id++)
    if (is(id, FileState::kPending) && done.contains(first(id)))
      if (Status s = RemoveTemporary(os, state, id, &parent); !s.ok()) return s;
  return Status::Ok();
}

// Of a job that nobody has heard the end of.
Status AdoptWhatCame(Os& os, Journal& journal, const std::atomic<bool>& stop) {
  CopyJob job(os, journal, Arrivals{{}, true, &stop}, {});
  while (job.Step())
    if (stop) job.Cancel();
  return stop ? Canceled() : job.failure();
}

}  // namespace

Status MakeDirectories(Os& os, Journal& journal, bool resuming) {
  const TransferState& state = journal.state();
  std::vector<uint32_t> made;
  bool any_renounced = false;
  Status s;
  for (uint32_t id = 0; s.ok() && id < state.dirs.size(); id++) {
    if (state.renounced[id]) continue;
    bool is_new = false;
    s = MakeDirectory(os, journal, id, resuming, &is_new);
    if (is_new) made.push_back(id);
    any_renounced |= state.renounced[id];
  }
  // Without RENOUNCED a roll back would remove what somebody else made.
  if (s.ok() && any_renounced) s = journal.Sync();
  for (size_t i = made.size(); !s.ok() && i-- > 0;) Unmake(os, state.dirs[made[i]].path);
  return s;
}

Status RemovePartial(Os& os, Journal& journal) {
  const TransferState& state = journal.state();
  ParentDirectory parent(os);
  for (uint32_t id = 0; id < state.files.size(); id++) {
    if (state.progress[id].state != FileState::kPending) continue;
    if (Status s = RemoveTemporary(os, state, id, &parent); !s.ok()) return s;
  }
  return Status::Ok();
}

Status PrepareResume(Os& os, Journal& journal, const std::atomic<bool>& stop) {
  const TransferState& state = journal.state();
  if (Status s = CheckAnchors(os, state); !s.ok()) return s;
  const bool moved = !OpenJobs(state).empty();
  if (Status s = VoidLostFiles(os, journal, stop); !s.ok()) return s;
  if (Status s = journal.Append(ResumedRecord()); !s.ok()) return s;
  // SEALED, before there are more temporary files; and what is not DONE any more, before the file has a new one: that
  // may get the inode number of the lost one, and a DONE that is still there would have it published half copied.
  if (Status s = journal.Sync(); !s.ok()) return s;
  if (Status s = MakeDirectories(os, journal, true); !s.ok()) return s;
  if (Status s = RemoveUndoneNames(os, state); !s.ok() || !moved) return s;
  if (Status s = AdoptWhatCame(os, journal, stop); !s.ok() || state.settled) return s;
  return PrepareResume(os, journal, stop);  // what could not be adopted is copied
}

}  // namespace axl
