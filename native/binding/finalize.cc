// Finalized, Surveyed and Replay as plain JavaScript objects.
#include "binding/finalize.h"

#include <string>

#include "base/names.h"
#include "binding/values.h"

namespace axl {

namespace {

Napi::Value ToJs(Napi::Env env, const Metadata& m) {
  return Object(env, "mode", m.mode, "uid", m.uid, "gid", m.gid, "atimeNs", m.atime, "mtimeNs", m.mtime, "xattrs",
                m.xattrs.size());
}

// What a pointer points to, or says, as far as the journal has it.
const std::string* TargetOf(const TransferState& state, uint32_t id) {
  if (state.files[id].kind == FileKind::kSymlink) return &state.files[id].link_target;
  const auto content = state.contents.find(id);
  return state.files[id].phase == Phase::kPointer && content != state.contents.end() ? &content->second : nullptr;
}

Napi::Value ToJs(Napi::Env env, const TransferState& state, uint32_t id) {
  const FileEntry& file = state.files[id];
  const FileProgress& progress = state.progress[id];
  const std::string temporary = state.info.axl.is ? AxlPathOf(state, id) : TemporaryPathOf(state, id);
  Napi::Object object =
      Object(env, "kind", file.kind, "phase", file.phase, "source", AsBytes{file.source}, "dest", AsBytes{file.dest},
             "temporary", AsBytes{temporary}, "size", file.size, "metadata", ToJs(env, file.meta));
  if (const std::string* target = TargetOf(state, id)) Set(object, "target", AsBytes{*target});
  Set(object, "state", progress.state, "published", progress.published, "kept", progress.kept);
  Set(object, "lacks", progress.lacking, "chunks", progress.chunks.size());
  if (progress.state == FileState::kDone) Set(object, "crc32c", progress.crc);
  Set(object, "failure", *progress.failure);
  return object;
}

Napi::Value ToJs(Napi::Env env, const TransferInfo& i) {
  Napi::Object object = Object(env, "backend", i.backend, "bootId", i.boot_id, "startTime", i.start_time, "durability",
                               i.durability, "chunkSize", i.chunk_size, "job", i.job);
  Set(object, "owner", i.keep.owner, "mode", i.keep.mode, "times", i.keep.times, "xattrs", i.keep.xattrs, "acls",
      i.keep.acls);
  if (i.local_rank != kNoLocalRank) Set(object, "localRank", i.local_rank);
  return object;
}

}  // namespace

Word ReadWord(const Napi::Object& from) {
  Word word;
  Take(from, "jobEnded", &word.job_ended, "deadHosts", &word.dead_hosts);
  word.answers = ReadAnswers(from.Get("answers"));
  return word;
}

Policy ReadPolicy(const Napi::Object& policy) {
  Policy p;
  Take(policy, "incomplete", &p.incomplete, "fallback", &p.fallback, "roots", &p.roots);
  Take(policy, "keepState", &p.keep_state, "dryRun", &p.dry_run, "mayDelete", &p.may_delete, "together", &p.together);
  Take(policy, "until", &p.until, "clears", &p.clears, "handsOver", &p.hands_over);
  Take(policy, "axlInPlace", &p.publish.axl_in_place);
  Take(policy, "verify", &p.publish.verify, "overwrite", &p.publish.overwrite);
  const auto asked = [&](const char* name, std::optional<OwnerPolicy>* out) {
    if (const auto word = FromJs<uint32_t>(policy.Get(name)); word != 0) *out = static_cast<OwnerPolicy>(word);
  };
  AskedPolicies& keep = p.publish.keep;
  asked("owner", &keep.owner), asked("mode", &keep.mode), asked("times", &keep.times);
  asked("xattrs", &keep.xattrs), asked("acls", &keep.acls);
  p.word = ReadWord(policy);
  return p;
}

namespace {

Napi::Value ToJs(Napi::Env env, const Finalized& f, uint32_t at) {
  return Object(env, "at", at, "directory", AsBytes{f.directory}, "action", f.action, "stateFile",
                AsBytes{f.state_file}, "name", f.name, "axl", f.axl, "rank", f.rank, "files", f.files, "filesDone",
                f.files_done, "bytes", f.bytes, "commitFiles", f.commit_files, "pointers", f.pointers, "retires",
                f.retires, "lacking", f.lacking.count, "lacks", f.lacking.bits, "resumed", f.resumed, "failure",
                f.status);
}

bool NeedsEntry(Action action) {
  return action == Action::kFailed || action == Action::kCorrupt || action == Action::kBusy ||
         action == Action::kForDataset || action == Action::kInPhases;
}

}  // namespace

Napi::Value ToJs(Napi::Env env, const std::vector<Finalized>& batch, bool all) {
  Napi::Array entries = Napi::Array::New(env);
  std::vector<uint32_t> counts(kActions);
  uint64_t files = 0, bytes = 0, resumed = 0;
  Lacking lacking;
  for (uint32_t at = 0; at < batch.size(); at++) {
    const Finalized& done = batch[at];
    // Which causes are to be heard is said in lib/finalize/tally.ts.
    if (all || NeedsEntry(done.action) || !done.status.ok()) {
      entries.Set(entries.Length(), ToJs(env, done, at));
      continue;
    }
    counts[static_cast<size_t>(done.action)]++;
    resumed += done.resumed;
    if (done.action != Action::kPublished) continue;
    files += done.files;
    bytes += done.bytes;
    lacking.count += done.lacking.count;
    lacking.bits |= done.lacking.bits;
  }
  return Object(env, "entries", entries, "counts", counts, "files", files, "bytes", bytes, "lacking", lacking.count,
                "lacks", lacking.bits, "resumed", resumed);
}

Napi::Value CommittedToJs(Napi::Env env, const std::vector<Finalized>& batch) {
  Napi::Array refused = Napi::Array::New(env);
  uint32_t committed = 0;
  std::string destinations;
  std::string counts;
  const auto append = [](std::string* to, uint64_t n) { to->append(reinterpret_cast<const char*>(&n), sizeof n); };
  for (uint32_t at = 0; at < batch.size(); at++) {
    committed += batch[at].action == Action::kPublished;
    append(&counts, batch[at].destinations.size());
    for (uint64_t destination : batch[at].destinations) append(&destinations, destination);
    if (NeedsEntry(batch[at].action) || !batch[at].status.ok()) refused.Set(refused.Length(), ToJs(env, batch[at], at));
  }
  return Object(env, "committed", committed, "refused", refused, "destinations", AsBytes{destinations}, "counts",
                AsBytes{counts});
}

Napi::Value ToJs(Napi::Env env, const Resumed& r) { return Object(env, "resumed", r.resumed, "failure", r.status); }

// Not in the nameless namespace, where templates would not find it.
static Napi::Value ToJs(Napi::Env env, const Submitted& job) {
  return Object(env, "mover", job.mover, "token", job.token);
}

Napi::Value ToJs(Napi::Env env, const Surveyed& s) {
  Napi::Object entry =
      Object(env, "stateFile", AsBytes{s.state_file}, "standing", s.standing, "alive", s.alive, "why", s.why);
  Set(entry, "uuid", s.uuid, "name", s.name, "axl", s.axl, "rank", s.rank, "size", s.size, "uid", s.uid, "modifiedNs",
      s.modified);
  Set(entry, "files", s.files, "filesDone", s.files_done, "filesFailed", s.files_failed);
  Set(entry, "filesPublished", s.files_published, "bytes", s.bytes, "bytesDone", s.bytes_done);
  Set(entry, "lacking", s.lacking.count, "lacks", s.lacking.bits, "filesOfPhase", s.files_of_phase);
  Set(entry, "canceled", s.canceled, "committed", s.settled, "host", s.host, "pid", s.pid, "allRanks", s.all_ranks);
  Set(entry, "inPhases", s.in_phases, "replacesData", s.replaces_data, "oldCommit", s.old_commit, "phases", s.phases,
      "pointers", s.files_of_phase[2], "dispatchedNs", s.dispatched);
  Set(entry, "dataset", s.dataset, "attempt", s.attempt, "job", s.job, "home", AsBytes{s.home}, "jobs", s.jobs,
      "failure", s.status);
  return entry;
}

Napi::Value ToJs(Napi::Env env, const Surveyed& surveyed, const Replay& replay) {
  const TransferState& state = replay.state;
  Napi::Array files = Napi::Array::New(env, state.files.size());
  for (uint32_t i = 0; i < state.files.size(); i++) files.Set(i, ToJs(env, state, i));
  Napi::Array dirs = Napi::Array::New(env, state.dirs.size());
  for (uint32_t i = 0; i < state.dirs.size(); i++) {
    const DirEntry& entry = state.dirs[i];
    Napi::Object dir = Object(env, "path", AsBytes{entry.path}, "made", !state.renounced[i]);
    if (entry.described) Set(dir, "metadata", ToJs(env, entry.meta));
    dirs.Set(i, dir);
  }
  Napi::Object entry = ToJs(env, surveyed).As<Napi::Object>();
  Set(entry, "torn", replay.torn, "validBytes", replay.valid_bytes, "records", replay.next_sequence);
  Set(entry, "transfer", ToJs(env, state.info), "fileList", files, "directoryList", dirs, "retired",
      ToJs(env, state.retire, {}));
  return entry;
}

}  // namespace axl
