// Finalized, Surveyed and Replay as plain JavaScript objects.
#include "binding/finalize.h"

#include <array>
#include <string>

#include "base/names.h"
#include "binding/values.h"

namespace axl {

namespace {

Napi::Value ToNanoseconds(Napi::Env env, const Time& time) {
  return Napi::BigInt::New(env, time.sec * 1'000'000'000 + static_cast<int64_t>(time.nsec));
}

Napi::Object ToJs(Napi::Env env, const Metadata& meta) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("mode", meta.mode);
  object.Set("uid", meta.uid);
  object.Set("gid", meta.gid);
  object.Set("atimeNs", ToNanoseconds(env, meta.atime));
  object.Set("mtimeNs", ToNanoseconds(env, meta.mtime));
  object.Set("xattrs", static_cast<uint32_t>(meta.xattrs.size()));
  return object;
}

Napi::Object ToJs(Napi::Env env, const FileEntry& file, const FileProgress& progress, const Uuid& uuid) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("kind", static_cast<uint32_t>(file.kind));
  object.Set("source", ToBuffer(env, file.source));
  object.Set("dest", ToBuffer(env, file.dest));
  object.Set("temporary", ToBuffer(env, TemporaryPath(file.dest, uuid)));
  object.Set("size", Double(file.size));
  object.Set("metadata", ToJs(env, file.meta));
  object.Set("state", static_cast<uint32_t>(progress.state));
  object.Set("published", progress.published);
  object.Set("kept", progress.kept);
  object.Set("ownerGiven", progress.owner_given());
  object.Set("chunks", static_cast<uint32_t>(progress.chunks.size()));
  if (progress.state == FileState::kDone) object.Set("crc32c", progress.crc);
  if (!progress.failure->ok()) object.Set("failure", ToJs(env, *progress.failure));
  return object;
}

Napi::Object ToJs(Napi::Env env, const TransferInfo& info) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("backend", info.backend);
  object.Set("bootId", info.boot_id);
  object.Set("startTime", Double(info.start_time));
  object.Set("durability", static_cast<uint32_t>(info.durability));
  object.Set("owner", static_cast<uint32_t>(info.owner));
  object.Set("chunkSize", info.chunk_size);
  object.Set("job", info.job);
  if (info.local_rank != kNoLocalRank) object.Set("localRank", info.local_rank);
  return object;
}

}  // namespace

Word ReadWord(const Napi::Object& from) {
  Word word;
  word.job_ended = from.Get("jobEnded").As<Napi::Boolean>().Value();
  const std::string hosts = Bytes(from.Get("deadHosts"));
  for (std::string_view host : Unpack(hosts)) word.dead_hosts.emplace_back(host);
  word.answers = ReadAnswers(from.Get("answers"));
  return word;
}

Policy ReadPolicy(const Napi::Object& policy) {
  const auto flag = [&](const char* key) { return policy.Get(key).As<Napi::Boolean>().Value(); };
  Policy out;
  out.incomplete = static_cast<Incomplete>(Uint(policy, "incomplete"));
  out.fallback = static_cast<Incomplete>(Uint(policy, "fallback"));
  out.publish.verify = static_cast<Verify>(Uint(policy, "verify"));
  out.publish.overwrite = static_cast<Overwrite>(Uint(policy, "overwrite"));
  if (const uint32_t owner = Uint(policy, "owner"); owner != 0) out.publish.owner = static_cast<OwnerPolicy>(owner);
  const std::string roots = Bytes(policy.Get("roots"));
  for (std::string_view root : Unpack(roots)) out.roots.emplace_back(root);
  out.word = ReadWord(policy);
  out.keep_state = flag("keepState");
  out.dry_run = flag("dryRun");
  out.may_delete = flag("mayDelete");
  return out;
}

namespace {

Napi::Object ToJs(Napi::Env env, const Finalized& finalized, uint32_t at) {
  Napi::Object entry = Napi::Object::New(env);
  entry.Set("at", at);
  entry.Set("action", static_cast<uint32_t>(finalized.action));
  entry.Set("stateFile", ToBuffer(env, finalized.state_file));
  entry.Set("name", finalized.name);
  entry.Set("rank", finalized.rank);
  entry.Set("files", Double(finalized.files));
  entry.Set("filesDone", Double(finalized.files_done));
  entry.Set("bytes", Double(finalized.bytes));
  entry.Set("resumed", finalized.resumed);
  if (!finalized.status.ok()) entry.Set("failure", ToJs(env, finalized.status));
  return entry;
}

bool NeedsEntry(Action action) {
  return action == Action::kFailed || action == Action::kCorrupt || action == Action::kBusy ||
         action == Action::kForDataset;
}

}  // namespace

