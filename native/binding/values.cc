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
constexpr uint8_t kOwnerGivenFlag = 0x20;
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

Napi::Value ToBuffer(Napi::Env env, const std::string& bytes) {
  return Napi::Buffer<char>::Copy(env, bytes.data(), bytes.size());
}

uint32_t Uint(const Napi::Object& options, const char* key) {
  return options.Get(key).As<Napi::Number>().Uint32Value();
}

double Double(uint64_t n) { return static_cast<double>(n); }

Napi::Object ToJs(Napi::Env env, const Status& status) {
  Napi::Object failure = Napi::Object::New(env);
  failure.Set("code", CodeName(status.code));
  if (status.err != 0) {
    failure.Set("errno", status.err);
    failure.Set("errnoName", ErrnoName(status.err));
    failure.Set("reason", Reason(status.err));
  }
  if (!status.call.empty()) failure.Set("syscall", status.call);
  if (!status.path.empty()) failure.Set("path", ToBuffer(env, status.path));
  if (!status.dest.empty()) failure.Set("dest", ToBuffer(env, status.dest));
  if (!status.detail.empty()) failure.Set("detail", status.detail);
  return failure;
}

Napi::Object ToJs(Napi::Env env, const Counters& counters) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("bytesTotal", Double(counters.bytes_total));
  object.Set("bytesCopied", Double(counters.bytes_copied));
  object.Set("filesTotal", Double(counters.files_total));
  object.Set("filesDone", Double(counters.files_done));
  object.Set("filesFailed", Double(counters.files_failed));
  return object;
}

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

TransferOptions ReadTransferOptions(const Napi::Object& options) {
  TransferOptions out;
  out.name = options.Get("name").As<Napi::String>().Utf8Value();
  out.state_file = Bytes(options.Get("stateFile"));
  out.durability = static_cast<Durability>(Uint(options, "durability"));
  out.owner = static_cast<OwnerPolicy>(Uint(options, "owner"));
  out.rank = Uint(options, "rank");
  out.size = Uint(options, "size");
  out.chunk_size = Uint(options, "chunkSize");
  out.job = options.Get("job").As<Napi::String>().Utf8Value();
  out.local_rank = Uint(options, "localRank");
  out.all_ranks = options.Get("allRanks").As<Napi::Boolean>().Value();
  out.home = Bytes(options.Get("home"));
  const std::string dataset = Bytes(options.Get("dataset"));
  std::copy_n(dataset.begin(), std::min(dataset.size(), out.dataset.size()), out.dataset.begin());
  out.attempt = static_cast<uint64_t>(options.Get("attempt").As<Napi::Number>().Int64Value());
  return out;
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
    const auto failure = list.Get(i).As<Napi::Object>();
    const std::string why = failure.Get("message").As<Napi::String>();
    arrivals.told[Uint(failure, "id")] = {{}, Status::Make(Code::kIo, why)};
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

Napi::Object ToJs(Napi::Env env, const Pending& files) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("names", Share(env, files.names));
  object.Set("ids", ToTypedArray<Napi::Uint32Array>(env, files.ids));
  object.Set("sizes", ToTypedArray<Napi::Float64Array>(env, files.sizes));
  return object;
}

ReportColumns::ReportColumns(const Transfer& transfer)
    : names_(std::make_shared<std::string>()), failure_(transfer.failure()) {
  size_t bytes = 0, files = 0;
  transfer.EachFile([&](const FileEntry& file, const FileProgress&) {
    bytes += file.source.size() + file.dest.size() + 2;
    files++;
  });
  names_->reserve(bytes);
  sizes_.reserve(files);
  states_.reserve(files);
  crcs_.reserve(files);
  const bool published = transfer.state() == Transfer::State::kPublished;
  transfer.EachFile([&](const FileEntry& file, const FileProgress& progress) { Add(file, progress, published); });
}

void ReportColumns::Add(const FileEntry& file, const FileProgress& progress, bool all_published) {
  const bool published = progress.published || all_published;
  const bool has_crc = progress.state == FileState::kDone && file.kind == FileKind::kRegular;
  names_->append(file.source).push_back('\0');
  names_->append(file.dest).push_back('\0');
  if (!progress.failure->ok()) failures_.emplace_back(static_cast<uint32_t>(sizes_.size()), *progress.failure);
  sizes_.push_back(static_cast<double>(file.size));
  crcs_.push_back(progress.crc);
  states_.push_back(static_cast<uint8_t>(static_cast<unsigned>(progress.state) | (published ? kPublishedFlag : 0) |
                                         (progress.owner_given() ? kOwnerGivenFlag : 0) | (has_crc ? kHasCrcFlag : 0)));
}

Napi::Object ReportColumns::ToJs(Napi::Env env) const {
  Napi::Object report = Napi::Object::New(env);
  report.Set("names", Share(env, names_));
  report.Set("sizes", ToTypedArray<Napi::Float64Array>(env, sizes_));
  report.Set("states", ToTypedArray<Napi::Uint8Array>(env, states_));
  report.Set("crcs", ToTypedArray<Napi::Uint32Array>(env, crcs_));
  Napi::Array failures = Napi::Array::New(env, failures_.size());
  for (uint32_t i = 0; i < failures_.size(); i++) {
    Napi::Object failure = axl::ToJs(env, failures_[i].second);
    failure.Set("index", failures_[i].first);
    failures.Set(i, failure);
  }
  report.Set("failures", failures);
  if (!failure_.ok()) report.Set("failure", axl::ToJs(env, failure_));
  return report;
}

}  // namespace axl
