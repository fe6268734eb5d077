// The ThreadSafeFunction of an environment, and when it keeps the event loop alive.
#include "binding/channel.h"

#include <memory>

namespace axl {

void Channel::Open(Napi::Env env) {
  constexpr size_t kUnbounded = 0;  // a bounded queue would block a worker behind a busy event loop
  function_ = Function::New(env, "axl-transfer", kUnbounded, 1, this);
  function_.Unref(env);
}

void Channel::Send(Call call) {
  auto owned = std::make_unique<Call>(std::move(call));
  if (function_.NonBlockingCall(owned.get()) == napi_ok) (void)owned.release();
}

void Channel::Close() { function_.Release(); }

void Channel::Hold(Napi::Env env) {
  if (holds_++ == 0) function_.Ref(env);
}

void Channel::Release(Napi::Env env) {
  if (--holds_ == 0) function_.Unref(env);
}

void Channel::Receive(Napi::Env env, Napi::Function, Channel*, Call* call) {
  std::unique_ptr<Call> owned(call);
  if (env != nullptr && owned) (*owned)(env);  // no env: a queued call of an environment that is going away
}

}  // namespace axl
