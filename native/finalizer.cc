// Many state files at once, in phases, so that they share their fsyncs.
#include "finalizer.h"

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "base/names.h"
#include "finalize/copy_rest.h"
#include "finalize/meeting.h"
#include "finalize/opening.h"
#include "publish/barrier.h"

namespace axl {

namespace {

class Batch {
 public:
  Batch(Os& os, Engine& engine, const Policy& policy, Decided decided, const std::atomic<bool>* stop)
      : os_(os), engine_(engine), policy_(policy), decided_(decided), stop_(stop) {}
  std::vector<Finalized> Run(std::vector<Case> cases);

 private:
  void RunTogether(Opening& opening, std::span<Case> cases);
  void ActInOrder(const std::vector<Case*>& in_order);
  bool IsDoneWith(Case& c);
  void Act(Case& c);
  void Draft(Case& c);
  void NeverDispatched(Case& c);
  void Finished(Case& c, Outcome outcome);
  void NotWithItsDataset(Case& c);
  void CompletedByAxl(Case& c);
  void Complete(Case& c);
  bool HasCome(const TransferState& state) const;
  void Published(Case& c);
  void Concluded(Case& c);
  void HasComeSoFar(Case& c);
  void NotComplete(Case& c, Incomplete what, const Status& why);
  void NotCompleteInPlace(Case& c, Status why);
  void RollBack(Case& c, const Status& why);
  void Resume(Case& c);
  void End(Case& c, const DirectoryBarrier& barrier);
  void Conclude(Case& c, Action action, Outcome outcome);
  void Remove(Case& c, Action action);

