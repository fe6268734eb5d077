// Reads, decides, acts: many state files at once, in phases, so that they share their fsyncs.
#include "finalizer.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <future>
#include <map>
#include <memory>

#include "base/names.h"
#include "copy/copy_job.h"
#include "copy/prepare.h"
#include "journal/journal.h"
#include "publish/barrier.h"
#include "publish/publisher.h"

namespace axl {

namespace {

constexpr auto kStopPoll = std::chrono::milliseconds(20);

// One state file. Publishing is done in phases by the batch, everything else at once.
struct Case {
  Finalized result;
  Uuid surveyed{};  // zeros: any
  std::unique_ptr<Journal> journal;
  std::unique_ptr<Publisher> publisher;
  bool publish = false;  // renamed, and to be made durable with the others
  bool removed = false;  // an entry of the state directory went: it is to be made durable
};

class Batch {
 public:
  Batch(Os& os, Engine& engine, const FinalizeOptions& options) : os_(os), engine_(engine), options_(options) {}
  std::vector<Finalized> Run(const std::vector<std::string>& paths, const std::vector<Uuid>& surveyed);

 private:
  void OpenStateDirectories(const std::vector<std::string>& paths);
  int DirectoryOf(const std::string& state_file) const;
  void Begin(Case& c);
  void Decide(Case& c);
  void Draft(Case& c);
  void NeverDispatched(Case& c);
  void Finished(Case& c, Outcome outcome);
  void Complete(Case& c);
  void Commit(Case& c);
  void NotComplete(Case& c, Incomplete what, const Status& why);
  void RollBack(Case& c, const Status& why);
  void Resume(Case& c);
  Status CopyRest(Case& c);
  void End(Case& c, const DirectoryBarrier& barrier);
  void Conclude(Case& c, Action action, Outcome outcome);
  void Remove(Case& c, Action action);
  void Set(Case& c, Action action, Status why = {});
  Status CheckRoots(const TransferState& state) const;
  bool stopped() const { return engine_.stopping() || (options_.stop && options_.stop->load()); }

