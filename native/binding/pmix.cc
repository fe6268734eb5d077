// Promises for what the thread of PMIx does. It outlives the environment, so its way back can be closed.
#include "binding/pmix.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "comm/pmix.h"

namespace axl {

namespace {

// From the thread of PMIx to JavaScript, until the environment ends.
struct Way {
  std::mutex mutex;
  Channel* channel = nullptr;

  void Send(Channel::Call call) {
    std::lock_guard lock(mutex);
    if (channel != nullptr) channel->Send(std::move(call));
  }
  void Close() {
    std::lock_guard lock(mutex);
    channel = nullptr;
  }
};

// What the functions of one environment share. All but `way` on the JavaScript thread.
struct Session {
  Environment* environment = nullptr;
  std::shared_ptr<Way> way = std::make_shared<Way>();
  Pmix* pmix = nullptr;
  std::string lost;  // why; empty: nothing is
  std::optional<Napi::Promise::Deferred> asked;

  void SettleLost(Napi::Env env) {
    if (lost.empty() || !asked) return;
    asked->Resolve(Napi::String::New(env, lost));
    asked.reset();
  }
};

Napi::Value Load(const Napi::CallbackInfo& info, Session& session) {
  std::string problem;
  if (session.pmix == nullptr) {
    session.pmix = Pmix::Load(info[0].As<Napi::String>(), &problem);
    if (session.pmix == nullptr) return Napi::String::New(info.Env(), problem);
    session.environment->Start(info.Env());
    session.way->channel = &session.environment->channel();
    session.environment->AtStop([way = session.way] { way->Close(); });
  }
  return Napi::String::New(info.Env(), problem);
}

Napi::Object ToJs(Napi::Env env, const PmixAnswer& answer) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("problem", answer.problem);
  object.Set("rank", answer.rank);
  object.Set("size", answer.size);
  object.Set("all", answer.all);
  object.Set("text", answer.text);
  object.Set("elsewhere", static_cast<double>(answer.elsewhere));
  return object;
}

// A promise, and what settles it from the thread of PMIx.
std::pair<Napi::Promise, Pmix::Done> Promised(Napi::Env env, const Session& session) {
  auto deferred = Napi::Promise::Deferred::New(env);
  auto done = [deferred, way = session.way](const PmixAnswer& answer) {
    way->Send([deferred, answer](Napi::Env js) { deferred.Resolve(ToJs(js, answer)); });
  };
  return {deferred.Promise(), done};
}

Napi::Value Open(const Napi::CallbackInfo& info, const std::shared_ptr<Session>& session) {
  auto lost = [session = std::weak_ptr(session), way = session->way](const std::string& why) {
    way->Send([session, why](Napi::Env js) {
      const auto open = session.lock();
      if (!open) return;
      open->lost = why;
      open->SettleLost(js);
    });
  };
  auto [promise, done] = Promised(info.Env(), *session);
  session->pmix->Open(std::move(lost), std::move(done));
  return promise;
}

Napi::Value AllTrue(const Napi::CallbackInfo& info, const Session& session) {
  auto [promise, done] = Promised(info.Env(), session);
  const uint32_t call = info[0].As<Napi::Number>();
  const bool mine = info[1].As<Napi::Boolean>();
  const uint32_t question = info[2].As<Napi::Number>();
  session.pmix->AllTrue(call, mine, question, std::move(done));
  return promise;
}

Napi::Value Share(const Napi::CallbackInfo& info, const Session& session) {
  auto [promise, done] = Promised(info.Env(), session);
  const uint32_t call = info[0].As<Napi::Number>();
  const uint32_t question = info[2].As<Napi::Number>();
  session.pmix->Share(call, info[1].As<Napi::String>(), question, std::move(done));
  return promise;
}

Napi::Value Barrier(const Napi::CallbackInfo& info, const Session& session) {
  auto [promise, done] = Promised(info.Env(), session);
  session.pmix->Barrier(std::move(done));
  return promise;
}

Napi::Value Close(const Napi::CallbackInfo& info, const Session& session) {
  auto [promise, done] = Promised(info.Env(), session);
  session.pmix->Close(std::move(done));
  return promise;
}

Napi::Value Lost(const Napi::CallbackInfo& info, Session& session) {
  session.asked = Napi::Promise::Deferred::New(info.Env());
  const Napi::Promise promise = session.asked->Promise();
  session.SettleLost(info.Env());
  return promise;
}

}  // namespace

void DefinePmix(Napi::Object exports, Environment& environment) {
  const auto session = std::make_shared<Session>();
  session->environment = &environment;
  const auto define = [&](const char* name, auto function) {
    exports.Set(name, Napi::Function::New(exports.Env(), function, name));
  };
  define("pmixLoad", [session](const Napi::CallbackInfo& info) { return Load(info, *session); });
  define("pmixOpen", [session](const Napi::CallbackInfo& info) { return Open(info, session); });
  define("pmixAllTrue", [session](const Napi::CallbackInfo& info) { return AllTrue(info, *session); });
  define("pmixShare", [session](const Napi::CallbackInfo& info) { return Share(info, *session); });
  define("pmixBarrier", [session](const Napi::CallbackInfo& info) { return Barrier(info, *session); });
  define("pmixClose", [session](const Napi::CallbackInfo& info) { return Close(info, *session); });
  define("pmixLost", [session](const Napi::CallbackInfo& info) { return Lost(info, *session); });
}

}  // namespace axl