Napi::Object ToJs(Napi::Env env, const std::vector<Finalized>& batch, bool all) {
  Napi::Array entries = Napi::Array::New(env);
  std::array<uint32_t, kActions> counts{};
  uint64_t files = 0, bytes = 0, resumed = 0;
  for (uint32_t at = 0; at < batch.size(); at++) {
    const Finalized& done = batch[at];
    if (all || NeedsEntry(done.action)) {
      entries.Set(entries.Length(), ToJs(env, done, at));
      continue;
    }
    counts[static_cast<size_t>(done.action)]++;
    resumed += done.resumed;
    if (done.action != Action::kPublished) continue;
    files += done.files;
    bytes += done.bytes;
  }
  Napi::Object object = Napi::Object::New(env);
  Napi::Array by_action = Napi::Array::New(env, counts.size());
  for (uint32_t i = 0; i < counts.size(); i++) by_action.Set(i, counts[i]);
  object.Set("entries", entries);
  object.Set("counts", by_action);
  object.Set("files", Double(files));
  object.Set("bytes", Double(bytes));
  object.Set("resumed", Double(resumed));
  return object;
}

Napi::Object CommittedToJs(Napi::Env env, const std::vector<Finalized>& batch) {
  Napi::Array refused = Napi::Array::New(env);
  uint32_t committed = 0;
  for (uint32_t at = 0; at < batch.size(); at++) {
    committed += batch[at].action == Action::kPublished;
    if (NeedsEntry(batch[at].action)) refused.Set(refused.Length(), ToJs(env, batch[at], at));
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("committed", committed);
  object.Set("refused", refused);
  return object;
}

Napi::Object ToJs(Napi::Env env, const Resumed& resumed) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("resumed", resumed.resumed);
  if (!resumed.status.ok()) object.Set("failure", ToJs(env, resumed.status));
  return object;
}

Napi::Object ToJs(Napi::Env env, const Surveyed& s) {
  Napi::Object entry = Napi::Object::New(env);
  entry.Set("stateFile", ToBuffer(env, s.state_file));
  entry.Set("standing", static_cast<uint32_t>(s.standing));
  entry.Set("alive", static_cast<uint32_t>(s.alive));
  if (!s.why.ok()) entry.Set("why", ToJs(env, s.why));
  entry.Set("uuid", Hex(s.uuid.data(), s.uuid.size()));
  entry.Set("name", s.name);
  entry.Set("rank", s.rank);
  entry.Set("size", s.size);
  entry.Set("uid", s.uid);
  entry.Set("modifiedNs", ToNanoseconds(env, s.modified));
  entry.Set("files", Double(s.files));
  entry.Set("filesDone", Double(s.files_done));
  entry.Set("filesFailed", Double(s.files_failed));
  entry.Set("filesPublished", Double(s.files_published));
  entry.Set("bytes", Double(s.bytes));
  entry.Set("bytesDone", Double(s.bytes_done));
  entry.Set("canceled", s.canceled);
  entry.Set("committed", s.settled);
  entry.Set("host", s.host);
  entry.Set("pid", s.pid);
  entry.Set("allRanks", s.all_ranks);
  entry.Set("dataset", Hex(s.dataset.data(), s.dataset.size()));
  entry.Set("attempt", Double(s.attempt));
  entry.Set("job", s.job);
  entry.Set("home", ToBuffer(env, s.home));
  Napi::Array jobs = Napi::Array::New(env, s.jobs.size());
  for (uint32_t i = 0; i < s.jobs.size(); i++) {
    Napi::Object job = Napi::Object::New(env);
    job.Set("mover", s.jobs[i].mover);
    job.Set("token", s.jobs[i].token);
    jobs.Set(i, job);
  }
  entry.Set("jobs", jobs);
  if (!s.status.ok()) entry.Set("failure", ToJs(env, s.status));
  return entry;
}

Napi::Object ToJs(Napi::Env env, const Surveyed& surveyed, const Replay& replay) {
  const TransferState& state = replay.state;
  Napi::Object entry = ToJs(env, surveyed);
  entry.Set("torn", replay.torn);
  entry.Set("validBytes", Double(replay.valid_bytes));
  entry.Set("records", replay.next_sequence);
  entry.Set("transfer", ToJs(env, state.info));
  Napi::Array files = Napi::Array::New(env, state.files.size());
  for (uint32_t i = 0; i < state.files.size(); i++)
    files.Set(i, ToJs(env, state.files[i], state.progress[i], state.uuid));
  entry.Set("files", Double(surveyed.files));
  entry.Set("fileList", files);
  Napi::Array dirs = Napi::Array::New(env, state.dirs.size());
  for (uint32_t i = 0; i < state.dirs.size(); i++) {
    Napi::Object dir = Napi::Object::New(env);
    dir.Set("path", ToBuffer(env, state.dirs[i].path));
    dir.Set("made", !state.renounced[i]);
    if (state.dirs[i].described) dir.Set("metadata", ToJs(env, state.dirs[i].meta));
    dirs.Set(i, dir);
  }
  entry.Set("directoryList", dirs);
  return entry;
}

}  // namespace axl
