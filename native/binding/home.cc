// A Home, and the right to write in it, as a JavaScript object; verdicts as plain objects.
#include "binding/home.h"

#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "binding/values.h"
#include "dataset/home.h"

namespace axl {

static std::string ToText(const Uuid& uuid) { return {reinterpret_cast<const char*>(uuid.data()), uuid.size()}; }

// Not in the nameless namespace, where templates would not find it.
static Napi::Value ToJs(Napi::Env env, const Verdict& v) {
  const std::string dataset = ToText(v.dataset);
  std::string uuids, names;
  for (const auto& [uuid, state_file] : v.transfers) {
    uuids += ToText(uuid);
    names += state_file + '\0';
  }
  return Object(env, "decision", v.decision, "scope", v.scope, "dataset", AsBytes{dataset}, "name", v.name, "size",
                v.size, "uuids", AsBytes{uuids}, "stateFiles", AsBytes{names});
}

namespace {

// What the functions of one object share. JavaScript makes one call at a time.
struct Held {
  std::shared_ptr<Environment> environment;
  std::unique_ptr<Home> home;
  std::unique_ptr<Home::Right> right;  // ends before the home
};
using Shared = std::shared_ptr<Held>;

Verdict ReadVerdict(const Napi::Object& object) {
  Verdict v;
  std::string uuids;
  std::vector<std::string> names;
  Take(object, "decision", &v.decision, "scope", &v.scope, "dataset", &v.dataset, "name", &v.name, "size", &v.size);
  Take(object, "uuids", &uuids, "stateFiles", &names);
  for (size_t i = 0; i < names.size() && (i + 1) * sizeof(Uuid) <= uuids.size(); i++) {
    Verdict::Listed listed{{}, names[i]};
    std::memcpy(listed.uuid.data(), &uuids[i * sizeof(Uuid)], sizeof(Uuid));
    v.transfers.push_back(std::move(listed));
  }
  return v;
}

Napi::Value Lock(const Napi::CallbackInfo& info, const Shared& held) {
  const Home::Milliseconds patience(FromJs<int64_t>(info[1]));
  return held->environment->Run(info.Env(), [held, dataset = FromJs<Uuid>(info[0]), patience] {
    Status s = held->home->Lock(dataset, patience, &held->right);
    return Give(std::move(s), held->right != nullptr);
  });
}

Napi::Value Release(const Napi::CallbackInfo& info, const Shared& held) {
  return held->environment->Run(info.Env(), [held]() -> Result {
    held->right.reset();
    return {};
  });
}

Napi::Value Read(const Napi::CallbackInfo& info, const Shared& held) {
  return held->environment->Run(info.Env(), [held, dataset = FromJs<Uuid>(info[0])] {
    std::optional<Verdict> found;
    Status s = held->home->Read(dataset, &found);
    return Give(std::move(s), std::move(found));
  });
}

Napi::Value Decide(const Napi::CallbackInfo& info, const Shared& held) {
  return held->environment->Run(info.Env(), [held, wanted = ReadVerdict(info[0].As<Napi::Object>())] {
    Verdict counts;
    Status s = held->home->Decide(wanted, &counts);
    return Give(std::move(s), std::move(counts));
  });
}

Napi::Value Pass(const Napi::CallbackInfo& info, const Shared& held) {
  return held->environment->Run(
      info.Env(), [held, dataset = FromJs<Uuid>(info[0])]() -> Result { return held->home->Pass(dataset); });
}

Napi::Value Remove(const Napi::CallbackInfo& info, const Shared& held) {
  return held->environment->Run(info.Env(), [held, dataset = FromJs<Uuid>(info[0]), dirs = Names(info[1])]() -> Result {
    return held->home->Remove(dataset, dirs);
  });
}

Napi::Value Close(const Napi::CallbackInfo& info, const Shared& held) {
  return held->environment->Run(info.Env(), [held]() -> Result {
    held->right.reset();
    held->home.reset();
    return {};
  });
}

Napi::Value ToObject(Napi::Env env, const Shared& held) {
  Napi::Object object = Napi::Object::New(env);
  const auto define = [&](const char* name, auto function) {
    Define(object, name, [held, function](const Napi::CallbackInfo& info) { return function(info, held); });
  };
  object.Set("identity", held->home->identity());
  define("lock", Lock);
  define("release", Release);
  define("read", Read);
  define("decide", Decide);
  define("pass", Pass);
  define("remove", Remove);
  define("close", Close);
  return object;
}

}  // namespace

void DefineHome(Napi::Object exports, const std::shared_ptr<Environment>& environment) {
  Define(exports, "openHome", [environment](const Napi::CallbackInfo& info) -> Napi::Value {
    return environment->Run(info.Env(), [environment, path = Bytes(info[0])]() -> Result {
      const auto held = std::make_shared<Held>();
      held->environment = environment;
      Status s = Home::Open(environment->os(), path, &held->home);
      return {std::move(s), [held](Napi::Env env) { return ToObject(env, held); }};
    });
  });
  Define(exports, "realPath", [environment](const Napi::CallbackInfo& info) -> Napi::Value {
    return environment->Run(info.Env(), [environment, path = Bytes(info[0])]() -> Result {
      std::string real;
      const int r = environment->os().RealPath(path.c_str(), &real);
      if (r < 0) return Status::Errno(-r, "realpath", path);
      return {Status::Ok(), [real](Napi::Env env) { return ToJs(env, AsBytes{real}); }};
    });
  });
}

}  // namespace axl
