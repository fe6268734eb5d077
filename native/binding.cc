// The addon: what JavaScript sees of the engine. Arguments are checked in lib/; nothing here knows a state or a policy.
#include <napi.h>

#include <memory>

#include "binding_environment.h"
#include "binding_transfer.h"
#include "binding_values.h"
#include "finalizer.h"

namespace axl {

namespace {

class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports) {
    DefineAddon(exports, {
                             InstanceValue("Transfer", TransferHandle::Define(env, environment_.get())),
                             InstanceMethod<&Addon::Configure>("configure"),
                             InstanceMethod<&Addon::Finalize>("finalize"),
                             InstanceMethod<&Addon::Stop>("stop"),
                         });
  }

 private:
  Napi::Value Configure(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), environment_->Configure(info[0].As<Napi::Number>().Uint32Value()));
  }

  Napi::Value Finalize(const Napi::CallbackInfo& info) {
    Engine& engine = environment_->Start(info.Env());
    const FinalizeOptions options = ReadFinalizeOptions(info[1].As<Napi::Object>());
    auto post = [&engine](std::function<void()> task) { engine.Post(std::move(task)); };
    return environment_->Run(info.Env(), post, [this, &engine, options, packed = Bytes(info[0])]() -> Result {
      const std::vector<std::string_view> names = Unpack(packed);
      auto entries = std::make_shared<std::vector<Finalized>>(
          FinalizeBatch(environment_->os(), engine, {names.begin(), names.end()}, options));
      return {Status::Ok(), [entries](Napi::Env env) -> Napi::Value {
                Napi::Array array = Napi::Array::New(env, entries->size());
                for (uint32_t i = 0; i < entries->size(); i++) array.Set(i, ToJs(env, (*entries)[i]));
                return array;
              }};
    });
  }

  void Stop(const Napi::CallbackInfo&) { environment_->Stop(); }

  // Shared with every transfer: they may be collected after the addon.
  const std::shared_ptr<Environment> environment_ = std::make_shared<Environment>();
};

}  // namespace

NODE_API_NAMED_ADDON(axl_native, Addon)

}  // namespace axl
