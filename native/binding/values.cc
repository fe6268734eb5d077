// Status, reports and options: C++ on one side, plain JavaScript objects on the other.
#include "binding/values.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <system_error>

#include "base/names.h"

namespace axl {

namespace {

constexpr uint8_t kPublishedFlag = 0x10;
constexpr uint8_t kHasCrcFlag = 0x40;

// Without a copy.
Napi::Value Share(Napi::Env env, const std::shared_ptr<std::string>& bytes) {
  auto* owner = new std::shared_ptr<std::string>(bytes);
  const auto drop = [](Napi::Env, char*, std::shared_ptr<std::string>* o) { delete o; };
  return Napi::Buffer<char>::New(env, bytes->data(), bytes->size(), drop, owner);
}

// Untranslated, and beginning small: it stands in the middle of a sentence.
std::string Reason(int err) {
  std::string reason = std::generic_category().message(err);
  if (!reason.empty()) reason[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(reason[0])));
  return reason;
}

template <typename Array, typename T>
Array ToTypedArray(Napi::Env env, const std::vector<T>& values) {
  Array array = Array::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size() * sizeof(T));
  return array;
}

}  // namespace

Napi::Value ToJs(Napi::Env env, const Status& status) {
  if (status.ok()) return env.Undefined();
  Napi::Object failure = Object(env, "code", CodeName(status.code));
  if (status.err != 0)
    Set(failure, "errno", status.err, "errnoName", ErrnoName(status.err), "reason", Reason(status.err));
  if (!status.call.empty()) Set(failure, "syscall", status.call);
  if (!status.path.empty()) Set(failure, "path", AsBytes{status.path});
  if (!status.dest.empty()) Set(failure, "dest", AsBytes{status.dest});
  if (!status.detail.empty()) Set(failure, "detail", status.detail);
  return failure;
}

Napi::Value ToJs(Napi::Env env, const Counters& c) {
  return Object(env, "bytesTotal", c.bytes_total, "bytesCopied", c.bytes_copied, "filesTotal", c.files_total,
                "filesDone", c.files_done, "filesFailed", c.files_failed);
}

Napi::Value ToJs(Napi::Env env, const PlanCounts& c) {
  return Object(env, "files", c.files, "directories", c.dirs, "bytes", c.bytes, "skipped", c.skipped, "nested",
                c.nested, "drafts", c.drafts);
}

Napi::Value ToJs(Napi::Env env, const AsBytes& value) {
  return Napi::Buffer<char>::Copy(env, value.bytes.data(), value.bytes.size());
}

