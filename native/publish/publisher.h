// Publishes or rolls back ONE transfer. The only code that renames or deletes what a transfer made.
// A live wait() and axl-finalize both use it. REQUIRES: the journal is locked by the caller.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/record.h"
#include "base/status.h"
#include "base/stop.h"
#include "journal/journal.h"
#include "os/directories.h"
#include "os/os.h"
#include "os/same.h"
#include "publish/barrier.h"
#include "publish/made.h"
#include "publish/owners.h"
#include "publish/retire.h"

namespace axl {

enum class Verify : uint8_t { kNone = 1, kSize = 2, kChecksum = 3 };
// Where a destination exists. kNewer: replaced if it is what stood there when the transfer was dispatched, or older.
enum class Overwrite : uint8_t { kReplace = 1, kFail = 2, kKeep = 3, kNewer = 4 };

// Instead of what the transfer recorded, each.
struct AskedPolicies {
  std::optional<OwnerPolicy> owner = {}, mode = {}, times = {}, xattrs = {}, acls = {};
  Policies Over(const Policies& recorded) const;
};

struct PublishOptions {
  Verify verify = Verify::kSize;
  Overwrite overwrite = Overwrite::kNewer;
  AskedPolicies keep = {};
  const std::atomic<bool>* stop = &kGoOn;  // once it is true, no file is summed any more: kCanceled
  bool axl_in_place = false;               // a roll back deletes what AXL has begun to write at final names
};

// How far a call publishes, in the order of Phase. Of ranks that go together none goes on before all have come so far.
enum class Until : uint8_t { kCleared = 0, kData = 1, kCommit = 2, kPointer = 3, kAll = 4 };

// Is there something that comes after all data, of all ranks: files of other phases, or what is retired?
bool InPhases(const TransferState& state);
// May a data file replace something, as far as the journal tells?
bool MayReplaceData(const TransferState& state);
// May an old commit file stand at a final name?
bool MayHaveOldCommitFile(const TransferState& state);

// Publishing goes step by step, so that many transfers share a barrier:
//   Prepare -> Rename -> NeedDirectories, barrier.Run -> Finish
// A failure before the first rename leaves everything as it was; after it, publishing only rolls forward: the journal
// stays, disk() says which files are at their final names, and the next run goes on.
class Publisher {
 public:
  // `cache`: where to look for open directories; none of them may have been made anew since it was opened.
  Publisher(Os& os, Journal& journal, PublishOptions options = {}, DirectoryCache* cache = nullptr)
      : os_(os), journal_(journal), state_(journal.state()), options_(options), dir_(os, cache) {
    for (const FileProgress& p : state_.progress) disk_.push_back({p.published, p.lacking});
  }

  // What was seen of a file, for who made its DONE of that a moment ago.
  struct Looked {
    Seen temporary, final;
    bool has_temporary = false, has_final = false;
  };
  // The next Check looks at none of these names again. What came since is met by what acts on it: a file is looked at
  // before it is mended, and a rename replaces nothing where nothing stood. Empty: it looks.
  void Know(std::vector<Looked> looked) { looked_ = std::move(looked); }

  // Every temporary file is there, is the one of DONE (see os/same.h), and has its size (and contents, if told to
  // verify them); no rename is known to be refused (see refusal.h); the directories can be written. Or the final name
  // already is that file. Changes nothing. kVerify if a file is lost, is not ours, or cannot be told; kInvalidState if
  // a file is not DONE; kConflict if a destination exists and is not to be replaced, cannot be, or is not mounted.
  Status Check();
  // Check; then SETTLED is durable, and nothing else is changed, but for what the rehearsal of made.h does.
  Status Commit();
  // Check; then metadata that does not match is mended and durable, that of directories is rehearsed, and SETTLED and
  // KEPT are durable.
  Status Prepare();
  // Old commit files are deleted, durably, if data are replaced; with kCleared if `clears` says so of a rank. Then
  // phase by phase, each durable before the next, up to `until`; with kAll then the metadata of directories we made.
  // Stops at the first error. REQUIRES: Prepare was ok.
  Status Rename(Until until = Until::kAll, bool clears = false);
  // PHASE of all up to `until`, durable. REQUIRES: they are.
  Status RecordPhases(Until until);
  void NeedDirectories(DirectoryBarrier* barrier) const;
  // After the barrier: is everything durable?
  Status Durable(const DirectoryBarrier& barrier) const;
  // As RetireAll. REQUIRES: everything is durable.
  Status Retire(std::vector<Left>* left) { return RetireAll(os_, journal_, left, *options_.stop); }
  // FINAL, durable.
  Status Finish(Outcome outcome);

  // All of that for one transfer alone. With another `until` than kAll it ends with RecordPhases.
  // What it retires is deleted; *left: what of that stays.
  Status Publish(Until until = Until::kAll, bool clears = false, std::vector<Left>* left = nullptr);

