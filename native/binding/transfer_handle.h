// The addon's Transfer class. LiveTransfer is what threads and promises share; TransferHandle, the JavaScript object
// over it, may be collected while copies run.
#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "binding/environment.h"
#include "binding/strand.h"
#include "transfer.h"

namespace axl {

// All calls on the JavaScript thread.
class LiveTransfer : public std::enable_shared_from_this<LiveTransfer> {
 public:
  using Launch = std::function<Result(Transfer&, std::function<void()>)>;
  using Call = std::function<Result(Transfer&)>;

  LiveTransfer(Napi::Env env, Environment& environment);

  // Queued behind the calls before it. kInvalidState between Close and Open, whatever JavaScript does.
  Napi::Promise Run(Napi::Env env, Call call);
  // Create, Open or Close: the calls after which there is, or is no, state file in our hands.
  Napi::Promise RunAndHold(Napi::Env env, bool hold, Call call);
  // Dispatch, Resume, Adopt ... From here until EndFlight, which what is launched calls, the environment keeps this
  // object.
  Napi::Promise Start(Napi::Env env, Launch launch);
  // Resolves when no copy runs; at once if none does.
  Napi::Promise WhenQuiet(Napi::Env env);
  bool Cancel() { return transfer_->Cancel(); }
  // Whether copies that run keep the event loop alive.
  void KeepAlive(Napi::Env env, bool keep);

  const Transfer& transfer() const { return *transfer_; }

 private:
  Napi::Promise Queue(Napi::Env env, Environment::Task task);
  void EndFlight(Napi::Env env);
  void UpdateHold(Napi::Env env);

  std::shared_ptr<Environment> environment_;  // first: the engine outlives the transfer
  std::shared_ptr<Transfer> transfer_;
  std::shared_ptr<Strand> strand_;
  bool has_state_file_ = false;  // on the strand only
  std::vector<Napi::Promise::Deferred> waiters_;
  bool in_flight_ = false;  // as JavaScript knows it: ends when the message that copies have ended arrives
  bool keep_alive_ = true;
  bool held_ = false;
};

class TransferHandle : public Napi::ObjectWrap<TransferHandle> {
 public:
  static Napi::Function Define(Napi::Env env, Environment* environment);
  explicit TransferHandle(const Napi::CallbackInfo& info);

 private:
  // A call that says only whether it has succeeded, and one after which copies run.
  template <Status (Transfer::*call)()>
  Napi::Value Ask(const Napi::CallbackInfo& info) {
    return live_->Run(info.Env(), [](Transfer& t) -> Result { return (t.*call)(); });
  }
  template <Status (Transfer::*launch)(std::function<void()>)>
  Napi::Value Launch(const Napi::CallbackInfo& info) {
    return live_->Start(info.Env(), launch);
  }

  Napi::Value Create(const Napi::CallbackInfo& info);
  Napi::Value Open(const Napi::CallbackInfo& info);
  Napi::Value Add(const Napi::CallbackInfo& info);
  Napi::Value Point(const Napi::CallbackInfo& info);
  Napi::Value Retire(const Napi::CallbackInfo& info);
  Napi::Value Seal(const Napi::CallbackInfo& info);
  Napi::Value Submitted(const Napi::CallbackInfo& info);
  Napi::Value Rejoin(const Napi::CallbackInfo& info);
  Napi::Value Adopt(const Napi::CallbackInfo& info);
  Napi::Value Abandon(const Napi::CallbackInfo& info);
  Napi::Value WhenQuiet(const Napi::CallbackInfo& info);
  Napi::Value State(const Napi::CallbackInfo& info);
  Napi::Value Report(const Napi::CallbackInfo& info);
  Napi::Value Meet(const Napi::CallbackInfo& info);
  Napi::Value AgreeToPublish(const Napi::CallbackInfo& info);
  Napi::Value PublishUntil(const Napi::CallbackInfo& info);
  Napi::Value Phases(const Napi::CallbackInfo& info);
  Napi::Value AskVerdict(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  Napi::Value Cancel(const Napi::CallbackInfo& info);
  Napi::Value Quiet(const Napi::CallbackInfo& info);
  Napi::Value GetCounters(const Napi::CallbackInfo& info);
  void SetBandwidth(const Napi::CallbackInfo& info);
  void KeepAlive(const Napi::CallbackInfo& info);

  std::shared_ptr<LiveTransfer> live_;
};

}  // namespace axl
