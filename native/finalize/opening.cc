#include "finalize/opening.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/names.h"
#include "finalize/evidence.h"
#include "journal/budget.h"

namespace axl {

bool Case::IsDraft() const { return Journal::IsDraftName(BaseOf(result.state_file)); }

void Case::Set(Action action, Status why) {
  result.action = action;
  result.lacking = action == Action::kPublished && publisher ? publisher->lacking() : Lacking{};
  result.status = std::move(why);
}

void Case::Describe() {
  const TransferState& state = journal->state();
  result.name = state.info.name;
  result.axl = state.info.axl.is;
  result.rank = state.info.rank;
  result.files = state.files.size();
  result.files_done = 0;
  result.bytes = 0;
  result.commit_files = result.pointers = 0;
  result.retires = state.retire.size();
  for (size_t i = 0; i < state.files.size(); i++) {
    result.files_done += state.progress[i].state == FileState::kDone;
    result.bytes += state.files[i].size;
    result.commit_files += state.files[i].phase == Phase::kCommit;
    result.pointers += state.files[i].phase == Phase::kPointer;
  }
}

void Case::Close() {
  publisher.reset();
  journal.reset();
  share = {};
}

std::vector<Case> CasesOf(const std::vector<std::string>& paths, const std::vector<Uuid>& surveyed) {
  std::vector<Case> cases(paths.size());
  for (size_t i = 0; i < paths.size(); i++) cases[i].result.state_file = paths[i];
  for (size_t i = 0; i < surveyed.size(); i++) cases[i].surveyed = surveyed[i];
  return cases;
}

Action OfOpenFailure(const Status& s, bool recognized) {
  if (s.code == Code::kStateLocked) return Action::kBusy;
  if (s.err == ENOENT) return Action::kGone;
  if (!recognized &&
      (s.code == Code::kStateCorrupt || s.code == Code::kUnsafePath || s.err == EISDIR || s.err == ENXIO))
    return Action::kNotState;
  const bool not_ours = s.code == Code::kUnavailable || s.code == Code::kNotSupported;  // see journal/needs.h
  if (s.code == Code::kStateCorrupt || s.code == Code::kStateVersion || s.code == Code::kStateCopy || not_ours)
    return Action::kCorrupt;
  return Action::kFailed;
}

Opening::Opening(Os& os, const Policy& policy, const std::vector<Case>& cases, bool adopt)
    : os_(os), policy_(policy), adopt_(adopt) {
  for (const Case& c : cases) {
    const std::string dir(ParentOf(c.result.state_file));
    if (state_dirs_.contains(dir)) continue;
    state_dirs_.emplace(dir, Fd(os_, os_.Open(AT_FDCWD, dir.c_str(), O_PATH | O_DIRECTORY)));
  }
}

int Opening::DirectoryOf(const std::string& state_file) const {
  const Fd& fd = state_dirs_.find(ParentOf(state_file))->second;
  return fd.valid() ? fd.get() : AT_FDCWD;  // then the open by path says why
}

uint64_t Opening::SizeOf(const Case& c) const {
  struct stat st {};
  const std::string& path = c.result.state_file;
  const int dir = DirectoryOf(path);
  (void)os_.Stat(dir, dir == AT_FDCWD ? path.c_str() : std::string(BaseOf(path)).c_str(), &st, AT_SYMLINK_NOFOLLOW);
  return static_cast<uint64_t>(st.st_size);
}

size_t Opening::Admit(std::span<Case> cases) const {
  uint64_t first = SizeOf(cases[0]);
  if (policy_.together)
    for (const Case& c : cases.subspan(1)) first += SizeOf(c);
  cases[0].share = StateBudget().Wait(first);
  size_t n = policy_.together ? cases.size() : 1;
  for (; n < cases.size(); n++) {
    std::optional<Budget::Share> share = StateBudget().Try(SizeOf(cases[n]));
    if (!share) break;
    cases[n].share = std::move(*share);
  }
  return n;
}

bool Opening::Open(Case* c, DirectoryCache* cache) {
  const bool resumes = policy_.incomplete == Incomplete::kResume;
  const OpenOptions options = {&policy_.word, DirectoryOf(c->result.state_file), adopt_, true, resumes, &real_paths_};
  Status s = Journal::Open(os_, c->result.state_file, options, &c->journal);
  if (s.ok() && c->surveyed != Uuid{} && c->journal->uuid() != c->surveyed) {
    c->Set(Action::kGone);
    return false;
  }
  if (c->journal) c->Describe();
  if (!s.ok()) {
    c->Set(OfOpenFailure(s, c->journal && c->journal->recognized()), s);
    return false;
  }
  s = CheckRoots(c->journal->state());
  std::vector<Publisher::Looked> looked;
  if (s.ok() && c->journal->is_axl()) s = LookAtFiles(c->journal.get(), cache, &looked);
  if (c->journal->is_axl()) c->Describe();
  if (!s.ok()) {
    c->Set(Action::kFailed, std::move(s));
    return false;
  }
  c->publisher = std::make_unique<Publisher>(os_, *c->journal, policy_.publish, cache);
  c->publisher->Know(std::move(looked));
  return true;
}

Status Opening::LookAtFiles(Journal* journal, DirectoryCache* cache, std::vector<Publisher::Looked>* looked) const {
  std::vector<Record> records;
  const Looking looking{.verify = policy_.publish.verify,
                        .resumes = policy_.incomplete == Incomplete::kResume,
                        .stop = policy_.publish.stop,
                        .cache = cache};
  const Status s = Gather(os_, journal->state(), looking, &records, looked);
  return s.ok() ? journal->Append(records) : s;
}

Status Opening::CheckRoots(const TransferState& state) const {
  const auto inside = [&](const std::string& path) {
    return std::any_of(policy_.roots.begin(), policy_.roots.end(),
                       [&](const std::string& root) { return IsWithin(path, root) && path != root; });
  };
  if (policy_.roots.empty()) return Status::Ok();
  for (const auto& f : state.files)
    if (!inside(f.dest))
      return Status::Make(Code::kUnsafePath, "the destination is outside every --root directory", f.dest);
  for (const auto& d : state.dirs)
    if (!inside(d.path))
      return Status::Make(Code::kUnsafePath, "the directory is outside every --root directory", d.path);
  for (const auto& r : state.retire)
    if (!inside(r.path))
      return Status::Make(Code::kUnsafePath, "what it retires is outside every --root directory", r.path);
  return Status::Ok();
}

}  // namespace axl