  // Unlinks the temporary files and removes the directories we made, if they are empty; durable afterwards. The state
  // file stays, for the caller to remove.
  // kInvalidState if a file is already published: then only publishing goes on. kConflict if the directories in which
  // nothing is found are not those of the transfer.
  Status RollBack();
  // Would it be refused? Changes nothing.
  Status CheckRollBack();
  // Of a transfer that AXL has copied to its final names: those files that are whole get their metadata, durably.
  Status MendInPlace();

  // What the disk says of a file, as far as this publisher has looked and changed it: more than the journal does.
  struct OnDisk {
    bool published = false;
    uint8_t lacking = 0;    // bits kLacks...
    bool replaces = false;  // something stands at the final name
  };
  const OnDisk& disk(uint32_t id) const { return disk_[id]; }
  bool AnyPublished() const;
  bool IsAllPublished() const;
  // Of the directories that it has finished; and with the files, as far as it has looked and changed them.
  const Lacking& directories() const { return directories_; }
  Lacking lacking() const;

  // Does a temporary file of this transfer exist? For a journal without SETTLED.
  Status AnyTemporary(bool* any);

 private:
  struct Place {  // the directory of a file, and its two names there
    int dir = -1;
    std::string temporary;
    std::string name;
  };
  Status MakeCommitted();
  Status CheckWritable();
  Status CheckAll();
  int LookAtTemporary(uint32_t id, const Place& place, Seen* seen);
  int LookAtFinal(uint32_t id, const Place& place, Seen* seen);
  Status CheckFile(uint32_t id);
  Status CheckTemporary(uint32_t id, const Place& place, Sighting temporary);
  Status CheckDestination(uint32_t id, const Place& place, const Seen& temporary);
  Status CheckReplaced(uint32_t id, const Place& place, const Seen& there);
  Status CheckPublished(uint32_t id, const Place& place);
  Status CheckContents(uint32_t id, const Sighting& at);
  Recognized Recognize(uint32_t id, const Sighting& at);
  using Inode = std::pair<uint32_t, uint64_t>;  // of which file of the transfer; its number as it is now
  Inode InodeOf(uint32_t id, const Seen& seen) const;
  void Meet(uint32_t id, const Seen& seen, uint64_t names, bool published);
  Status CheckKept(uint32_t id);
  Status CheckNames() const;
  Status CheckTouched() const;
  bool IsRenamed(uint32_t id) const;
  static Status Newer(const std::string& path);
  Status IsHalfRenamed(uint32_t id, const Place& place, const Seen& temporary, bool* half);
  Status Lost(uint32_t id);
  bool RenameTells() const;
  Status RenameSeen(uint32_t id, const Place& place);
  bool NeedsMending(uint32_t id, const struct stat& st);
  bool ReplacesData() const;
  Status Clear();
  bool HasPhase(Phase phase) const;
  Status MakeDurableBefore(Phase phase);
  Status RenamePhase(Phase phase);
  Status RenameAll(Phase phase, bool replacing);
  Status Mend(uint32_t id);
  Status KeepDestinations(const std::vector<uint32_t>& ids);
  Status RenameFile(uint32_t id);
  int RenameTo(uint32_t id, const Place& place);
  Status RecordPublished(Status cause);
  Status GiveUp();
  Status CheckNonePublished();
  Status IsPublished(uint32_t id, bool* is);
  std::vector<std::string> NamesToRemove(uint32_t id, const Place& place) const;
  Status RemoveTemporaries();
  Status RemoveDirectories();
  Status SyncRemovals();
  Status Find(uint32_t id, Place* place);
  Policies keep() const { return options_.keep.Over(state_.info.keep); }
  uint8_t Retried() const;
  bool IsForeign(uint32_t id, const struct stat& st) const;
  MadeDirectories made() const { return {os_, state_, keep(), numbers_}; }
  Status MendLink(uint32_t id, Sighting at);
  Status GiveAgain(uint32_t id, int fd, const Sighting& at);

  Os& os_;
  Journal& journal_;
  const TransferState& state_;
  const PublishOptions options_;
  ParentDirectory dir_;
  bool unseen_ = false;         // whether something stands at the final name will be told by the rename
  std::vector<OnDisk> disk_;    // by file
  std::vector<Looked> looked_;  // the same, or empty
  std::vector<uint32_t> to_mend_;
  std::vector<uint32_t> to_keep_;
  std::set<uint32_t> half_renamed_;  // both names are there
  std::vector<uint32_t> touched_;    // what stands there has another ctime, perhaps by a rename of ours
  // Of what has several: how many are ours, how many there are, and is one of ours final?
  struct Names {
    uint32_t id = 0;
    uint64_t ours = 0, all = 0;
    bool published = false;
  };
  std::map<Inode, Names> names_;
  Numbers numbers_;
  Lacking directories_;
};

}  // namespace axl
