// What one environment (the main thread, or a worker thread) has of the engine: its threads, its channel, and the
// transfers whose copies run. Made when first needed, so that an import starts nothing.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/engine.h"
#include "base/status.h"
#include "binding/channel.h"
#include "binding/values.h"
#include "os/os.h"

namespace axl {

class LiveTransfer;

// What a background task hands back: a failure, or how to make the value of its promise.
struct Result {
  Status status;
  std::function<Napi::Value(Napi::Env)> value;  // runs on the JavaScript thread; none: undefined

  Result(Status s = {}) : status(std::move(s)) {}
  Result(Status s, std::function<Napi::Value(Napi::Env)> v) : status(std::move(s)), value(std::move(v)) {}
};

// With what ToJs makes of a value.
template <typename T>
Result Give(Status status, T value) {
  return {std::move(status), [value = std::move(value)](Napi::Env env) -> Napi::Value { return ToJs(env, value); }};
}

// All calls on the JavaScript thread.
class Environment : public std::enable_shared_from_this<Environment> {
 public:
  using Task = std::function<Result()>;
  using Post = std::function<void(std::function<void()>)>;

  // False: the threads are started already.
  bool Configure(unsigned threads);
  Engine& Start(Napi::Env env);
  // Once, before threads are joined and the channel closes; needs Start, or nothing is to be told.
  void AtStop(std::function<void()> call) { at_stop_.push_back(std::move(call)); }
  // Cancels all copies, joins all threads. What walks, sums or copies ends within a system call or a buffer; what
  // publishes, with the batch that it has begun. Idempotent; nothing starts afterwards.
  void Stop();

  // A promise for what `task` returns, which `post` brings to a background thread. Keeps the process alive meanwhile.
  Napi::Promise Run(Napi::Env env, const Post& post, Task task);
  // The same, on any of the engine's background threads.
  Napi::Promise Run(Napi::Env env, Task task);

  Os& os() { return Os::Posix(); }
  Channel& channel() { return channel_; }
  std::set<std::shared_ptr<LiveTransfer>>& flights() { return flights_; }

 private:
  Channel channel_;
  unsigned threads_ = 0;
  std::unique_ptr<Engine> engine_;
  // Copies go on when the last JavaScript reference to a transfer is gone.
  std::set<std::shared_ptr<LiveTransfer>> flights_;
  std::vector<std::function<void()>> at_stop_;
  bool stopped_ = false;
};

}  // namespace axl
