// One live transfer of this process: plan, dispatch, copy, publish, cancel, resume, free.
// The calls below may block on I/O: call them on a background thread, one at a time for each transfer (the binding
// queues them). counters(), Cancel() and quiet() may be called at any time from any thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/engine.h"
#include "base/record.h"
#include "base/status.h"
#include "copy/adopt.h"
#include "copy/throttle.h"
#include "dataset/verdict.h"
#include "journal/journal.h"
#include "os/os.h"
#include "plan/plan.h"
#include "publish/publisher.h"
#include "publish/retire.h"

namespace axl {

class CopyJob;

struct TransferOptions {
  std::string name;
  std::string state_file;  // absolute
  Durability durability = Durability::kFull;
  Policies keep = {};
  bool hard_links = true;                                     // are kept; false: each name becomes a file
  std::optional<std::vector<std::string>> commit_files = {};  // instead of the default list
  std::optional<std::string> manifest = {};                   // as Plan::AddManifest has it
  uint32_t rank = 0;
  uint32_t size = 1;
  uint32_t chunk_size = 8u << 20;  // bytes; a multiple of 4,096
  std::string job = {};
  uint32_t local_rank = kNoLocalRank;
  bool all_ranks = false;
  std::string home = {};          // absolute: where the dataset's verdict lives; empty: the directory of the state file
  Uuid dataset{};                 // zeros: what all say who say the same; see DatasetId
  uint64_t attempt = 0;           // how often the job was started again
  uint32_t heartbeat_ms = 0;      // how often the state file is touched; 0: never
  uint64_t bandwidth = 0;         // see SetBandwidth; not recorded
  Verify verify = Verify::kSize;  // what is compared before it is published; not recorded
};

// A snapshot; bytes and numbers of files since dispatch, what resume kept included.
struct Counters {
  uint64_t bytes_total = 0;
  uint64_t bytes_copied = 0;
  uint64_t files_total = 0;
  uint64_t files_done = 0;
  uint64_t files_failed = 0;
};

class Transfer : public std::enable_shared_from_this<Transfer> {
 public:
  Transfer(Os& os, Engine& engine);
  ~Transfer();

  // The state file exists afterwards, locked, with nothing in it but the name. Errors as Journal::Create.
  Status Create(const TransferOptions& options);
  // A state file that a dead process left. Errors as Journal::Open; kInvalidState if it was never dispatched.
  // What it says decides the state: see state().
  // `adopt`: also a copy of a state file whose original is gone. `agreed`: the caller sees to it that what goes only
  // with all ranks is published only then; otherwise it is not published unless that was decided.
  Status Open(const std::string& state_file, const Word& word = {}, bool adopt = false, bool agreed = true,
              Verify verify = Verify::kSize);

  // Would Publish succeed, as far as that can be told before the first rename? Changes nothing.
  Status CheckPublish();

  enum class Order : uint8_t { kApart = 0, kOlder, kNewer };
  // Does this one go to final names of `publishing`, and was it dispatched before or after it? If after, its journal
  // says durably that it may replace what is published there. REQUIRES: `publishing` is complete, and nothing is called
  // of it meanwhile.
  Status Meet(const Transfer& publishing, Order* order);

  // As in Plan. kInvalidState after dispatch.
  Status Add(const Plan::Pairs& pairs, PlanOptions options);
  Status AddAs(const Plan::Pairs& pairs, PlanOptions options);

  // As Plan::AddPointer. kConflict unless it is the first rank; kInvalidState after dispatch.
  Status Point(const std::string& path, std::string target, bool text);

  // As Plan::AddRetired. kInvalidState after dispatch; kNotSupported where nobody could know that what comes instead is
  // published durably.
  Status Retire(const std::vector<std::string>& paths);

  // Stats the sources, journals and fsyncs the plan, makes the directories and starts the copies. A failure leaves no
  // temporary file and no directory. Before SEALED the transfer is as it was (created) and can be dispatched again;
  // after it (a directory could not be made) it is kFailed, and can be resumed or freed.
  // `on_quiet` is called once, on a worker thread, when no copy runs any more; never under a lock.
  Status Dispatch(std::function<void()> on_quiet);
  // After Open, or after a cancel or failure in this process: drops what failed, verifies what is there, copies the
  // rest.
  Status Resume(std::function<void()> on_quiet);

  // Where a mover brings the bytes: Seal, Submitted, then its job, then Adopt or Abandon. Meanwhile it is not quiet.
  // As Dispatch, or with `resume` as Resume, but nothing is copied. With `keep_partial` what is at temporary names of
  // files that are not DONE stays for the mover to go on with; otherwise it is removed.
  Status Seal(bool resume, bool keep_partial);
  // Who moves the bytes from now on, and what the mover calls that: durable before the mover begins.
  Status Submitted(const std::string& mover, const std::string& token);
  // After Abandon: the job is asked about again.
  Status Rejoin();
  // REQUIRES: the job is over. What it has brought is adopted by the engine's workers, and ends as copies do.
  Status Adopt(Arrivals arrivals, std::function<void()> on_quiet);
  // There is no job, or nobody can tell whether it has ended: the transfer is kFailed for that reason. If it was
  // Submitted, only Rejoin goes on: what may still run is neither copied again nor rolled back.
  void Abandon(Status why);

