// The life of a transfer in the process that makes it. Every decision is the journal's: this only calls in order.
#include "transfer.h"

#include <cerrno>
#include <optional>

#include "copy/copy_job.h"
#include "copy/prepare.h"
#include "dataset/rank.h"
#include "finalize/meeting.h"
#include "os/metadata.h"

namespace axl {

namespace {

Counters TotalsOf(const TransferState& state) {
  Counters c;
  c.files_total = state.files.size();
  for (size_t i = 0; i < state.files.size(); i++) {
    c.bytes_total += state.files[i].size;
    c.files_failed += state.progress[i].state == FileState::kFailed;
    if (state.progress[i].state != FileState::kDone) continue;
    c.files_done++;
    c.bytes_copied += state.files[i].size;
  }
  return c;
}

Status Wrong(const char* what, const Journal& journal) {
  return Status::Make(Code::kInvalidState, what, journal.path());
}

}  // namespace

Transfer::Transfer(Os& os, Engine& engine)
    : os_(os), engine_(engine), throttle_(std::make_shared<Throttle>(engine)), plan_(os, engine.stopping()) {}
Transfer::~Transfer() = default;

Status Transfer::Create(const TransferOptions& options) {
  TransferInfo info;
  info.name = options.name;
  info.rank = options.rank;
  info.size = options.size;
  info.durability = options.durability;
  info.keep = options.keep;
  info.chunk_size = options.chunk_size;
  info.job = options.job;
  info.local_rank = options.local_rank;
  info.all_ranks = options.all_ranks;
  info.home = options.home;
  info.dataset = options.dataset;
  info.attempt = options.attempt;
  info.heartbeat_ms = options.heartbeat_ms;
  SetBandwidth(options.bandwidth);
  verify_ = options.verify;
  plan_.Spare(options.state_file);
  plan_.KeepHardLinks(options.hard_links);
  if (options.commit_files) plan_.SetCommitFiles(*options.commit_files);
  manifest_ = options.manifest;
  return Journal::Create(os_, options.state_file, info, &journal_);
}

Status Transfer::Open(const std::string& state_file, const Word& word, bool adopt, bool agreed, Verify verify) {
  std::unique_ptr<Journal> journal;
  if (Status s = Journal::Open(os_, state_file, {.word = &word, .adopt = adopt}, &journal); !s.ok()) return s;
  if (!journal->state().sealed) return Wrong("the transfer was never dispatched; there is nothing to resume", *journal);
  // After it is locked: see AskVerdict.
  std::optional<Decision> decision;
  if (Status s = axl::AskVerdict(os_, journal->state(), state_file, &decision); !s.ok()) return s;
  if (decision == Decision::kRollBack)
    return Status::Make(Code::kStateLocked, "a finalizer has decided to roll its dataset back: run axl-finalize",
                        state_file);
  forward_only_ = decision.has_value();
  in_phases_ = decision == Decision::kPublishInPhases;
  journal_ = std::move(journal);
  counters_ = TotalsOf(journal_->state());
  verify_ = verify;
  alone_ = !agreed && journal_->state().info.all_ranks && journal_->state().info.size > 1;
  return Status::Ok();
}

Status Transfer::Add(const Plan::Pairs& pairs, PlanOptions options) {
  if (state() != State::kCreated) return Wrong("add after dispatch", *journal_);
  ExpectedSources expected;
  if (Status s = LoadExpected(os_, &options, &expected); !s.ok()) return s;
  return plan_.Add(pairs, options);
}

Status Transfer::AddAs(const Plan::Pairs& pairs, PlanOptions options) {
  if (state() != State::kCreated) return Wrong("add after dispatch", *journal_);
  ExpectedSources expected;
  if (Status s = LoadExpected(os_, &options, &expected); !s.ok()) return s;
  return plan_.AddAs(pairs, options);
}

Status Transfer::Dispatch(std::function<void()> on_quiet) {
  if (Status s = SealPlan(); !s.ok()) return s;
  Start(std::make_shared<CopyJob>(os_, *journal_, false, std::move(on_quiet)));
  return Status::Ok();
}

Status Transfer::SealPlan() {
  if (state() != State::kCreated) return Wrong("dispatched already", *journal_);
  if (Status s = DescribePlan(); !s.ok()) return s;
  const Journal::Mark mark = journal_->mark();
  std::vector<Record> batch;
  Status s = JournalPlan(&batch);
  if (s.ok()) s = journal_->Sync();
  if (!s.ok()) {
    (void)journal_->CutBack(mark);  // after a failed fsync it is cut back, and closed, already
    TransferState undone = journal_->TakeUndone();
    for (Record& r : batch) {
      if (auto* file = std::get_if<FileRecord>(&r)) undone.files.push_back(std::move(file->file));
      if (auto* dir = std::get_if<DirRecord>(&r)) undone.dirs.push_back(std::move(dir->dir));
    }
    plan_.Return(std::move(undone.files), std::move(undone.dirs));
    plan_.DropManifest();
    return s;
  }
  plan_.Clear();
  failure_ = MakeDirectories(os_, *journal_, false);
  return failure_;
}

Status Transfer::AppendAll(std::vector<Record>* batch) {
  Status s = journal_->Append(*batch);
  if (s.ok()) batch->clear();
  return s;
}

void Transfer::Start(std::shared_ptr<CopyJob> job) {
  job->FsyncOn(engine_);
  job->ThrottleBy(throttle_);
  {
    std::lock_guard lock(mutex_);
    job_ = job;
    counters_ = TotalsOf(journal_->state());
  }
  engine_.Add(job);
}

std::shared_ptr<CopyJob> Transfer::job() const {
  std::lock_guard lock(mutex_);
  return job_;
}

// REQUIRES, of the caller: nothing is to be done of a transfer that is settled.
Status Transfer::Prepare() {
  const TransferState& state = journal_->state();
  if (!quiet()) return Wrong("resume while copies run", *journal_);
  if (!state.sealed) return Wrong("resume before dispatch", *journal_);
  if (state.outcome == Outcome::kRolledBack) return Wrong("resume after free has begun", *journal_);
  if (Status s = CheckJobEnded(); !s.ok()) return s;
  failure_ = state.settled ? Status::Ok() : PrepareResume(os_, *journal_, engine_.stopping());
  return failure_;
}

Status Transfer::Resume(std::function<void()> on_quiet) {
  if (Status s = Prepare(); !s.ok()) return s;
  if (journal_->state().settled)
    engine_.Post(std::move(on_quiet));
  else
    Start(std::make_shared<CopyJob>(os_, *journal_, true, std::move(on_quiet)));
  return Status::Ok();
}

Status Transfer::Seal(bool resume, bool keep_partial) {
  if (Status s = resume ? Prepare() : SealPlan(); !s.ok()) return s;
  if (resume && !keep_partial)
    if (failure_ = RemovePartial(os_, *journal_); !failure_.ok()) return failure_;
  return Rejoin();
}

Status Transfer::Submitted(const std::string& mover, const std::string& token) {
  if (!moving_) return Wrong("submitted without files to move", *journal_);
  if (Status s = journal_->Append(SubmittedRecord{{mover, token, {}}}); !s.ok()) return s;
  if (Status s = journal_->Sync(); !s.ok()) return s;
  may_run_ = true;
  return Status::Ok();
}

Status Transfer::CheckJobEnded() const {
  if (!may_run_) return Status::Ok();
  return Status::Make(Code::kUnavailable, "nobody can tell whether its mover has ended: ask it again by resume",
                      journal_->path());
}

Status Transfer::Rejoin() {
  if (!quiet()) return Wrong("resume while copies run", *journal_);
  std::lock_guard lock(mutex_);
  failure_ = {};
  job_ = nullptr;
  counters_ = TotalsOf(journal_->state());
  moving_ = true;
  return Status::Ok();
}

Status Transfer::Adopt(Arrivals arrivals, std::function<void()> on_quiet) {
  may_run_ = false;
  // With it the journal says that the job is over.
  if (!journal_->state().submitted.empty() && !journal_->state().settled)
    if (const Status s = journal_->Append(ResumedRecord()); !s.ok()) {
      Abandon(s);
      return s;
    }
  if (journal_->state().settled)
    engine_.Post(std::move(on_quiet));
  else
    Start(std::make_shared<CopyJob>(os_, *journal_, std::move(arrivals), std::move(on_quiet)));
  moving_ = false;
  return Status::Ok();
}

void Transfer::Abandon(Status why) {
  failure_ = std::move(why);
  moving_ = false;
}

bool Transfer::Cancel() {
  const auto copies = job();
  if (!copies || copies->quiet()) return false;
  copies->Cancel();
  return true;
}

bool Transfer::quiet() const {
  const auto copies = job();
  return !moving_ && (!copies || copies->quiet());
}

Status Transfer::failure() const {
  const auto copies = job();
  return !failure_.ok() || !copies ? failure_ : copies->failure();
}

Status Transfer::FirstFailure() const {
  if (Status s = failure(); !s.ok()) return s;
  const TransferState& state = journal_->state();
  for (const auto& p : state.progress)
    if (p.state == FileState::kFailed)
      return Status::Make(Code::kTransferFailed, "a file of the transfer failed; its report says why",
                          journal_->path());
  if (state.canceled) return Status::Make(Code::kCanceled, "the transfer was canceled", journal_->path());
  if (!state.AllDone()) return Wrong("the transfer is incomplete; resume it first", *journal_);
  return Status::Ok();
}

// Of one that is not published yet.
Status Transfer::CheckComplete() const {
  if (!quiet()) return Wrong("publish while copies run", *journal_);
  const TransferState& state = journal_->state();
  if (!state.sealed) return Wrong("wait before dispatch", *journal_);
  if (state.outcome == Outcome::kRolledBack) return Wrong("wait after free has begun", *journal_);
  if (state.outcome == Outcome::kPublished) return Status::Ok();
  if (alone_ && !forward_only_)
    return Wrong(
        "it is published only with all ranks of its dataset: open it with comm on all ranks, or with agreed if "
        "you know that all are complete, or run axl-finalize",
        *journal_);
  return FirstFailure();
}

PublishOptions Transfer::PublishWith() const {
  PublishOptions options;
  options.verify = verify_;
  options.stop = &engine_.stopping();
  return options;
}

Status Transfer::CheckPublish() {
  const Status s = CheckComplete();
  if (!s.ok() || journal_->state().outcome == Outcome::kPublished) return s;
  return Publisher(os_, *journal_, PublishWith()).Commit();
}

Status Transfer::Publish() {
  const TransferState& state = journal_->state();
  // What it retires is deleted when all ranks are published, which one of them alone cannot know.
  const bool together = in_phases_ || (!state.retire.empty() && state.info.size > 1);
  if (together && state.phases < static_cast<uint8_t>(Until::kPointer))
    return Wrong(
        "its dataset is published in phases, with all ranks: open it with comm on all ranks, or run axl-finalize",
        *journal_);
  return PublishUntil(Until::kAll, false);
}

Status Transfer::PublishUntil(Until until, bool clears) {
  const Status s = CheckComplete();
  if (!s.ok() || journal_->state().outcome == Outcome::kPublished) return s;
  publisher_ = std::make_unique<Publisher>(os_, *journal_, PublishWith());
  return publisher_->Publish(until, clears, &left_);
}

uint32_t Transfer::Phases() const {
  const TransferState& state = journal_->state();
  return (InPhases(state) ? 1 : 0) + (MayReplaceData(state) ? 2 : 0);
}

Status Transfer::Meet(const Transfer& publishing, Order* order) {
  const TransferState &mine = journal_->state(), &theirs = publishing.journal_->state();
  *order = Order::kApart;
  if (!mine.sealed || mine.outcome != Outcome::kNone || !theirs.AllDone()) return Status::Ok();
  bool meet;
  std::vector<Record> replaces = Replacements(theirs, mine, &meet);
  if (meet) *order = IsOlder(mine, theirs) ? Order::kOlder : Order::kNewer;
  if (*order != Order::kNewer || replaces.empty()) return Status::Ok();
  const auto copies = job();
  return copies ? copies->AppendBeside(replaces) : journal_->AppendDurably(replaces);
}

Status Transfer::Free() {
  if (!quiet()) return Wrong("free while copies run", *journal_);
  if (Status s = CheckJobEnded(); !s.ok()) return s;
  const TransferState& state = journal_->state();
  if (forward_only_ && state.outcome != Outcome::kPublished)
    return Wrong("it was decided to publish its dataset: wait publishes it", *journal_);
  if (state.sealed && state.outcome != Outcome::kPublished)
    if (Status s = Publisher(os_, *journal_).RollBack(); !s.ok()) return s;
  if (Status s = journal_->Remove(); !s.ok()) return s;
  return journal_->SyncDirectory();
}

Status Transfer::AgreeToPublish(bool at_home, bool in_phases) {
  const Status s = axl::AgreeToPublish(os_, journal_->state(), journal_->path(), at_home, in_phases);
  forward_only_ |= s.ok();
  return s;
}

Status Transfer::PassPhases() { return axl::PassPhases(os_, journal_->state(), journal_->path()); }

Status Transfer::AskVerdict(std::optional<Decision>* decision) {
  return axl::AskVerdict(os_, journal_->state(), journal_->path(), decision);
}

Status Transfer::Withdraw() {
  const Status s = axl::Withdraw(os_, journal_->state(), journal_->path());
  if (s.ok()) forward_only_ = false;
  return s;
}

void Transfer::Close() {
  if (!quiet()) return;
  publisher_.reset();
  journal_.reset();
}

Transfer::State Transfer::state() const {
  const TransferState& s = journal_->state();
  if (!s.sealed) return State::kCreated;
  if (s.outcome == Outcome::kPublished) return State::kPublished;
  if (s.outcome == Outcome::kRolledBack) return State::kRolledBack;
  if (!quiet()) return State::kDispatched;
  if (!failure().ok()) return State::kFailed;
  for (const auto& p : s.progress)
    if (p.state == FileState::kFailed) return State::kFailed;
  if (s.settled || s.AllDone()) return State::kCompleted;
  return s.canceled ? State::kCanceled : State::kFailed;
}

Counters Transfer::counters() const {
  std::lock_guard lock(mutex_);
  Counters c = counters_;
  if (!job_) return c;
  c.bytes_copied = job_->bytes_copied();
  c.files_done = job_->files_done();
  c.files_failed = job_->files_failed();
  return c;
}

PlanCounts Transfer::plan_counts() const { return plan_.counts(); }
std::string Transfer::name() const { return journal_->state().info.name; }
std::string Transfer::state_file() const { return journal_->path(); }
const Uuid& Transfer::uuid() const { return journal_->uuid(); }

}  // namespace axl
