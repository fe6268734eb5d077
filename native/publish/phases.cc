// Data, then commit files, then pointers: a reader that sees a file of one phase sees all of the phase before, and a
// power cut does not take that back. docs/state-format.md, "Phases".
#include <cerrno>

#include "base/names.h"
#include "publish/publisher.h"

namespace axl {

namespace {

bool IsDue(Phase phase, Until until) { return static_cast<uint8_t>(phase) <= static_cast<uint8_t>(until); }

// Was there a file at the final name of this one, or was an older transfer going to put one there?
bool MayReplace(const TransferState& state, uint32_t id) {
  return state.files[id].stood != Stood::kNothing || state.replaces.contains(id);
}

}  // namespace

bool InPhases(const TransferState& state) {
  for (const FileEntry& file : state.files)
    if (file.phase != Phase::kData) return true;
  return !state.retire.empty();
}

bool MayReplaceData(const TransferState& state) {
  for (uint32_t id = 0; id < state.files.size(); id++)
    if (state.files[id].phase == Phase::kData && MayReplace(state, id)) return true;
  return false;
}

// DIRECTION comes before the deletion, which may not have come to the disk. Once data are published it has.
bool MayHaveOldCommitFile(const TransferState& state) {
  const bool is_cleared = state.direction == Direction::kForward && state.phases >= static_cast<uint8_t>(Phase::kData);
  if (is_cleared || state.phases >= static_cast<uint8_t>(Phase::kCommit)) return false;
  for (uint32_t id = 0; id < state.files.size(); id++)
    if (state.files[id].phase == Phase::kCommit && MayReplace(state, id)) return true;
  return false;
}

bool Publisher::ReplacesData() const {
  for (uint32_t id = 0; id < state_.files.size(); id++)
    if (state_.files[id].phase == Phase::kData && disk_[id].replaces && !state_.progress[id].kept) return true;
  return false;
}

// A commit file of before, over data that are replaced, would be a lie. One that an earlier run has deleted may come
// back if the power goes: only its directory's fsync ends that.
Status Publisher::Clear() {
  std::vector<uint32_t> old;
  DirectoryBarrier barrier(os_);
  for (uint32_t id = 0; id < state_.files.size(); id++) {
    if (state_.files[id].phase != Phase::kCommit) continue;
    const bool there = disk_[id].replaces && !disk_[id].published && !state_.progress[id].kept;
    if (there) old.push_back(id);
    if (there || MayReplace(state_, id)) barrier.Need(ParentOf(state_.files[id].dest));
  }
  if (old.empty() && !MayHaveOldCommitFile(state_)) return Status::Ok();
  // It is not as it was any more: from here on nothing is rolled back.
  if (state_.direction == Direction::kNone)
    if (Status s = journal_.Append(DirectionRecord{Direction::kForward}); !s.ok()) return s;
  if (Status s = journal_.Sync(); !s.ok()) return s;
  for (uint32_t id : old) {
    Place place;
    if (Status s = Find(id, &place); !s.ok()) return s;
    const std::string& path = state_.files[id].dest;
    if (int r = os_.Unlink(place.dir, place.name.c_str()); r < 0 && r != -ENOENT)
      return Status::Errno(-r, "unlink", path);
    disk_[id].replaces = false;
  }
  if (!journal_.durable()) return Status::Ok();
  barrier.Run();
  return barrier.First();
}

// What an earlier call, or another process, has renamed may not be durable yet, unless the journal says so.
Status Publisher::MakeDurableBefore(Phase phase) {
  if (!journal_.durable() || state_.phases + 1 >= static_cast<uint8_t>(phase)) return Status::Ok();
  DirectoryBarrier barrier(os_);
  for (const FileEntry& file : state_.files)
    if (file.phase < phase) barrier.Need(ParentOf(file.dest));
  barrier.Run();
  return barrier.First();
}

// Over what stands there first: a refusal that nobody could foresee is met before a new name is visible.
Status Publisher::RenamePhase(Phase phase) {
  if (!HasPhase(phase)) return Status::Ok();
  if (Status s = MakeDurableBefore(phase); !s.ok()) return s;
  const Status s = RenameAll(phase, true);
  return s.ok() ? RenameAll(phase, false) : s;
}

bool Publisher::HasPhase(Phase phase) const {
  for (uint32_t id = 0; id < state_.files.size(); id++)
    if (state_.files[id].phase == phase && !disk_[id].published) return true;
  return false;
}

Status Publisher::Rename(Until until, bool clears) {
  const bool begun = state_.direction == Direction::kForward && state_.phases < static_cast<uint8_t>(Phase::kData);
  const bool clear = begun || (until == Until::kCleared ? clears : ReplacesData());
  Status s = clear ? Clear() : Status::Ok();
  for (Phase phase : {Phase::kData, Phase::kCommit, Phase::kPointer})
    if (s.ok() && IsDue(phase, until)) s = RenamePhase(phase);
  if (!s.ok()) return RecordPublished(s);
  dir_.Close();  // a batch of finalize waits with hundreds of transfers at this point
  return until == Until::kAll ? made().Finish(&directories_) : Status::Ok();
}

Status Publisher::RecordPhases(Until until) {
  const uint8_t before = state_.phases;
  for (Phase phase : {Phase::kData, Phase::kCommit, Phase::kPointer})
    if (static_cast<uint8_t>(phase) > before && IsDue(phase, until))
      if (Status s = journal_.Append(PhaseRecord{phase}); !s.ok()) return s;
  return journal_.Sync();
}

}  // namespace axl
