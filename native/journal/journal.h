// One state file: created, opened, locked, appended to, made durable, removed. The only code that writes one.
// The lock (flock) is held from Create/Open until the object goes away. Not thread-safe: one caller at a time.
#pragma once

#include <fcntl.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "base/record.h"
#include "base/status.h"
#include "journal/heartbeat.h"
#include "journal/liveness.h"
#include "journal/reader.h"
#include "journal/record_values.h"
#include "os/os.h"

namespace axl {

class RealPaths;

struct OpenOptions {
  const Word* word = nullptr;  // what the caller knows of writers that cannot be asked
  int dir = AT_FDCWD;          // or that of the state file, for who opens many: it stays open for the journal's life
  bool adopt = false;          // a copy becomes the state file of its transfer, durably: the caller knows of no other
  bool axl = false;            // also a state file of AXL, which is locked and never written: records are applied only
  bool sources = false;        // of such a one: the sources are looked at, because they are to be copied again
  RealPaths* real = nullptr;   // of such a one: shared by a batch, for the journal's life
};

class Journal {
 public:
  // A new state file with a header and a TRANSFER record, locked. It appears under its name whole or not at all, and
  // never replaces: kStateExists. Nothing is durable yet but for the directory entry (durability full).
  static Status Create(Os& os, const std::string& path, const TransferInfo& info, std::unique_ptr<Journal>* out);

  // Opens, locks, reads. kUnavailable or kNotSupported for what this program does not do (see needs.h); kStateLocked if
  // its writer, a finalizer or a mover is at work; kStateCopy if it is a copy; kUnsafePath if it is not a regular file
  // of the effective user with one link; kStateCorrupt and kStateVersion as ReplayJournal; ENOENT if it is gone.
  static Status Open(Os& os, const std::string& path, OpenOptions options, std::unique_ptr<Journal>* out);

  // Unlinks the draft of a create that was killed. kStateLocked if it is being written at this moment.
  static Status RemoveDraft(Os& os, const std::string& path);
  static bool IsDraftName(std::string_view name) { return axl::IsDraftName(name); }

  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Appends the records that `write` encodes, all or none: after a failed write the file is cut back to where it was.
  // Not durable before Sync. Once a cut or an fsync has failed, every later call fails with the same status.
  // They are applied to state() when they are written, and then moved from. A record that breaks a rule of order is a
  // fault of this program: it is cut off again, and nothing more is taken.
  Status Append(std::span<Record> records);
  Status Append(Record record) { return Append(std::span(&record, 1)); }
  // Durable afterwards, and CONFIRMED if it is SETTLED.
  Status AppendDurably(std::span<Record> records);
  // All of it is durable afterwards (nothing is done under durability none): also what another process wrote, which is
  // written again first unless it is CONFIRMED, since the pages may count as clean after an fsync that failed. A failed
  // fsync is final (invariant 5): the file is cut back to what was durable, so that nobody acts on records that may not
  // be on the disk.
  Status Sync();
  // Says in the file that all of it is durable, for whoever opens it next. Needs no fsync itself; a failure only means
  // that the next one does more. REQUIRES: Sync has succeeded, and nothing was appended since.
  void Confirm();
  // A place to cut back to: what was appended since is gone afterwards, as after a dispatch that did not come to
  // SEALED.
  struct Mark {
    uint64_t end;
  };
  Mark mark() const { return {end_}; }
  Status CutBack(Mark mark);
  // The state as it was before the last cut, also that of a failed fsync: its entries may be wanted back.
  TransferState TakeUndone() { return std::move(undone_); }
  // A state file of AXL is read again, as it was when it was opened: nothing that was applied since counts.
  Status ReadAxl();
  bool is_axl() const { return is_axl_; }
  // Unlinks the state file if the name is still this file. The caller makes that durable.
  Status Remove();
  // Fsyncs the directory of the state file, unless nothing is to be durable. It was given by the caller, links and all.
  Status SyncDirectory();

  const std::string& path() const { return path_; }
  std::string Directory() const;
  const Uuid& uuid() const { return replay_.state.uuid; }
  // What the bytes of the file say.
  const TransferState& state() const { return replay_.state; }
  bool torn() const { return replay_.torn; }
  // Does the file begin like a state file? False: it is something else, and none of our business.
  bool recognized() const { return recognized_; }
  bool durable() const { return replay_.state.info.durability == Durability::kFull; }

 private:
  Journal(Os& os, std::string path) : os_(os), path_(std::move(path)), name_(path_) {}
  Status MakeDraft(const TransferInfo& info, bool* lost);
  Status LockDraft(const std::string& draft, bool* lost);
  Status IdentifyDraft(TransferInfo* info);
  Status WriteDraft(const std::string& draft, TransferRecord begin);
  Status OpenFile();
  Status LockAndCheck(const Word& word);
  Status ReadAll();
  Status ApplyOnly(std::span<Record> records);
  Status WriteAgain();
  Status CheckCopy(bool adopt);
  Status CheckWriterIsDead(const Word& word);
  Status Adopt();
  Status BeginToBeat(uint32_t every_ms);
  bool IsNamed();
  Status Poison(Status status);
  Status Write(std::string_view bytes);
  Status Cut(uint64_t end);

  Os& os_;
  std::string path_;
  int dir_ = AT_FDCWD;
  std::string name_;  // of the state file from dir_
  Fd fd_;
  std::unique_ptr<Heartbeat> heartbeat_;  // after the descriptor: it ends first
  Identity self_;
  uint64_t size_ = 0;
  uint64_t names_ = 1;
  Locked locked_ = Locked::kNone;
  bool recognized_ = false;
  bool may_be_axl_ = false, is_axl_ = false, sources_ = false;
  RealPaths* real_paths_ = nullptr;
  bool copy_ = false;
  bool named_ = false;  // a new state file has its name
  Replay replay_;
  uint64_t end_ = 0;      // bytes written
  uint64_t durable_ = 0;  // a failed fsync cuts back to here: what is on the disk, or was there when it was opened
  std::vector<uint8_t> unconfirmed_;  // what Open read and nobody says is on the disk
  Status poisoned_;
  TransferState undone_;
};

}  // namespace axl
