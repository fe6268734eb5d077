// Reads, decides, acts: many state files at once, in phases, so that they share their fsyncs.
#include "finalizer.h"

#include <algorithm>
#include <cerrno>
#include <memory>

#include "barrier.h"
#include "journal.h"
#include "names.h"
#include "publisher.h"

namespace axl {

namespace {

// What to do with one state file. `publish` is done in phases by the batch, everything else at once.
struct Case {
  Finalized result;
  std::unique_ptr<Journal> journal;
  std::unique_ptr<Publisher> publisher;
  bool publish = false;
  bool removed = false;  // an entry of the state directory went: it is to be made durable
};

class Batch {
 public:
  Batch(Os& os, Engine& engine, const FinalizeOptions& options) : os_(os), engine_(engine), options_(options) {}
  std::vector<Finalized> Run(const std::vector<std::string>& paths);

 private:
  void Begin(Case& c);
  void Open(Case& c);
  void Decide(Case& c);
  void NeverDispatched(Case& c);
  void Complete(Case& c);
  void Incompleted(Case& c, const Status& why);
  void RollBack(Case& c, const Status& why);
  void Draft(Case& c);
  void End(Case& c, const DirectoryBarrier& barrier);
  void Remove(Case& c, Action action);
  void Set(Case& c, Action action, Status why = {});
  ForEach Parallel();

  Os& os_;
  Engine& engine_;
  const FinalizeOptions& options_;
};

// Something else of that name, or nothing any more: none of our business.
Action OfOpenFailure(const Status& s, bool recognized) {
  if (s.code == Code::kStateLocked) return Action::kBusy;
  if (s.err == ENOENT) return Action::kGone;
  if (!recognized &&
      (s.code == Code::kStateCorrupt || s.code == Code::kUnsafePath || s.err == EISDIR || s.err == ENXIO))
    return Action::kNotState;
  if (s.code == Code::kStateCorrupt || s.code == Code::kStateVersion) return Action::kCorrupt;
  return Action::kFailed;
}

void Describe(const TransferState& state, Finalized* result) {
  result->name = state.info.name;
  result->rank = state.info.rank;
  result->files = state.files.size();
  for (size_t i = 0; i < state.files.size(); i++) {
    result->files_done += state.progress[i].state == FileState::kDone;
    result->bytes += state.files[i].size;
  }
}

ForEach Batch::Parallel() {
  return [this](size_t n, const std::function<void(size_t)>& f) { engine_.ParallelFor(n, options_.jobs, f); };
}

void Batch::Set(Case& c, Action action, Status why) {
  c.result.action = action;
  c.result.status = std::move(why);
}

std::vector<Finalized> Batch::Run(const std::vector<std::string>& paths) {
  std::vector<Case> cases(paths.size());
  for (size_t i = 0; i < paths.size(); i++) cases[i].result.state_file = paths[i];
  const ForEach parallel = Parallel();
  parallel(cases.size(), [&](size_t i) { Begin(cases[i]); });

  DirectoryBarrier renames(os_);
  for (const Case& c : cases)
    if (c.publish) c.publisher->NeedDirectories(&renames);
  renames.Run(parallel);
  parallel(cases.size(), [&](size_t i) { End(cases[i], renames); });

  DirectoryBarrier removals(os_);
  for (const Case& c : cases)
    if (c.removed) removals.Need(ParentOf(c.result.state_file));
  removals.Run(parallel);
  std::vector<Finalized> results;
  for (Case& c : cases) {
    Status s = c.removed ? removals.Result(ParentOf(c.result.state_file)) : Status::Ok();
    if (!s.ok()) Set(c, Action::kFailed, std::move(s));
    results.push_back(std::move(c.result));
  }
  return results;
}

void Batch::Begin(Case& c) {
  if (Journal::IsDraftName(BaseOf(c.result.state_file))) return Draft(c);
  const Status s = Journal::Open(os_, c.result.state_file, {}, &c.journal);
  if (c.journal) Describe(c.journal->state(), &c.result);
  if (!s.ok()) return Set(c, OfOpenFailure(s, c.journal && c.journal->recognized()), s);
  c.publisher = std::make_unique<Publisher>(os_, *c.journal);
  Decide(c);
}

void Batch::Draft(Case& c) {
  if (!options_.scan_complete || options_.dry_run)
    return Set(c, options_.scan_complete ? Action::kRemoved : Action::kKept);
  const Status s = Journal::RemoveDraft(os_, c.result.state_file);
  if (!s.ok()) return Set(c, OfOpenFailure(s, true), s);
  c.removed = true;
  Set(c, Action::kRemoved);
}

void Batch::Decide(Case& c) {
  const TransferState& state = c.journal->state();
  if (!state.sealed) return NeverDispatched(c);
  if (state.outcome == Outcome::kPublished) return Remove(c, Action::kRemoved);
  // Its owner began to free it: whatever is to become of incomplete transfers, this one was to go.
  if (state.outcome == Outcome::kRolledBack) return RollBack(c, {});
  if (state.AllDone()) return Complete(c);
  Incompleted(c, {});
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
  Status s = options_.dry_run ? c.publisher->Check() : c.publisher->Prepare();
  // DONE, but a power cut took the name before it was durable: then the transfer was never committed.
  if (s.code == Code::kVerify && !c.journal->state().settled) return Incompleted(c, s);
  if (s.ok() && options_.dry_run) return Set(c, Action::kPublished);
  if (s.ok()) s = c.publisher->Rename();
  if (!s.ok()) return Set(c, Action::kFailed, s);
  c.publish = true;
}

void Batch::Incompleted(Case& c, const Status& why) {
  if (options_.incomplete == Incomplete::kKeep) return Set(c, Action::kKept, why);
  RollBack(c, why);
}

void Batch::RollBack(Case& c, const Status& why) {
  if (!options_.scan_complete) return Set(c, Action::kKept, why);
  if (options_.dry_run) return Set(c, Action::kRolledBack, why);
  if (Status s = c.publisher->RollBack(); !s.ok()) return Set(c, Action::kFailed, s);
  Remove(c, Action::kRolledBack);
}

// FINAL need not be written: the renames are durable, and if the removal is lost in a power cut, the next run finds
// every final name with its journalled inode and removes the state file again.
void Batch::End(Case& c, const DirectoryBarrier& barrier) {
  if (!c.publish) return;
  if (Status s = c.publisher->Durable(barrier); !s.ok()) return Set(c, Action::kFailed, s);
  Remove(c, Action::kPublished);
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
                                     const FinalizeOptions& options) {
  return Batch(os, engine, options).Run(paths);
}

}  // namespace axl
