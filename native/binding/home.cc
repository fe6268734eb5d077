// A Home, and the right to write in it, as a JavaScript object; verdicts as plain objects.
#include "binding/home.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "binding/values.h"
#include "dataset/home.h"

namespace axl {

namespace {

// What the functions of one object share. JavaScript makes one call at a time.
struct Held {
  std::shared_ptr<Environment> environment;
  std::unique_ptr<Home> home;
  std::unique_ptr<Home::Right> right;  // ends before the home
};
using Shared = std::shared_ptr<Held>;

Uuid ToUuid(const Napi::Value& value) {
  Uuid uuid{};
  const std::string bytes = Bytes(value);
  std::memcpy(uuid.data(), bytes.data(), std::min(uuid.size(), bytes.size()));
  return uuid;
}

std::string ToText(const Uuid& uuid) { return {reinterpret_cast<const char*>(uuid.data()), uuid.size()}; }

Verdict ReadVerdict(const Napi::Object& object) {
  Verdict verdict;
  verdict.decision = static_cast<Decision>(Uint(object, "decision"));
  verdict.scope = static_cast<Scope>(Uint(object, "scope"));
  verdict.dataset = ToUuid(object.Get("dataset"));
  verdict.name = object.Get("name").As<Napi::String>();
  verdict.size = Uint(object, "size");
  const std::string uuids = Bytes(object.Get("uuids")), packed = Bytes(object.Get("stateFiles"));
  const auto names = Unpack(packed);
  for (size_t i = 0; i < names.size() && (i + 1) * sizeof(Uuid) <= uuids.size(); i++) {
    Verdict::Listed listed{{}, std::string(names[i])};
    std::memcpy(listed.uuid.data(), &uuids[i * sizeof(Uuid)], sizeof(Uuid));
    verdict.transfers.push_back(std::move(listed));
  }
  return verdict;
}

Napi::Value ToJs(Napi::Env env, const Verdict& verdict) {
  std::string uuids, names;
  for (const auto& [uuid, state_file] : verdict.transfers) {
    uuids += ToText(uuid);
    names += state_file + '\0';
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("decision", static_cast<uint32_t>(verdict.decision));
  object.Set("scope", static_cast<uint32_t>(verdict.scope));
  object.Set("dataset", ToBuffer(env, ToText(verdict.dataset)));
  object.Set("name", verdict.name);
  object.Set("size", verdict.size);
  object.Set("uuids", ToBuffer(env, uuids));
  object.Set("stateFiles", ToBuffer(env, names));
  return object;
}

// A promise for what `task` returns, on a background thread.
Napi::Promise Run(Napi::Env env, Environment& environment, Environment::Task task) {
  Engine& engine = environment.Start(env);
  return environment.Run(
      env, [&engine](std::function<void()> posted) { engine.Post(std::move(posted)); }, std::move(task));
}

Napi::Value Lock(const Napi::CallbackInfo& info, const Shared& held) {
  const Home::Milliseconds patience(info[1].As<Napi::Number>().Int64Value());
  return Run(info.Env(), *held->environment, [held, dataset = ToUuid(info[0]), patience]() -> Result {
    Status s = held->home->Lock(dataset, patience, &held->right);
    return {std::move(s), [got = held->right != nullptr](Napi::Env env) { return Napi::Boolean::New(env, got); }};
  });
}

Napi::Value Release(const Napi::CallbackInfo& info, const Shared& held) {
  return Run(info.Env(), *held->environment, [held]() -> Result {
    held->right.reset();
    return {};
  });
}

Napi::Value Read(const Napi::CallbackInfo& info, const Shared& held) {
  return Run(info.Env(), *held->environment, [held, dataset = ToUuid(info[0])]() -> Result {
    std::optional<Verdict> found;
    Status s = held->home->Read(dataset, &found);
    return {std::move(s), [found](Napi::Env env) { return found ? ToJs(env, *found) : env.Undefined(); }};
  });
}

Napi::Value Decide(const Napi::CallbackInfo& info, const Shared& held) {
  return Run(info.Env(), *held->environment, [held, wanted = ReadVerdict(info[0].As<Napi::Object>())]() -> Result {
    Verdict counts;
    Status s = held->home->Decide(wanted, &counts);
    return {std::move(s), [counts](Napi::Env env) { return ToJs(env, counts); }};
  });
}

Napi::Value Remove(const Napi::CallbackInfo& info, const Shared& held) {
  std::vector<std::string> dirs;
  const std::string packed = Bytes(info[1]);
  for (std::string_view dir : Unpack(packed)) dirs.emplace_back(dir);
  return Run(info.Env(), *held->environment, [held, dataset = ToUuid(info[0]), dirs]() -> Result {
    return {held->home->Remove(dataset, dirs), nullptr};
  });
}

Napi::Value ToObject(Napi::Env env, const Shared& held) {
  Napi::Object object = Napi::Object::New(env);
  const auto define = [&](const char* name, auto function) {
    object.Set(name, Napi::Function::New(
                         env, [held, function](const Napi::CallbackInfo& info) { return function(info, held); }, name));
  };
  object.Set("identity", held->home->identity());
  define("lock", Lock);
  define("release", Release);
  define("read", Read);
  define("decide", Decide);
  define("remove", Remove);
  return object;
}

}  // namespace

void DefineHome(Napi::Object exports, const std::shared_ptr<Environment>& environment) {
  const auto open = [environment](const Napi::CallbackInfo& info) -> Napi::Value {
    return Run(info.Env(), *environment, [environment, path = Bytes(info[0])]() -> Result {
      const auto held = std::make_shared<Held>();
      held->environment = environment;
      Status s = Home::Open(environment->os(), path, &held->home);
      return {std::move(s), [held](Napi::Env env) { return ToObject(env, held); }};
    });
  };
  const auto real_path = [environment](const Napi::CallbackInfo& info) -> Napi::Value {
    return Run(info.Env(), *environment, [environment, path = Bytes(info[0])]() -> Result {
      std::string real;
      const int r = environment->os().RealPath(path.c_str(), &real);
      if (r < 0) return {Status::Errno(-r, "realpath", path), nullptr};
      return {Status::Ok(), [real](Napi::Env env) { return ToBuffer(env, real); }};
    });
  };
  exports.Set("realPath", Napi::Function::New(exports.Env(), real_path, "realPath"));
  exports.Set("openHome", Napi::Function::New(exports.Env(), open, "openHome"));
}

}  // namespace axl