  // Copies stop within one buffer (256 KiB); on_quiet follows. Files that are DONE stay DONE. False if none runs.
  bool Cancel();
  // How fast its copies may be, in bytes a second; 0: as fast as they can, or the process may. At any time.
  void SetBandwidth(uint64_t bytes_per_second) const { throttle_->Set(bytes_per_second); }
  bool quiet() const;  // would not block: no copy runs, and no mover has its files (true before dispatch)

  // REQUIRES quiet. The first failure of the copies, or what publishing says. Published and FINAL is durable if ok.
  // kTransferFailed (some file failed; see report()), kCanceled, kVerify, kIo ... Calling it again gives the same, or,
  // if publishing itself failed, tries to go on.
  Status Publish();
  // The same, but only so far, which is durable then (PHASE); of ranks that go together, when all have come as far as
  // the step before. `clears`: another rank replaces data.
  Status PublishUntil(Until until, bool clears);
  // Sum of: 1 has files of other phases than data; 2 may replace data.
  uint32_t Phases() const;
  // REQUIRES quiet. Rolls back what is not published, then removes the state file, durably.
  // Never dispatched or published: removes the state file only.
  Status Free();
  // Ranks that go together, for all of them: see native/dataset/rank.h. Afterwards Free refuses what is not
  // published.
  Status AgreeToPublish(bool at_home, bool in_phases);
  Status PassPhases();
  Status AskVerdict(std::optional<Decision>* decision);
  Status Withdraw();
  // It was decided that this transfer is published: there is no way back.
  bool forward_only() const { return forward_only_; }
  // Lets go of the state file without removing it: what resume and axl-finalize need stays.
  void Close();

  enum class State : uint8_t { kCreated, kDispatched, kCompleted, kFailed, kCanceled, kPublished, kRolledBack };
  // After Open and after quiet: what the journal says. kCompleted: every file is DONE, not yet published.
  State state() const;

  Counters counters() const;
  PlanCounts plan_counts() const;
  std::string name() const;
  std::string state_file() const;
  const Uuid& uuid() const;
  // REQUIRES quiet, after Create or Open. What the state file says.
  const TransferState& journalled() const { return journal_->state(); }
  // What the directories that it has finished lack; and which kinds of access lists and labels no copy has.
  Lacking directories() const { return publisher_ ? publisher_->directories() : Lacking{}; }
  const std::set<std::string>& not_copied() const { return plan_.not_copied(); }
  // Of what is retired, that which stays, and why. After Publish.
  const std::vector<Left>& left() const { return left_; }
  // Patterns of commit files of which no file of the plan had the name.
  std::vector<std::string> unmatched() const { return plan_.unmatched(); }
  // A manifest was wanted, and there is no file, and so no directory for it.
  bool lacks_manifest() const { return lacks_manifest_; }
  // REQUIRES quiet. Calls `f` for each file, in the order they were added: a copy of 100,000 would be 50 MB.
  void EachFile(const std::function<void(const FileEntry&, const FileProgress&)>& f) const;
  // The files that are neither DONE nor FAILED, and whose bytes have to be moved.
  void EachPending(const std::function<void(uint32_t, const FileEntry&)>& f) const;
  // REQUIRES quiet. The transfer's own failure, if not a file's: a journal that could not be written ...
  Status failure() const;

 private:
  Status SealPlan();
  Status DescribePlan();
  Status JournalPlan(std::vector<Record>* batch);
  static Status LoadExpected(Os& os, PlanOptions* options, ExpectedSources* expected);
  Status JournalExpected(std::vector<Record>* batch);
  Status AppendAll(std::vector<Record>* batch);
  FileProgress ProgressOf(uint32_t id) const;
  Status Prepare();
  Status CheckComplete() const;
  PublishOptions PublishWith() const;
  void Start(std::shared_ptr<CopyJob> job);
  Status FirstFailure() const;
  Status CheckJobEnded() const;
  std::shared_ptr<CopyJob> job() const;

  Os& os_;
  Engine& engine_;
  const std::shared_ptr<Throttle> throttle_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Publisher> publisher_;  // the last that ran: what it has done counts in reports
  Plan plan_;
  std::optional<std::string> manifest_;
  bool lacks_manifest_ = false;
  std::vector<Left> left_;
  bool forward_only_ = false;
  bool in_phases_ = false;  // it was decided so
  Verify verify_ = Verify::kSize;
  bool alone_ = false;  // opened by who knows nothing of the other ranks with which alone it is published
  Status failure_;
  std::atomic<bool> moving_{false};  // a mover has its files
  bool may_run_ = false;             // a job was submitted, and is not known to have ended
  mutable std::mutex mutex_;         // guards what follows: counters() and Cancel() come from any thread
  std::shared_ptr<CopyJob> job_;
  Counters counters_;  // totals, and what was copied before job_
};

}  // namespace axl
