// Promises for what the thread of PMIx does. It outlives the environment, so its way back can be closed.
#include "binding/pmix.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "binding/values.h"
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

Napi::Value ToJs(Napi::Env env, const PmixAnswer& a) {
  return Object(env, "problem", a.problem, "rank", a.rank, "size", a.size, "all", a.all, "text", a.text, "elsewhere",
                a.elsewhere);
}

// A promise that `call` settles from the thread of PMIx.
template <typename Call>
Napi::Value Ask(const Napi::CallbackInfo& info, const Session& session, Call call) {
  auto deferred = Napi::Promise::Deferred::New(info.Env());
  call(*session.pmix, [deferred, way = session.way](const PmixAnswer& answer) {
    way->Send([deferred, answer](Napi::Env js) { deferred.Resolve(ToJs(js, answer)); });
  });
  return deferred.Promise();
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
  return Ask(info, *session, [&](Pmix& pmix, auto done) { pmix.Open(std::move(lost), std::move(done)); });
}

// (call, mine, question)
Napi::Value AllTrue(const Napi::CallbackInfo& info, const Session& session) {
  return Ask(info, session, [&](Pmix& pmix, auto done) {
    pmix.AllTrue(FromJs<uint32_t>(info[0]), FromJs<bool>(info[1]), FromJs<uint32_t>(info[2]), std::move(done));
  });
}

// (call, text, question)
Napi::Value Share(const Napi::CallbackInfo& info, const Session& session) {
  return Ask(info, session, [&](Pmix& pmix, auto done) {
    pmix.Share(FromJs<uint32_t>(info[0]), FromJs<std::string>(info[1]), FromJs<uint32_t>(info[2]), std::move(done));
  });
}

Napi::Value Barrier(const Napi::CallbackInfo& info, const Session& session) {
  return Ask(info, session, [](Pmix& pmix, auto done) { pmix.Barrier(std::move(done)); });
}

Napi::Value Close(const Napi::CallbackInfo& info, const Session& session) {
  return Ask(info, session, [](Pmix& pmix, auto done) { pmix.Close(std::move(done)); });
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
  Define(exports, "pmixLoad", [session](const Napi::CallbackInfo& info) { return Load(info, *session); });
  Define(exports, "pmixOpen", [session](const Napi::CallbackInfo& info) { return Open(info, session); });
  Define(exports, "pmixAllTrue", [session](const Napi::CallbackInfo& info) { return AllTrue(info, *session); });
  Define(exports, "pmixShare", [session](const Napi::CallbackInfo& info) { return Share(info, *session); });
  Define(exports, "pmixBarrier", [session](const Napi::CallbackInfo& info) { return Barrier(info, *session); });
  Define(exports, "pmixClose", [session](const Napi::CallbackInfo& info) { return Close(info, *session); });
  Define(exports, "pmixLost", [session](const Napi::CallbackInfo& info) { return Lost(info, *session); });
}

}  // namespace axl
