// Manifests stay in the engine: what crosses is what they say of themselves, how many files are well, and columns of
// those that somebody asked for, so that a million files cost JavaScript a few numbers.
#include "binding/manifest.h"

#include <string>
#include <utility>
#include <vector>

#include "binding/values.h"
#include "manifest/verification.h"

namespace axl {

// Not in the nameless namespace, where templates would not find them.
static Napi::Value ToJs(Napi::Env env, const Listing& found) {
  std::string packed;
  for (const std::string& path : found.files) packed.append(path).push_back('\0');
  return Object(env, "files", AsBytes{packed}, "unreadable", found.unreadable);
}

static Napi::Value ToJs(Napi::Env env, const Summary& read) {
  Napi::Object object = Object(env, "problems", read.problems, "files", read.files, "bytes", read.bytes);
  Set(object, "failure", read.failure);
  if (read.head.ranks > 0) Set(object, "rank", read.head.rank, "ranks", read.head.ranks);
  if (read.head.dataset != Uuid{}) Set(object, "dataset", read.head.dataset);
  return object;
}

static Napi::Value ToJs(Napi::Env env, const Problem& problem) {
  return Object(env, "index", problem.index, "failure", problem.why);
}

template <class Element, class T>
static Napi::Value Column(Napi::Env env, const std::vector<T>& values) {
  auto array = Napi::TypedArrayOf<Element>::New(env, values.size());
  for (size_t i = 0; i < values.size(); i++) array[i] = static_cast<Element>(values[i]);
  return array;
}

static Napi::Value ToJs(Napi::Env env, const Rows& rows) {
  return Object(env, "names", AsBytes{rows.names}, "sizes", Column<double>(env, rows.sizes), "crcs",
                Column<uint32_t>(env, rows.crcs), "verdicts", Column<uint8_t>(env, rows.verdicts), "problems",
                rows.problems);
}

static Napi::Value ToJs(Napi::Env env, const Slice& slice) {
  const std::vector<uint64_t> counts(slice.counts.begin(), slice.counts.end());
  return Object(env, "files", slice.files, "bytes", slice.bytes, "bytesOk", slice.bytes_ok, "counts", counts, "rows",
                slice.rows);
}

namespace {

using Shared = std::shared_ptr<Environment>;

// (threads): an object that can be told to stop.
Napi::Value Verifier(const Napi::CallbackInfo& info, const Shared& environment) {
  const auto threads = FromJs<uint32_t>(info[0]);
  Engine& engine = environment->Start(info.Env());
  engine.AllowBackground(threads);
  const auto verification = std::make_shared<Verification>(environment->os(), engine, threads);
  Napi::Object object = Napi::Object::New(info.Env());
  Define(object, "read", [environment, verification](const Napi::CallbackInfo& call) -> Napi::Value {
    return environment->Run(
        call.Env(), [verification, paths = Names(call[0])] { return Give(Status::Ok(), verification->Read(paths)); });
  });
  Define(object, "next", [environment, verification](const Napi::CallbackInfo& call) -> Napi::Value {
    return environment->Run(call.Env(), [verification, all_rows = FromJs<bool>(call[0])] {
      return Give(Status::Ok(), verification->Next(all_rows));
    });
  });
  Define(object, "listOthers", [environment, verification](const Napi::CallbackInfo& call) -> Napi::Value {
    return environment->Run(
        call.Env(), [verification, dir = Bytes(call[0])] { return Give(Status::Ok(), verification->ListOthers(dir)); });
  });
  Define(object, "stop", [verification](const Napi::CallbackInfo&) { verification->Stop(); });
  return object;
}

}  // namespace

void DefineManifest(Napi::Object exports, const Shared& environment) {
  Define(exports, "verifier", [environment](const Napi::CallbackInfo& info) { return Verifier(info, environment); });
}

}  // namespace axl