  Os& os_;
  Engine& engine_;
  const FinalizeOptions& options_;
  DirectoryCache cache_{os_};
  std::map<std::string, Fd, std::less<>> state_dirs_;
};

// Something else of that name, or nothing any more: none of our business.
Action OfOpenFailure(const Status& s, bool recognized) {
  if (s.code == Code::kStateLocked) return Action::kBusy;
  if (s.err == ENOENT) return Action::kGone;
  if (!recognized &&
      (s.code == Code::kStateCorrupt || s.code == Code::kUnsafePath || s.err == EISDIR || s.err == ENXIO))
    return Action::kNotState;
  const bool not_ours = s.code == Code::kUnavailable || s.code == Code::kNotSupported;  // see journal/needs.h
  if (s.code == Code::kStateCorrupt || s.code == Code::kStateVersion || not_ours) return Action::kCorrupt;
  return Action::kFailed;
}

void Describe(const TransferState& state, Finalized* result) {
  result->name = state.info.name;
  result->rank = state.info.rank;
  result->files = state.files.size();
  result->files_done = 0;
  result->bytes = 0;
  for (size_t i = 0; i < state.files.size(); i++) {
    result->files_done += state.progress[i].state == FileState::kDone;
    result->bytes += state.files[i].size;
  }
}

void Batch::Set(Case& c, Action action, Status why) {
  c.result.action = action;
  c.result.status = std::move(why);
}

std::vector<Finalized> Batch::Run(const std::vector<std::string>& paths, const std::vector<Uuid>& surveyed) {
  OpenStateDirectories(paths);
  std::vector<Case> cases(paths.size());
  for (size_t i = 0; i < paths.size(); i++) cases[i].result.state_file = paths[i];
  for (size_t i = 0; i < surveyed.size(); i++) cases[i].surveyed = surveyed[i];
  for (Case& c : cases) Begin(c);

  DirectoryBarrier renames(os_);
  for (const Case& c : cases)
    if (c.publish) c.publisher->NeedDirectories(&renames);
  renames.Run();
  for (Case& c : cases) End(c, renames);

  DirectoryBarrier removals(os_);
  for (const Case& c : cases)
    if (c.removed) removals.Need(ParentOf(c.result.state_file));
  removals.Run();
  std::vector<Finalized> results;
  for (Case& c : cases) {
    Status s = c.removed ? removals.Result(ParentOf(c.result.state_file)) : Status::Ok();
    if (!s.ok()) Set(c, Action::kFailed, std::move(s));
    results.push_back(std::move(c.result));
  }
  return results;
}

void Batch::OpenStateDirectories(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    const std::string dir(ParentOf(path));
    if (state_dirs_.contains(dir)) continue;
    state_dirs_.emplace(dir, Fd(os_, os_.Open(AT_FDCWD, dir.c_str(), O_PATH | O_DIRECTORY)));
  }
}

int Batch::DirectoryOf(const std::string& state_file) const {
  const Fd& fd = state_dirs_.find(ParentOf(state_file))->second;
  return fd.valid() ? fd.get() : AT_FDCWD;  // then the open by path says why
}

void Batch::Begin(Case& c) {
  if (Journal::IsDraftName(BaseOf(c.result.state_file))) return Draft(c);
  const OpenOptions options = {options_.job_ended, DirectoryOf(c.result.state_file)};
  const Status s = Journal::Open(os_, c.result.state_file, options, &c.journal);
  if (s.ok() && c.surveyed != Uuid{} && c.journal->uuid() != c.surveyed) return Set(c, Action::kGone);
  if (c.journal) Describe(c.journal->state(), &c.result);
  if (!s.ok()) return Set(c, OfOpenFailure(s, c.journal && c.journal->recognized()), s);
  if (Status outside = CheckRoots(c.journal->state()); !outside.ok()) return Set(c, Action::kFailed, outside);
  c.publisher = std::make_unique<Publisher>(os_, *c.journal, options_.publish, &cache_);
  Decide(c);
}

Status Batch::CheckRoots(const TransferState& state) const {
  const auto inside = [&](const std::string& path) {
    return std::any_of(options_.roots.begin(), options_.roots.end(),
                       [&](const std::string& root) { return IsWithin(path, root) && path != root; });
  };
  if (options_.roots.empty()) return Status::Ok();
  for (const auto& f : state.files)
    if (!inside(f.dest)) return Status::Make(Code::kUnsafePath, "the destination is outside of every --root", f.dest);
  for (const auto& d : state.dirs)
    if (!inside(d.path)) return Status::Make(Code::kUnsafePath, "the directory is outside of every --root", d.path);
  return Status::Ok();
}

void Batch::Draft(Case& c) {
  if (!options_.scan_complete || options_.resume_only) return Set(c, Action::kKept);
  if (options_.dry_run) return Set(c, Action::kRemoved);
  const Status s = Journal::RemoveDraft(os_, c.result.state_file);
  if (!s.ok()) return Set(c, OfOpenFailure(s, true), s);
  c.removed = true;
  Set(c, Action::kRemoved);
}

void Batch::Decide(Case& c) {
  const TransferState& state = c.journal->state();
  const bool complete = state.sealed && state.AllDone();
  if (options_.leave_datasets && state.info.all_ranks) return Set(c, Action::kForDataset);
  if (options_.resume_only) return state.sealed && !complete ? Resume(c) : Set(c, Action::kKept);
  if (options_.commit && (!complete || state.outcome != Outcome::kNone))
    return Set(c, state.outcome == Outcome::kPublished ? Action::kPublished : Action::kKept);
  if (!state.sealed) return NeverDispatched(c);
  if (state.outcome != Outcome::kNone) return Finished(c, state.outcome);
  if (complete && !options_.dataset_incomplete) return Complete(c);
  if (options_.dataset_incomplete) {
    const Incomplete what = options_.incomplete == Incomplete::kResume ? options_.fallback : options_.incomplete;
    return NotComplete(c, what, Status::Make(Code::kInvalidState, "its dataset is incomplete", c.result.state_file));
  }
  NotComplete(c, options_.incomplete, {});
}

void Batch::Finished(Case& c, Outcome outcome) {
  // Its owner began to free it: whatever is to become of incomplete transfers, this one was to go.
  if (outcome == Outcome::kRolledBack) return RollBack(c, {});
  if (options_.keep_state) return Set(c, Action::kPublished);
  Remove(c, Action::kRemoved);
}

// A kill inside dispatch leaves no more than records. A temporary file means that SEALED was here once: then this
// state file was damaged, and to remove it would leave that file to nobody (invariant 2).
void Batch::NeverDispatched(Case& c) {
  bool any = false;
  if (Status s = c.publisher->AnyTemporary(&any); !s.ok()) return Set(c, Action::kFailed, s);
  if (any)
    return Set(c, Action::kCorrupt,
               Status::Make(Code::kStateCorrupt, "no SEALED, but its temporary files exist", c.result.state_file));
  Remove(c, Action::kRemoved);
}

void Batch::Complete(Case& c) {
  if (options_.commit) return Commit(c);
  Status s = options_.dry_run ? c.publisher->Check() : c.publisher->Prepare();
  // DONE, but a power cut took the name before it was durable: then the transfer was never committed.
  if (s.code == Code::kVerify && !c.journal->state().settled) return NotComplete(c, options_.incomplete, s);
  if (s.ok() && options_.dry_run) return Set(c, Action::kPublished);
  if (s.ok()) s = c.publisher->Rename();
  if (!s.ok()) return Set(c, Action::kFailed, s);
  // Nothing is to be made durable: the barrier would only make it wait for others.
  if (!c.journal->durable()) return Conclude(c, Action::kPublished, Outcome::kPublished);
  c.publish = true;
}

// Others are published because this one can be: what says so must outlive a power cut.
void Batch::Commit(Case& c) {
  Status s = c.publisher->Commit();
  Set(c, s.ok() ? Action::kPublished : Action::kFailed, std::move(s));
}

void Batch::NotComplete(Case& c, Incomplete what, const Status& why) {
  switch (what) {
    case Incomplete::kKeep:
      return Set(c, Action::kKept, why);
    case Incomplete::kDelete:
      return RollBack(c, why);
    case Incomplete::kResume:
      return Resume(c);
  }
}

void Batch::RollBack(Case& c, const Status& why) {
  if (!options_.scan_complete) return Set(c, Action::kKept, why);
  if (options_.dry_run) return Set(c, Action::kRolledBack, why);
  if (Status s = c.publisher->RollBack(); !s.ok()) return Set(c, Action::kFailed, s);
  Conclude(c, Action::kRolledBack, Outcome::kRolledBack);
}

void Batch::Resume(Case& c) {
  if (options_.dry_run) return Set(c, Action::kPublished);
  const Status s = CopyRest(c);
  Describe(c.journal->state(), &c.result);
  c.result.resumed = s.ok();
  c.publisher = std::make_unique<Publisher>(os_, *c.journal, options_.publish);  // directories may be new
  if (options_.resume_only) return Set(c, Action::kKept, s);
  if (s.ok()) return Complete(c);
  // Told to stop, not unable to: whoever comes next can go on.
  NotComplete(c, s.code == Code::kCanceled ? Incomplete::kKeep : options_.fallback, s);
}

Status Batch::CopyRest(Case& c) {
  if (Status s = PrepareResume(os_, *c.journal); !s.ok()) return s;
  auto quiet = std::make_shared<std::promise<void>>();
  auto ended = quiet->get_future();
  auto job = std::make_shared<CopyJob>(os_, *c.journal, true, [quiet] { quiet->set_value(); });
  engine_.Add(job);
  while (ended.wait_for(kStopPoll) != std::future_status::ready) {
    if (!stopped()) continue;
    job->Cancel();
    (void)job->Step();  // the engine may have no workers any more: then the job ends here
  }
  if (!job->failure().ok()) return job->failure();
  for (const auto& p : c.journal->state().progress)
    if (p.state == FileState::kFailed) return *p.failure;
  return c.journal->state().settled ? Status::Ok() : Status::Make(Code::kCanceled, "stopped", c.result.state_file);
}

void Batch::End(Case& c, const DirectoryBarrier& barrier) {
  if (!c.publish) return;
  if (Status s = c.publisher->Durable(barrier); !s.ok()) return Set(c, Action::kFailed, s);
  Conclude(c, Action::kPublished, Outcome::kPublished);
}

// FINAL is for a state file that stays. Before a removal it need not be written: what it says is durable, and if the
// removal is lost in a power cut, the next run finds everything as it should be and removes the state file again.
void Batch::Conclude(Case& c, Action action, Outcome outcome) {
  if (!options_.keep_state) return Remove(c, action);
  if (c.journal->state().outcome == outcome) return Set(c, action);  // given up by its owner
  const Status s = c.publisher->Finish(outcome);
  Set(c, s.ok() ? action : Action::kFailed, s);
}

void Batch::Remove(Case& c, Action action) {
  // After an incomplete scan nothing is deleted; a published transfer's state file says only what is true anyway.
  if (!options_.scan_complete && action != Action::kPublished) return Set(c, Action::kKept);
  Set(c, action);
  if (options_.dry_run) return;
  if (Status s = c.journal->Remove(); !s.ok()) return Set(c, Action::kFailed, s);
  c.removed = c.journal->durable();
}

}  // namespace

std::vector<Finalized> FinalizeBatch(Os& os, Engine& engine, const std::vector<std::string>& paths,
                                     const FinalizeOptions& options, const std::vector<Uuid>& surveyed) {
  return Batch(os, engine, options).Run(paths, surveyed);
}

}  // namespace axl
