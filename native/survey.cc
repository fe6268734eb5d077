// Opens for reading, reads, tries the lock for an instant, looks whether more came meanwhile, lets go.
#include "survey.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <numeric>
#include <unordered_map>

#include "base/names.h"
#include "finalize/evidence.h"
#include "journal/apply.h"
#include "journal/axl_file.h"
#include "journal/budget.h"
#include "journal/file_source.h"
#include "journal/format.h"
#include "os/directories.h"
#include "os/metadata.h"
#include "os/same.h"
#include "publish/publisher.h"

namespace axl {

namespace {

Standing StandingOf(const TransferState& state) {
  if (!state.sealed) return Standing::kNeverDispatched;
  if (state.outcome == Outcome::kPublished) return Standing::kPublished;
  if (state.outcome == Outcome::kRolledBack) return Standing::kRolledBack;
  const auto is_published = [](const FileProgress& p) { return p.published; };
  if (state.info.axl.completed && state.AllDone() && std::ranges::all_of(state.progress, is_published))
    return Standing::kPublished;
  return state.AllDone() ? Standing::kComplete : Standing::kIncomplete;
}

void Count(const TransferState& state, Surveyed* s) {
  s->uuid = state.uuid;
  s->name = state.info.name;
  s->axl = state.info.axl.is;
  s->rank = state.info.rank;
  s->size = state.info.size;
  s->host = state.info.host;
  s->pid = state.info.pid;
  s->all_ranks = state.info.all_ranks;
  s->dataset = state.info.dataset;
  s->attempt = state.info.attempt;
  s->job = state.info.job;
  s->home = state.info.home;
  s->jobs = OpenJobs(state);
  s->in_phases = InPhases(state);
  s->replaces_data = MayReplaceData(state);
  s->old_commit = state.outcome == Outcome::kNone && MayHaveOldCommitFile(state);
  s->phases = state.outcome == Outcome::kPublished ? static_cast<uint8_t>(Phase::kPointer) : state.phases;
  s->dispatched = state.dispatched;
  s->canceled = state.canceled;
  s->settled = state.settled;
  s->files = state.files.size();
  for (size_t i = 0; i < state.files.size(); i++) {
    const FileProgress& p = state.progress[i];
    s->bytes += state.files[i].size;
    s->files_of_phase[static_cast<size_t>(state.files[i].phase) - 1]++;
    s->files_failed += p.state == FileState::kFailed;
    s->files_published += p.published || state.outcome == Outcome::kPublished;
    if (p.state == FileState::kPending)
      s->bytes_done += std::min<uint64_t>(state.files[i].size, p.chunks.size() * uint64_t{state.info.chunk_size});
    if (p.state != FileState::kDone) continue;
    s->files_done++;
    s->bytes_done += state.files[i].size;
    s->lacking.Add(p.lacking);
  }
}

void Fail(Surveyed* s, Standing standing, Status why) {
  s->standing = standing;
  s->status = std::move(why);
}

// What the files of a transfer of AXL say of it, too, but for what only their bytes could.
Status ReadAxl(Os& os, const Fd& fd, uint64_t size, Replay* all, bool* recognized) {
  RealPaths real(os);
  if (Status s = ReplayAxl(os, fd.get(), size, false, &real, all, recognized); !s.ok()) return s;
  std::vector<Record> records;
  const Looking looking{.reads = false, .resumes = true};
  Status s = all->state.needs == 0 ? Gather(os, all->state, looking, &records) : Status::Ok();
  for (Record& record : records) (void)Apply(std::move(record), &all->state);
  return s;
}

// *recognized: it begins like a state file.
Status ReadReplay(Os& os, const Fd& fd, uint64_t size, std::string_view name, Replay* all, bool* recognized) {
  *recognized = true;
  if (size > kMaxJournal) return Status::Make(Code::kStateCorrupt, "the file is larger than any state file (256 MiB)");
  FileSource source(os, fd.get());
  // What has a name of AXL's is most likely that; others are first read as what they most likely are.
  const bool named = IsAxlName(name);
  Status s = named ? Status::Ok() : ReplayJournal(source, size, all);
  if (!named && (s.ok() || s.code == Code::kIo)) return s;
  uint8_t begin[kRecognizedBytes];
  const ssize_t n = source.Read(begin, sizeof begin, 0);
  if (n < 0) return Status::Errno(static_cast<int>(-n), "read", "");
  *recognized = Recognize(begin, static_cast<size_t>(n));
  if (*recognized || !IsOfAxl(begin, static_cast<size_t>(n), name)) return named ? ReplayJournal(source, size, all) : s;
  *all = {};
  return ReadAxl(os, fd, size, all, recognized);
}

Status Look(Os& os, const Fd& fd, const std::string& path, Seen* seen) {
  const int r = os.Look(fd.get(), "", seen);
  return r < 0 ? Status::Errno(-r, "statx", path) : Status::Ok();
}

bool IsSame(const struct stat& a, const struct stat& b) {
  return a.st_size == b.st_size && TimeOf(a.st_mtim) == TimeOf(b.st_mtim);
}

// An exclusive lock is to be had only on a descriptor that is open for writing: NFS. Who may only read looks without
// one.
Fd OpenToLook(Os& os, const std::string& path) {
  const int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  Fd fd(os, os.Open(AT_FDCWD, path.c_str(), O_RDWR | flags));
  const int error = fd.error();
  const bool forbidden = error == EACCES || error == EPERM || error == EROFS || error == ETXTBSY || error == EISDIR;
  return forbidden ? Fd(os, os.Open(AT_FDCWD, path.c_str(), O_RDONLY | flags)) : std::move(fd);
}

// What a regular file says at this moment, but not whether its writer is alive.
Surveyed Read(Os& os, const Fd& fd, const Seen& seen, const std::string& path, Replay* all, const JobAnswers& answers) {
  const struct stat& st = seen.st;
  Surveyed s;
  s.state_file = path;
  *all = {};
  bool recognized = false;
  Status read = ReadReplay(os, fd, static_cast<uint64_t>(st.st_size), BaseOf(path), all, &recognized);
  read.path = path;
  if (read.code == Code::kIo) {
    *all = {};
    Fail(&s, Standing::kUnreadable, read);
    return s;
  }
  s.uid = st.st_uid;
  s.modified = TimeOf(st.st_mtim);
  if (read.ok()) read = CheckNeeds(all->state, answers);
  read.path = path;
  Count(all->state, &s);
  if (read.code == Code::kStateLocked) {
    s.alive = Answer::kYes;
    s.why = read;
  }
  if (read.ok() || s.alive == Answer::kYes)
    s.standing = StandingOf(all->state);
  else
    Fail(&s, recognized ? Standing::kCorrupt : Standing::kNotState, read);
  if (!s.status.ok()) return s;
  Status original = CheckOriginal(os, fd.get(), LastingIdentityOf(seen), all->state.info.self, path);
  if (!original.ok()) Fail(&s, Standing::kCopy, std::move(original));
  return s;
}

bool SaysNothing(Standing standing) {
  return standing == Standing::kNotState || standing == Standing::kUnreadable || standing == Standing::kCopy;
}

// Is the writer of what was read alive? `seen`: the file as it was before it was read.
void AskAlive(Os& os, const Fd& fd, const Seen& seen, const Word& word, Replay* all, Surveyed* s) {
  const std::string path = s->state_file;
  const Locked locked = ToLocked(os.Lock(fd.get()));
  const Alive alive = IsAlive(os, fd.get(), locked, all->state.info, word, path);
  Seen now;
  const Status failed = Look(os, fd, path, &now);
  if (!failed.ok()) Fail(s, Standing::kUnreadable, failed);
  // A writer that was alive while we read has said more by the time it is dead.
  if (failed.ok() && alive.answer == Answer::kNo && !IsSame(seen.st, now.st))
    *s = Read(os, fd, now, path, all, word.answers);
  if (alive.answer == Answer::kNo) return;
  s->alive = alive.answer;
  s->why = alive.why;
  // What moves its bytes is then the writer's business.
  if (alive.answer == Answer::kYes && !s->jobs.empty() && s->status.code == Code::kUnavailable &&
      all->state.needs == 0) {
    s->standing = StandingOf(all->state);
    s->status = {};
  }
}

}  // namespace

Surveyed Survey(Os& os, const std::string& path, const Word& word, Replay* replay) {
  Surveyed s;
  s.state_file = path;
  Fd fd = OpenToLook(os, path);
  const int error = fd.error();
  if (error == ENOENT || error == ELOOP || error == ENXIO) {
    Fail(&s, error == ENOENT ? Standing::kGone : Standing::kNotState, Status::Errno(error, "open", path));
    return s;
  }
  Seen seen;
  Status failed = error != 0 ? Status::Errno(error, "open", path) : Look(os, fd, path, &seen);
  if (!failed.ok()) {
    Fail(&s, Standing::kUnreadable, failed);
    return s;
  }
  if (!S_ISREG(seen.st.st_mode)) {
    Fail(&s, Standing::kNotState, Status::Make(Code::kUnsafePath, "this is not a regular file", path));
    return s;
  }
  const Budget::Share share = StateBudget().Wait(static_cast<uint64_t>(seen.st.st_size));
  Replay local;
  Replay& all = replay ? *replay : local;
  s = Read(os, fd, seen, path, &all, word.answers);
  if (!SaysNothing(s.standing)) AskAlive(os, fd, seen, word, &all, &s);
  return s;
}

std::vector<Surveyed> SurveyBatch(Os& os, Engine& engine, const std::vector<std::string>& paths, unsigned jobs,
                                  const Word& word) {
  std::vector<Surveyed> out(paths.size());
  engine.ParallelFor(paths.size(), jobs, [&](size_t i) { out[i] = Survey(os, paths[i], word); });
  return out;
}

namespace {

// The final names of a transfer, hashed.
struct Claims {
  std::vector<size_t> names;
  bool by_axl = false;  // at work, with one temporary name for each final one
};

// Of the state file alone: how far its files came does not matter.
Claims ClaimsOf(Os& os, RealPaths* real, const std::string& path) {
  Claims claims;
  const Fd fd(os, os.Open(AT_FDCWD, path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  Seen seen;
  if (!fd.valid() || !Look(os, fd, path, &seen).ok() || !S_ISREG(seen.st.st_mode)) return claims;
  const auto size = static_cast<uint64_t>(seen.st.st_size);
  if (size > kMaxJournal) return claims;
  const Budget::Share share = StateBudget().Wait(size);
  std::vector<std::string> names;
  const auto of_axl = [&] { return ReadAxlNames(os, fd.get(), size, real, &names, &claims.by_axl); };
  const bool named = IsAxlName(BaseOf(path));
  if (!named || !of_axl()) {
    FileSource source(os, fd.get());
    Replay replay;
    if (ReplayJournal(source, size, &replay).code == Code::kIo) return claims;
    for (FileEntry& file : replay.state.files) names.push_back(std::move(file.dest));
    if (names.empty() && !named) (void)of_axl();
  }
  for (const std::string& name : names) claims.names.push_back(std::hash<std::string>()(name));
  return claims;
}

std::vector<uint32_t> FirstOfEach(const std::vector<Claims>& claims) {
  std::vector<uint32_t> first(claims.size());
  std::iota(first.begin(), first.end(), 0);
  const auto find = [&](uint32_t i) {
    while (first[i] != i) i = first[i] = first[first[i]];
    return i;
  };
  std::unordered_map<size_t, uint32_t> known;
  for (uint32_t i = 0; i < claims.size(); i++)
    for (size_t name : claims[i].names) {
      const uint32_t a = find(known.emplace(name, i).first->second), b = find(i);
      first[std::max(a, b)] = std::min(a, b);
    }
  for (uint32_t i = 0; i < first.size(); i++) first[i] = find(i);
  return first;
}

std::vector<bool> SharedByAxl(const std::vector<Claims>& claims) {
  std::vector<bool> shared(claims.size());
  std::unordered_map<size_t, uint32_t> known;
  for (uint32_t i = 0; i < claims.size(); i++) {
    if (!claims[i].by_axl) continue;
    for (size_t name : claims[i].names) {
      const uint32_t other = known.emplace(name, i).first->second;
      if (other != i) shared[other] = shared[i] = true;
    }
  }
  return shared;
}

}  // namespace

Meetings FindMeetings(Os& os, Engine& engine, const std::vector<std::string>& paths, unsigned jobs) {
  RealPaths real(os);
  std::vector<Claims> claims(paths.size());
  engine.ParallelFor(paths.size(), jobs, [&](size_t i) { claims[i] = ClaimsOf(os, &real, paths[i]); });
  return {FirstOfEach(claims), SharedByAxl(claims)};
}

std::vector<Owned> SurveyOwners(Os& os, Engine& engine, const std::string& dir, const std::vector<std::string>& names,
                                unsigned jobs) {
  constexpr size_t kPiece = 64;  // one look is too little work to share out
  std::vector<Owned> owned(names.size());
  std::shared_ptr<Directory> directory;
  const Status opened = OpenDirectory(os, dir, &directory);
  const auto look = [&](size_t i) {
    struct stat st;
    const int r = directory ? os.Stat(directory->fd.get(), names[i].c_str(), &st, AT_SYMLINK_NOFOLLOW)
                            : -(opened.err != 0 ? opened.err : ELOOP);
    if (r == 0)
      owned[i] = {S_ISREG(st.st_mode) ? Owned::Kind::kFile : Owned::Kind::kOther, st.st_uid};
    else if (r != -ENOENT)
      owned[i].kind = Owned::Kind::kUnseen;
  };
  engine.ParallelFor((names.size() + kPiece - 1) / kPiece, jobs, [&](size_t piece) {
    for (size_t i = piece * kPiece; i < std::min(names.size(), (piece + 1) * kPiece); i++) look(i);
  });
  return owned;
}

}  // namespace axl
