// A manifest crosses by columns, and files to check cross as parts of such columns: a million names are a few buffers.
#include "binding/manifest.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/names.h"
#include "binding/values.h"
#include "manifest/check.h"

namespace axl {

// Not in the nameless namespace, where templates would not find them.
static Napi::Value ToJs(Napi::Env env, const Listing& found) {
  std::string packed;
  for (const std::string& path : found.files) packed.append(path).push_back('\0');
  return Object(env, "files", AsBytes{packed}, "unreadable", found.unreadable);
}

// `names`: absolute paths, each ended by a NUL, which is at its `ends`. A size that is not known is NaN.
static Napi::Value ToJs(Napi::Env env, const std::pair<std::string, Manifest>& read) {
  const auto& [directory, manifest] = read;
  const size_t n = manifest.files.size();
  std::string names;
  Napi::Float64Array ends = Napi::Float64Array::New(env, n), sizes = Napi::Float64Array::New(env, n);
  Napi::Uint32Array crcs = Napi::Uint32Array::New(env, n);
  for (size_t i = 0; i < n; i++) {
    const ManifestFile& file = manifest.files[i];
    names += Join(directory, file.name);
    ends[i] = static_cast<double>(names.size());
    names.push_back('\0');
    sizes[i] = file.size ? static_cast<double>(*file.size) : std::numeric_limits<double>::quiet_NaN();
    crcs[i] = file.crc;
  }
  const ManifestHead& head = manifest.head;
  Napi::Object object =
      Object(env, "names", AsBytes{names}, "ends", static_cast<Napi::Value>(ends), "sizes",
             static_cast<Napi::Value>(sizes), "crcs", static_cast<Napi::Value>(crcs), "problems", manifest.problems);
  if (head.ranks > 0) Set(object, "rank", head.rank, "ranks", head.ranks);
  if (head.dataset != Uuid{}) Set(object, "dataset", head.dataset);
  return object;
}

// `verdicts`, a byte for each file; and why, of those that are not as they were.
static Napi::Value ToJs(Napi::Env env, const std::vector<Checked>& checked) {
  Napi::Uint8Array verdicts = Napi::Uint8Array::New(env, checked.size());
  Napi::Array failures = Napi::Array::New(env);
  for (size_t i = 0; i < checked.size(); i++) {
    verdicts[i] = static_cast<uint8_t>(checked[i].verdict);
    if (!checked[i].why.ok())
      failures.Set(failures.Length(), Object(env, "index", i, "failure", ToJs(env, checked[i].why)));
  }
  return Object(env, "verdicts", static_cast<Napi::Value>(verdicts), "failures", static_cast<Napi::Value>(failures));
}

namespace {

using Shared = std::shared_ptr<Environment>;

// [{names, sizes, crcs}, ...]
std::vector<Expected> ReadParts(const Napi::Array& parts) {
  std::vector<Expected> files;
  for (uint32_t p = 0; p < parts.Length(); p++) {
    const auto part = parts.Get(p).As<Napi::Object>();
    const auto sizes = part.Get("sizes").As<Napi::Float64Array>();
    const auto crcs = part.Get("crcs").As<Napi::Uint32Array>();
    const std::string packed = Bytes(part.Get("names"));
    size_t i = 0;
    for (const std::string_view name : Unpack(packed)) {
      Expected file{std::string(name), crcs[i], {}};
      if (!std::isnan(sizes[i])) file.size = static_cast<uint64_t>(sizes[i]);
      files.push_back(std::move(file));
      i++;
    }
  }
  return files;
}

// (path)
Napi::Value Read(const Napi::CallbackInfo& info, const Shared& environment) {
  return environment->Run(info.Env(), [&os = environment->os(), path = Bytes(info[0])] {
    Manifest manifest;
    Status s = LoadManifest(os, path, &manifest);
    return Give(std::move(s), std::pair(std::string(ParentOf(path)), std::move(manifest)));
  });
}

// (threads): an object that can be told to stop.
Napi::Value Checker(const Napi::CallbackInfo& info, const Shared& environment) {
  const auto threads = FromJs<uint32_t>(info[0]);
  const auto stop = std::make_shared<std::atomic<bool>>(false);
  environment->Start(info.Env()).AllowBackground(threads);
  Napi::Object object = Napi::Object::New(info.Env());
  Define(object, "check", [environment, stop, threads](const Napi::CallbackInfo& call) -> Napi::Value {
    Engine& engine = environment->Start(call.Env());
    return environment->Run(
        call.Env(), [&os = environment->os(), &engine, files = ReadParts(call[0].As<Napi::Array>()), threads, stop] {
          return Give(Status::Ok(), CheckFiles(os, engine, files, threads, *stop));
        });
  });
  Define(object, "list", [environment, stop](const Napi::CallbackInfo& call) -> Napi::Value {
    const Engine& engine = environment->Start(call.Env());
    return environment->Run(call.Env(), [&os = environment->os(), &engine, dir = Bytes(call[0]), stop] {
      return Give(Status::Ok(), ListBelow(os, engine, dir, *stop));
    });
  });
  Define(object, "stop", [stop](const Napi::CallbackInfo&) { stop->store(true); });
  return object;
}

}  // namespace

void DefineManifest(Napi::Object exports, const Shared& environment) {
  Define(exports, "readManifest", [environment](const Napi::CallbackInfo& info) { return Read(info, environment); });
  Define(exports, "checker", [environment](const Napi::CallbackInfo& info) { return Checker(info, environment); });
}

}  // namespace axl
