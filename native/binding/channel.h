// The road from native threads back to JavaScript: one ThreadSafeFunction for each environment (the main thread, or
// a worker thread). A call costs 27 us alone and 3 us in a crowd.
#pragma once

#include <napi.h>

#include <functional>

namespace axl {

class Channel {
 public:
  using Call = std::function<void(Napi::Env)>;

  void Open(Napi::Env env);
  // Runs `call` on the JavaScript thread, in the order of the calls; dropped if the environment is going away.
  // From any thread, between Open and Close. What the call owns is destroyed on the JavaScript thread.
  void Send(Call call);
  // No thread may send any more. On the JavaScript thread.
  void Close();

  // While something holds, the environment's event loop stays alive. On the JavaScript thread.
  void Hold(Napi::Env env);
  void Release(Napi::Env env);

 private:
  static void Receive(Napi::Env env, Napi::Function, Channel* self, Call* call);
  using Function = Napi::TypedThreadSafeFunction<Channel, Call, &Channel::Receive>;

  Function function_;
  unsigned holds_ = 0;
};

}  // namespace axl