  Os& os_;
  Engine& engine_;
  const Policy& policy_;
  const Decided decided_;
  const std::atomic<bool>* stop_;
  DirectoryCache cache_{os_};
};

bool IsComplete(const TransferState& state) { return state.sealed && state.AllDone(); }

// What a file of the transfer failed with, by its journal; otherwise `why`.
Status Cause(const TransferState& state, const Status& why) {
  for (const FileProgress& p : state.progress)
    if (p.state == FileState::kFailed) return *p.failure;
  return why;
}

std::vector<Finalized> Batch::Run(std::vector<Case> cases) {
  Opening opening(os_, policy_, cases);
  for (std::span<Case> left(cases); !left.empty();) {
    const size_t n = opening.Admit(left);
    RunTogether(opening, left.first(n));
    left = left.subspan(n);
  }
  std::vector<Finalized> results;
  for (Case& c : cases) results.push_back(std::move(c.result));
  return results;
}

// They share their fsyncs.
void Batch::RunTogether(Opening& opening, std::span<Case> cases) {
  for (Case& c : cases) {
    if (c.IsDraft())
      Draft(c);
    else
      opening.Open(&c, &cache_);
  }
  RefuseSharedByAxl(cases);
  ActInOrder(InOrderOfDispatch(cases));
  DirectoryBarrier renames(os_);
  for (const Case& c : cases)
    if (c.publish) c.publisher->NeedDirectories(&renames);
  renames.Run();
  for (Case& c : cases) End(c, renames);

  DirectoryBarrier removals(os_);
  for (const Case& c : cases)
    if (c.removed) removals.Need(ParentOf(c.result.state_file));
  removals.Run();
  for (Case& c : cases) {
    Status s = c.removed ? removals.Result(ParentOf(c.result.state_file)) : Status::Ok();
    if (!s.ok()) c.Set(Action::kFailed, std::move(s));
    c.Close();
  }
}

void Batch::Draft(Case& c) {
  if (!policy_.may_delete) return c.Set(Action::kKept);
  if (policy_.dry_run) return c.Set(Action::kRemoved);
  const Status s = Journal::RemoveDraft(os_, c.result.state_file);
  if (!s.ok()) return c.Set(OfOpenFailure(s, true), s);
  c.removed = true;
  c.Set(Action::kRemoved);
}

void Batch::ActInOrder(const std::vector<Case*>& in_order) {
  std::vector<Meeting> meetings;
  if (!policy_.dry_run && decided_ <= Decided::kAsItIs) meetings = LetReplace(in_order);
  std::map<uint32_t, std::vector<uint32_t>> newer;  // by the place of the older one
  for (const Meeting& meeting : meetings) {
    newer[meeting.older].push_back(meeting.newer);
    in_order[meeting.newer]->publisher->Know({});  // by then the older one has put something there
  }
  for (uint32_t place = 0; place < in_order.size(); place++) {
    Case& c = *in_order[place];
    if (!c.publisher) continue;
    Act(c);
    if (!newer.contains(place) || IsDoneWith(c)) continue;
    for (uint32_t waiting : newer[place]) {
      in_order[waiting]->Set(Action::kFailed, c.result.status);
      in_order[waiting]->publisher.reset();
    }
  }
}

// May a newer one replace what this one has published? FINAL is durable then: its files need not be found any more.
bool Batch::IsDoneWith(Case& c) {
  if (policy_.until != Until::kAll) return true;  // the caller keeps the order
  if (!c.publish) return c.result.action != Action::kFailed || !c.publisher->AnyPublished();
  DirectoryBarrier barrier(os_);
  c.publisher->NeedDirectories(&barrier);
  barrier.Run();
  Status s = c.publisher->Durable(barrier);
  if (s.ok()) s = c.publisher->Retire(&c.left);
  if (s.ok()) s = c.publisher->Finish(Outcome::kPublished);
  if (s.ok()) return true;
  c.Set(Action::kFailed, std::move(s));
  c.publish = false;
  return false;
}

void Batch::Act(Case& c) {
  const TransferState& state = c.journal->state();
  if (decided_ == Decided::kEach && state.info.all_ranks) return c.Set(Action::kForDataset);
  if (!state.sealed) return NeverDispatched(c);
  if (state.info.axl.completed && IsComplete(state) && c.publisher->IsAllPublished()) return CompletedByAxl(c);
  if (state.outcome != Outcome::kNone) return Finished(c, state.outcome);
  if (decided_ > Decided::kAsItIs) return NotWithItsDataset(c);
  if (IsComplete(state)) return Complete(c);
  NotComplete(c, policy_.incomplete, Cause(state, {}));
}

void Batch::NotWithItsDataset(Case& c) {
  const Status why =
      Cause(c.journal->state(),
            Status::Make(Code::kInvalidState, "another rank of its dataset is incomplete", c.result.state_file));
  if (decided_ == Decided::kKeep) return NotComplete(c, Incomplete::kKeep, why);
  if (decided_ == Decided::kRollBack) return NotComplete(c, Incomplete::kDelete, why);
  // What a resume could bring about has been tried before.
  NotComplete(c, policy_.incomplete == Incomplete::kResume ? policy_.fallback : policy_.incomplete, why);
}

void Batch::Finished(Case& c, Outcome outcome) {
  // Its owner began to free it: whatever is to become of incomplete transfers, this one was to be removed.
  if (outcome == Outcome::kRolledBack) return RollBack(c, {});
  if (policy_.keep_state) return c.Set(Action::kPublished);
  Remove(c, Action::kRemoved);
}

// A kill inside dispatch leaves no more than records. A temporary file means that SEALED was here once: then this
// state file was damaged, and to remove it would leave that file to nobody (invariant 2).
void Batch::NeverDispatched(Case& c) {
  bool any = false;
  if (Status s = c.publisher->AnyTemporary(&any); !s.ok()) return c.Set(Action::kFailed, s);
  if (any)
    return c.Set(Action::kCorrupt,
                 Status::Make(Code::kStateCorrupt,
                              "the state file ends before SEALED, but its temporary files exist: a part of it is lost",
                              c.result.state_file));
  Remove(c, Action::kRemoved);
}

// AXL has given metadata and names, and made neither durable.
void Batch::CompletedByAxl(Case& c) {
  if (policy_.keep_state) return c.Set(Action::kPublished);
  if (policy_.dry_run) return c.Set(Action::kRemoved);
  c.publish = true;
  c.ends = Action::kRemoved;
}

void Batch::Complete(Case& c) {
  if (HasCome(c.journal->state())) return HasComeSoFar(c);
  Status s = policy_.dry_run ? c.publisher->Check() : c.publisher->Prepare();
  // DONE, but a power cut took the name before it was durable: then the transfer was never committed.
  if (s.code == Code::kVerify && !c.journal->state().settled) return NotComplete(c, policy_.incomplete, s);
  if (s.ok() && policy_.dry_run) return c.Set(Action::kPublished);
  if (s.ok()) s = c.publisher->Rename(policy_.until, policy_.clears);
  if (!s.ok()) return c.Set(Action::kFailed, s);
  // Nothing is to be made durable: the barrier would only make it wait for others.
  if (!c.journal->durable()) return Published(c);
  c.publish = true;
}

// Has an earlier call come so far?
bool Batch::HasCome(const TransferState& state) const {
  return policy_.until < Until::kAll && policy_.until > Until::kCleared &&
         state.phases >= static_cast<uint8_t>(policy_.until);
}

void Batch::Published(Case& c) {
  // What others have published is not published by us.
  const bool by_others = c.ends == Action::kRemoved && !policy_.hands_over;
  const bool ends = policy_.until == Until::kAll || by_others;
  // If FINAL stands there already, what it retires was.
  const bool is_final = c.journal->state().outcome == Outcome::kPublished;
  const Status s = !ends      ? c.publisher->RecordPhases(policy_.until)
                   : is_final ? Status::Ok()
                              : c.publisher->Retire(&c.left);
  if (!s.ok()) return c.Set(Action::kFailed, s);
  if (ends) return Concluded(c);
  HasComeSoFar(c);
}

// Published, and told what stays of what it retires.
void Batch::Concluded(Case& c) {
  Conclude(c, c.ends, Outcome::kPublished);
  if (c.left.empty() || c.result.action == Action::kFailed) return;
  Status why = std::move(c.left.front().why);
  if (c.left.size() > 1) why.detail += "; and " + std::to_string(c.left.size() - 1) + " more that it retires stay";
  c.result.status = std::move(why);
}

void Batch::HasComeSoFar(Case& c) {
  c.Set(Action::kInPhases);
  c.result.directory = CommonDirectory(c.journal->state().files);
}

void Batch::NotComplete(Case& c, Incomplete what, const Status& why) {
  const OfAxl& axl = c.journal->state().info.axl;
  if (axl.is && axl.suffix.empty() && what == Incomplete::kDelete && !policy_.publish.axl_in_place)
    return NotCompleteInPlace(c, why);
  switch (what) {
    case Incomplete::kKeep:
      return c.Set(Action::kKept, why);
    case Incomplete::kDelete:
      return RollBack(c, why);
    case Incomplete::kResume:
      return Resume(c);
  }
}

// The destination is the copy: there is no other one that could be put in its place, or left there.
void Batch::NotCompleteInPlace(Case& c, Status why) {
  if (Status s = policy_.dry_run ? Status::Ok() : c.publisher->MendInPlace(); !s.ok()) return c.Set(Action::kFailed, s);
  why.detail +=
      ". AXL has copied to the final names, so there is nothing to roll back to: copy again with --incomplete resume, "
      "or delete what is incomplete with --incomplete delete --axl-in-place";
  c.Set(Action::kFailed, std::move(why));
}

void Batch::RollBack(Case& c, const Status& why) {
  if (!policy_.may_delete) return c.Set(Action::kKept, why);
  Status s = policy_.dry_run ? c.publisher->CheckRollBack() : Status::Ok();
  const bool in_place = c.journal->is_axl() && c.journal->state().info.axl.suffix.empty();
  if (in_place && !policy_.dry_run) s = c.publisher->MendInPlace();
  if (s.ok() && !policy_.dry_run) s = c.publisher->RollBack();
  if (!s.ok()) return c.Set(Action::kFailed, s);
  if (policy_.dry_run) return c.Set(Action::kRolledBack, why);
  Conclude(c, Action::kRolledBack, Outcome::kRolledBack);
  if (c.result.action == Action::kRolledBack) c.result.status = why;
}

void Batch::Resume(Case& c) {
  if (policy_.dry_run) return c.Set(Action::kPublished);
  const Status s = CopyRest(os_, engine_, *c.journal, policy_.publish.keep, stop_);
  c.Describe();
  c.result.resumed = s.ok();
  c.publisher = std::make_unique<Publisher>(os_, *c.journal, policy_.publish);  // directories may be new
  if (s.ok()) return Complete(c);
  // Told to stop, not unable to: whoever comes next can go on.
  NotComplete(c, s.code == Code::kCanceled ? Incomplete::kKeep : policy_.fallback, s);
}

void Batch::End(Case& c, const DirectoryBarrier& barrier) {
  if (!c.publish) return;
  if (Status s = c.publisher->Durable(barrier); !s.ok()) return c.Set(Action::kFailed, s);
  Published(c);
}

// FINAL is for a state file that stays. Before a removal it need not be written: what it says is durable, and if the
// removal is lost in a power cut, the next run finds everything as it should be and removes the state file again.
void Batch::Conclude(Case& c, Action action, Outcome outcome) {
  if (!policy_.keep_state) return Remove(c, action);
  if (c.journal->state().outcome == outcome) return c.Set(action);  // given up by its owner
  const Status s = c.publisher->Finish(outcome);
  c.Set(s.ok() ? action : Action::kFailed, s);
}

void Batch::Remove(Case& c, Action action) {
  // After an incomplete scan nothing is deleted; a published transfer's state file says only what is true anyway.
  if (!policy_.may_delete && action != Action::kPublished) return c.Set(Action::kKept);
  c.Set(action);
  if (policy_.dry_run) return;
  if (Status s = c.journal->Remove(); !s.ok()) return c.Set(Action::kFailed, s);
  c.removed = c.journal->durable();
}

void CommitOne(Case& c) {
  const TransferState& state = c.journal->state();
  for (const FileEntry& file : state.files) c.result.destinations.push_back(std::hash<std::string>()(file.dest));
  if (state.outcome == Outcome::kPublished) return c.Set(Action::kPublished);
  // Of a transfer of AXL this look sees more than a survey does: the bytes.
  if (!IsComplete(state) && state.info.axl.is) return c.Set(Action::kKept, Cause(state, {}));
  if (!IsComplete(state) || state.outcome != Outcome::kNone) return c.Set(Action::kKept);
  if (state.info.axl.completed && c.publisher->IsAllPublished()) return c.Set(Action::kPublished);
  Status s = c.publisher->Commit();
  c.Set(s.ok() ? Action::kPublished : Action::kFailed, std::move(s));
}

Resumed ResumeOne(Os& os, Engine& engine, Case& c, const Policy& policy, const std::atomic<bool>* stop) {
  const TransferState& state = c.journal->state();
  if (!state.sealed || state.outcome != Outcome::kNone || state.AllDone()) return {};
  const Status s = CopyRest(os, engine, *c.journal, policy.publish.keep, stop);
  return {s.ok(), s};
}

}  // namespace

std::vector<Finalized> FinalizeBatch(Os& os, Engine& engine, const std::vector<std::string>& paths,
                                     const Policy& policy, Decided decided, const std::vector<Uuid>& surveyed,
                                     const std::atomic<bool>* stop) {
  return Batch(os, engine, policy, decided, stop).Run(CasesOf(paths, surveyed));
}

std::vector<Finalized> CommitBatch(Os& os, const std::vector<std::string>& paths, const Policy& policy,
                                   const std::vector<Uuid>& surveyed) {
  std::vector<Case> cases = CasesOf(paths, surveyed);
  Opening opening(os, policy, cases);
  DirectoryCache cache(os);
  std::vector<Finalized> results;
  for (Case& c : cases) {
    (void)opening.Admit({&c, 1});
    if (opening.Open(&c, &cache)) CommitOne(c);
    results.push_back(std::move(c.result));
    c.Close();
  }
  return results;
}

std::vector<Status> AdoptBatch(Os& os, const std::vector<std::string>& paths, const Policy& policy,
                               const std::vector<Uuid>& surveyed) {
  std::vector<Case> cases = CasesOf(paths, surveyed);
  Opening opening(os, policy, cases, true);
  std::vector<Status> results;
  for (Case& c : cases) {
    (void)opening.Admit({&c, 1});
    results.push_back(opening.Open(&c, nullptr) ? Status::Ok() : c.result.status);
    c.Close();
  }
  return results;
}

std::vector<Resumed> ResumeBatch(Os& os, Engine& engine, const std::vector<std::string>& paths, const Policy& policy,
                                 const std::vector<Uuid>& surveyed, const std::atomic<bool>* stop) {
  std::vector<Case> cases = CasesOf(paths, surveyed);
  Opening opening(os, policy, cases);
  std::vector<Resumed> results;
  for (Case& c : cases) {
    (void)opening.Admit({&c, 1});
    results.push_back(opening.Open(&c, nullptr) ? ResumeOne(os, engine, c, policy, stop)
                                                : Resumed{false, c.result.status});
    c.Close();
  }
  return results;
}

}  // namespace axl