Napi::Value ToJs(Napi::Env env, const Time& time) {
  return Napi::BigInt::New(env, time.sec * 1'000'000'000 + static_cast<int64_t>(time.nsec));
}

Napi::Value ToJs(Napi::Env env, const Uuid& uuid) { return ToJs(env, Hex(uuid.data(), uuid.size())); }

std::string Bytes(const Napi::Value& value) {
  auto buffer = value.As<Napi::Buffer<char>>();
  return std::string(buffer.Data(), buffer.Length());
}

std::vector<std::string_view> Unpack(std::string_view packed) {
  std::vector<std::string_view> names;
  for (size_t at = 0; at < packed.size();) {
    const size_t end = packed.find('\0', at);
    if (end == std::string_view::npos) break;
    names.push_back(packed.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

std::vector<std::string> Names(const Napi::Value& packed) {
  const std::string bytes = Bytes(packed);
  const std::vector<std::string_view> names = Unpack(bytes);
  return {names.begin(), names.end()};
}

void FromJs(const Napi::Value& value, std::string* out) {
  *out = value.IsBuffer() ? Bytes(value) : value.As<Napi::String>().Utf8Value();
}

void FromJs(const Napi::Value& value, Uuid* out) {
  const std::string bytes = Bytes(value);
  std::copy_n(bytes.begin(), std::min(bytes.size(), out->size()), out->begin());
}

void FromJs(const Napi::Value& value, std::vector<std::string>* out) { *out = Names(value); }

PlanOptions ReadPlanOptions(const Napi::Object& options) {
  PlanOptions o;
  Take(options, "links", &o.links, "contents", &o.contents, "syncSource", &o.sync_source, "atLeast", &o.at_least,
       "expect", &o.manifests, "publish", &o.publish);
  return o;
}

TransferOptions ReadTransferOptions(const Napi::Object& options) {
  TransferOptions o;
  Take(options, "name", &o.name, "stateFile", &o.state_file, "durability", &o.durability);
  Take(options, "owner", &o.keep.owner, "mode", &o.keep.mode, "times", &o.keep.times, "xattrs", &o.keep.xattrs, "acls",
       &o.keep.acls);
  Take(options, "rank", &o.rank, "size", &o.size, "localRank", &o.local_rank, "job", &o.job, "attempt", &o.attempt);
  Take(options, "hardLinks", &o.hard_links);
  Take(options, "chunkSize", &o.chunk_size, "allRanks", &o.all_ranks, "home", &o.home, "dataset", &o.dataset);
  Take(options, "heartbeatMs", &o.heartbeat_ms);
  Take(options, "bandwidth", &o.bandwidth, "verify", &o.verify);
  if (const Napi::Value own = options.Get("commitFiles"); own.IsBuffer()) o.commit_files = Names(own);
  if (const Napi::Value manifest = options.Get("manifest"); manifest.IsBuffer()) o.manifest = Bytes(manifest);
  return o;
}

JobAnswers ReadAnswers(const Napi::Value& packed) {
  if (!packed.IsBuffer()) return {};
  const std::string bytes = Bytes(packed);
  const std::vector<std::string_view> words = Unpack(bytes);
  JobAnswers answers;
  for (size_t i = 0; i + 2 < words.size(); i += 3)
    answers.push_back({std::string(words[i]), std::string(words[i + 1]), words[i + 2] != "ended"});
  return answers;
}

Arrivals ReadArrivals(const Napi::Value& failures, const Napi::Value& stays) {
  Arrivals arrivals{{}, stays.As<Napi::Boolean>()};
  const auto list = failures.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    uint32_t id = 0;
    std::string why;
    Take(list.Get(i).As<Napi::Object>(), "id", &id, "message", &why);
    arrivals.told[id] = {{}, Status::Make(Code::kIo, why)};
  }
  return arrivals;
}

Pending PendingOf(const Transfer& transfer) {
  Pending out;
  transfer.EachPending([&](uint32_t id, const FileEntry& file) {
    *out.names += file.source + '\0' + TemporaryPath(file.dest, transfer.uuid()) + '\0';
    out.ids.push_back(id);
    out.sizes.push_back(static_cast<double>(file.size));
  });
  return out;
}

Napi::Value ToJs(Napi::Env env, const Pending& files) {
  return Object(env, "names", Share(env, files.names), "ids", ToTypedArray<Napi::Uint32Array>(env, files.ids), "sizes",
                ToTypedArray<Napi::Float64Array>(env, files.sizes));
}

Napi::Array ToJs(Napi::Env env, const std::vector<Retire>& retire, const std::vector<Left>& left) {
  Napi::Array all = Napi::Array::New(env, retire.size());
  for (uint32_t id = 0; id < retire.size(); id++)
    all.Set(id, Object(env, "path", AsBytes{retire[id].path}, "size", retire[id].size, "deleted", retire[id].retired));
  for (const Left& stays : left) Set(all.Get(stays.id).As<Napi::Object>(), "failure", stays.why);
  return all;
}

ReportColumns::ReportColumns(const Transfer& transfer)
    : names_(std::make_shared<std::string>()),
      directories_(transfer.directories()),
      not_copied_(transfer.not_copied().begin(), transfer.not_copied().end()),
      unmatched_(transfer.unmatched()),
      lacks_manifest_(transfer.lacks_manifest()),
      retire_(transfer.journalled().retire),
      left_(transfer.left()),
      failure_(transfer.failure()) {
  size_t bytes = 0, files = 0;
  transfer.EachFile([&](const FileEntry& file, const FileProgress&) {
    bytes += file.source.size() + file.dest.size() + 2;
    files++;
  });
  names_->reserve(bytes);
  sizes_.reserve(files);
  states_.reserve(files);
  phases_.reserve(files);
  crcs_.reserve(files);
  lacks_.reserve(files);
  const bool published = transfer.state() == Transfer::State::kPublished;
  transfer.EachFile([&](const FileEntry& file, const FileProgress& progress) { Add(file, progress, published); });
}

void ReportColumns::Add(const FileEntry& file, const FileProgress& progress, bool all_published) {
  const bool published = progress.published || all_published;
  const bool has_crc = progress.state == FileState::kDone && file.kind != FileKind::kSymlink;
  names_->append(file.source).push_back('\0');
  names_->append(file.dest).push_back('\0');
  if (!progress.failure->ok()) failures_.emplace_back(static_cast<uint32_t>(sizes_.size()), *progress.failure);
  sizes_.push_back(static_cast<double>(file.size));
  crcs_.push_back(progress.crc);
  phases_.push_back(static_cast<uint8_t>(file.phase));
  states_.push_back(static_cast<uint8_t>(static_cast<unsigned>(progress.state) | (published ? kPublishedFlag : 0) |
                                         (has_crc ? kHasCrcFlag : 0)));
  if (file.kind == FileKind::kHardLink && progress.state == FileState::kDone)
    links_copied_ += progress.temporary.inode != inodes_[file.linked];
  inodes_.push_back(progress.temporary.inode);
  lacks_.push_back(progress.state == FileState::kDone ? progress.lacking : 0);
}

Napi::Object ReportColumns::ToJs(Napi::Env env) const {
  Napi::Array failures = Napi::Array::New(env, failures_.size());
  for (uint32_t i = 0; i < failures_.size(); i++) {
    Napi::Object failure = axl::ToJs(env, failures_[i].second).As<Napi::Object>();
    Set(failure, "index", failures_[i].first);
    failures.Set(i, failure);
  }
  return Object(env, "names", Share(env, names_), "sizes", ToTypedArray<Napi::Float64Array>(env, sizes_), "states",
                ToTypedArray<Napi::Uint8Array>(env, states_), "crcs", ToTypedArray<Napi::Uint32Array>(env, crcs_),
                "lacks", ToTypedArray<Napi::Uint8Array>(env, lacks_), "directoriesLacking", directories_.count,
                "directoriesLack", directories_.bits, "notCopied", not_copied_, "linksCopied", links_copied_, "phases",
                ToTypedArray<Napi::Uint8Array>(env, phases_), "unmatched", unmatched_, "lacksManifest", lacks_manifest_,
                "failures", failures, "failure", failure_, "retired", axl::ToJs(env, retire_, left_));
}

}  // namespace axl
