// The addon: what JavaScript sees of the engine. Arguments are checked in lib/; nothing here knows a state or a policy.
#include <napi.h>

#include <atomic>
#include <memory>

#include "binding_environment.h"
#include "binding_finalize.h"
#include "binding_transfer.h"
#include "binding_values.h"

namespace axl {

namespace {

std::vector<std::string> Names(const std::string& packed) {
  const std::vector<std::string_view> names = Unpack(packed);
  return {names.begin(), names.end()};
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
                             InstanceMethod<&Addon::Inspect>("inspect"),
                             InstanceMethod<&Addon::Stop>("stop"),
                         });
  }

 private:
  Napi::Value Configure(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), environment_->Configure(info[0].As<Napi::Number>().Uint32Value()));
  }

  // `work` on a background thread, its entries as an array of objects.
  template <typename Work>
  Napi::Promise RunBatch(Napi::Env js, Work work) {
    Engine& engine = environment_->Start(js);
    auto post = [&engine](std::function<void()> task) { engine.Post(std::move(task)); };
    return environment_->Run(js, post, [&engine, work]() -> Result {
      auto entries = std::make_shared<decltype(work(engine))>(work(engine));
      return {Status::Ok(), [entries](Napi::Env env) -> Napi::Value {
                Napi::Array array = Napi::Array::New(env, entries->size());
                for (uint32_t i = 0; i < entries->size(); i++) array.Set(i, ToJs(env, (*entries)[i]));
                return array;
              }};
    });
  }

  Napi::Value Finalize(const Napi::CallbackInfo& info) {
    const FinalizeOptions options = ReadFinalizeOptions(info[1].As<Napi::Object>(), &stop_finalize_);
    return RunBatch(info.Env(), [this, options, packed = Bytes(info[0])](Engine& engine) {
      return FinalizeBatch(environment_->os(), engine, Names(packed), options);
    });
  }

  void StopFinalize(const Napi::CallbackInfo& info) { stop_finalize_.store(info[0].As<Napi::Boolean>().Value()); }

  Napi::Value SurveyAll(const Napi::CallbackInfo& info) {
    const uint32_t jobs = info[1].As<Napi::Number>();
    return RunBatch(info.Env(), [this, jobs, packed = Bytes(info[0])](Engine& engine) {
      return SurveyBatch(environment_->os(), engine, Names(packed), jobs);
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
