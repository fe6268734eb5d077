// Start and end of an environment's threads, and promises for background tasks.
#include "binding/environment.h"

#include <cerrno>
#include <new>

#include "binding/transfer_handle.h"

namespace axl {

namespace {

// Nothing may leave a thread as an exception.
Result Guarded(const Environment::Task& task) {
  try {
    return task();
  } catch (const std::bad_alloc&) {
    return Status::Errno(ENOMEM, "malloc", "");
  }
}

void Settle(Napi::Env env, const Napi::Promise::Deferred& deferred, const Result& result) {
  if (!result.status.ok())
    deferred.Reject(ToJs(env, result.status));
  else
    deferred.Resolve(result.value ? result.value(env) : env.Undefined());
}

}  // namespace

bool Environment::Configure(unsigned threads) {
  if (engine_) return false;
  threads_ = threads;
  return true;
}

Engine& Environment::Start(Napi::Env env) {
  if (engine_) return *engine_;
  // Cleanup hooks run last in, first out, and the channel makes one of its own. Ours comes after it, so it runs
  // before it: threads are joined while the channel is still open.
  channel_.Open(env);
  engine_ = std::make_unique<Engine>(threads_);
  env.AddCleanupHook([](Environment* self) { self->Stop(); }, this);
  return *engine_;
}

void Environment::Stop() {
  if (stopped_) return;
  stopped_ = true;
  if (!engine_) return;
  for (const auto& call : at_stop_) call();
  for (const auto& flight : flights_) flight->Cancel();
  engine_->Stop();
  flights_.clear();
  channel_.Close();
}

Napi::Promise Environment::Run(Napi::Env env, const Post& post, Task task) {
  auto deferred = Napi::Promise::Deferred::New(env);
  if (stopped_) {
    deferred.Reject(ToJs(env, Status::Make(Code::kCanceled, "the process is exiting")));
    return deferred.Promise();
  }
  channel_.Hold(env);
  post([this, deferred, work = std::move(task)] {
    channel_.Send([this, deferred, result = Guarded(work)](Napi::Env js) {
      channel_.Release(js);
      Settle(js, deferred, result);
    });
  });
  return deferred.Promise();
}

Napi::Promise Environment::Run(Napi::Env env, Task task) {
  Engine& engine = Start(env);
  return Run(
      env, [&engine](std::function<void()> run) { engine.Post(std::move(run)); }, std::move(task));
}

}  // namespace axl
