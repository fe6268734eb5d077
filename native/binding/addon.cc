// The addon: what JavaScript sees of the engine. Arguments are checked in lib/; nothing here knows a state or a policy.
#include <napi.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>

#include "binding/environment.h"
#include "binding/finalize.h"
#include "binding/pmix.h"
#include "binding/transfer_handle.h"
#include "binding/values.h"

namespace axl {

namespace {

std::vector<std::string> Names(const std::string& packed) {
  const std::vector<std::string_view> names = Unpack(packed);
  return {names.begin(), names.end()};
}

// One of 16 bytes for each path, or none at all.
std::vector<Uuid> Uuids(const std::string& packed) {
  std::vector<Uuid> uuids(packed.size() / sizeof(Uuid));
  for (size_t i = 0; i < uuids.size(); i++) std::memcpy(uuids[i].data(), &packed[i * sizeof(Uuid)], sizeof(Uuid));
  return uuids;
}

class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports) {
    DefineAddon(exports, {
                             InstanceValue("Transfer", TransferHandle::Define(env, environment_.get())),
                             InstanceMethod<&Addon::Configure>("configure"),
                             InstanceMethod<&Addon::Finalize>("finalize"),
                             InstanceMethod<&Addon::StopFinalize>("stopFinalize"),
                             InstanceMethod<&Addon::SurveyAll>("survey"),
                             InstanceMethod<&Addon::TryLock>("tryLock"),
                             InstanceMethod<&Addon::Owners>("owners"),
                             InstanceMethod<&Addon::Inspect>("inspect"),
                             InstanceMethod<&Addon::Stop>("stop"),
                         });
    DefinePmix(exports, *environment_);
  }

 private:
  Napi::Value Configure(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), environment_->Configure(info[0].As<Napi::Number>().Uint32Value()));
  }

  // `work` on a background thread; its results become a value on the event loop.
  template <typename Work, typename ToValue>
  Napi::Promise RunBatch(Napi::Env js, Work work, ToValue to_value) {
    Engine& engine = environment_->Start(js);
    auto post = [&engine](std::function<void()> task) { engine.Post(std::move(task)); };
    return environment_->Run(js, post, [&engine, work, to_value]() -> Result {
      auto results = std::make_shared<decltype(work(engine))>(work(engine));
      return {Status::Ok(), [results, to_value](Napi::Env env) -> Napi::Value { return to_value(env, *results); }};
    });
  }

  Napi::Value Finalize(const Napi::CallbackInfo& info) {
    const auto object = info[1].As<Napi::Object>();
    const FinalizeOptions options = ReadFinalizeOptions(object, &stop_finalize_);
    const bool all = object.Get("allEntries").As<Napi::Boolean>();
    environment_->Start(info.Env()).AllowBackground(object.Get("jobs").As<Napi::Number>());
    const auto work = [this, options, packed = Bytes(info[0]), surveyed = Uuids(Bytes(info[2]))](Engine& engine) {
      return FinalizeBatch(environment_->os(), engine, Names(packed), options, surveyed);
    };
    return RunBatch(info.Env(), work,
                    [all](Napi::Env env, const std::vector<Finalized>& batch) { return ToJs(env, batch, all); });
  }

  void StopFinalize(const Napi::CallbackInfo& info) { stop_finalize_.store(info[0].As<Napi::Boolean>().Value()); }

  Napi::Value SurveyAll(const Napi::CallbackInfo& info) {
    const uint32_t jobs = info[1].As<Napi::Number>();
    const auto work = [this, jobs, packed = Bytes(info[0])](Engine& engine) {
      return SurveyBatch(environment_->os(), engine, Names(packed), jobs);
    };
    return RunBatch(info.Env(), work, [](Napi::Env env, const std::vector<Surveyed>& batch) {
      Napi::Array array = Napi::Array::New(env, batch.size());
      for (uint32_t i = 0; i < batch.size(); i++) array.Set(i, ToJs(env, batch[i]));
      return array;
    });
  }

  Napi::Value TryLock(const Napi::CallbackInfo& info) {
    const int locked = environment_->os().Lock(info[0].As<Napi::Number>().Int32Value());
    return Napi::Number::New(info.Env(), locked == 0 ? 0 : locked == -EWOULDBLOCK ? 1 : 2);
  }

  Napi::Value Owners(const Napi::CallbackInfo& info) {
    const uint32_t jobs = info[2].As<Napi::Number>();
    const auto work = [this, jobs, dir = Bytes(info[0]), packed = Bytes(info[1])](Engine& engine) {
      return SurveyOwners(environment_->os(), engine, dir, Names(packed), jobs);
    };
    return RunBatch(info.Env(), work, [](Napi::Env env, const std::vector<Owned>& owned) {
      Napi::Object object = Napi::Object::New(env);
      Napi::Uint8Array kinds = Napi::Uint8Array::New(env, owned.size());
      Napi::Uint32Array uids = Napi::Uint32Array::New(env, owned.size());
      for (size_t i = 0; i < owned.size(); i++) {
        kinds[i] = static_cast<uint8_t>(owned[i].kind);
        uids[i] = owned[i].uid;
      }
      object.Set("kinds", kinds);
      object.Set("uids", uids);
      return object;
    });
  }

  Napi::Value Inspect(const Napi::CallbackInfo& info) {
    Replay replay;
    const Surveyed surveyed = Survey(environment_->os(), Bytes(info[0]), &replay);
    return ToJs(info.Env(), surveyed, replay);
  }

  void Stop(const Napi::CallbackInfo&) { environment_->Stop(); }

  std::atomic<bool> stop_finalize_{false};
  // Shared with every transfer: they may be collected after the addon.
  const std::shared_ptr<Environment> environment_ = std::make_shared<Environment>();
};

}  // namespace

NODE_API_NAMED_ADDON(axl_native, Addon)

}  // namespace axl
