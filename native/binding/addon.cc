// The addon: what JavaScript sees of the engine. Arguments are checked in lib/; nothing here knows a state or a policy.
#include <napi.h>

#include <atomic>
#include <cstring>
#include <memory>

#include "base/meter.h"
#include "base/pace.h"
#include "binding/environment.h"
#include "binding/finalize.h"
#include "binding/home.h"
#include "binding/manifest.h"
#include "binding/pmix.h"
#include "binding/transfer_handle.h"
#include "binding/upkeep.h"
#include "binding/values.h"

namespace axl {

namespace {

// One of 16 bytes for each path, or none at all.
std::vector<Uuid> Uuids(const std::string& packed) {
  std::vector<Uuid> uuids(packed.size() / sizeof(Uuid));
  for (size_t i = 0; i < uuids.size(); i++) std::memcpy(uuids[i].data(), &packed[i * sizeof(Uuid)], sizeof(Uuid));
  return uuids;
}

// What a verb of axl-finalize is asked to do.
struct Batch {
  std::vector<std::string> paths;
  Policy policy;
  std::vector<Uuid> uuids;
};

class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports) {
    DefineAddon(exports, {
                             InstanceValue("Transfer", TransferHandle::Define(env, environment_.get())),
                             InstanceMethod<&Addon::Configure>("configure"),
                             InstanceMethod<&Addon::SetBandwidth>("setBandwidth"),
                             InstanceMethod<&Addon::PauseAfter>("pauseAfter"),
                             InstanceMethod<&Addon::Finalize>("finalize"),
                             InstanceMethod<&Addon::Commit>("commit"),
                             InstanceMethod<&Addon::ResumeAll>("resume"),
                             InstanceMethod<&Addon::AdoptAll>("adoptCopies"),
                             InstanceMethod<&Addon::StopFinalize>("stopFinalize"),
                             InstanceMethod<&Addon::MeteredBytes>("metered"),
                             InstanceMethod<&Addon::SurveyAll>("survey"),
                             InstanceMethod<&Addon::Meetings>("meetings"),
                             InstanceMethod<&Addon::Owners>("owners"),
                             InstanceMethod<&Addon::Inspect>("inspect"),
                             InstanceMethod<&Addon::Stop>("stop"),
                         });
    environment_->AtStop([this] { stop_.store(true); });
    DefineHome(exports, environment_);
    DefineManifest(exports, environment_);
    DefinePmix(exports, *environment_);
    DefineUpkeep(exports, environment_);
  }

 private:
  void SetBandwidth(const Napi::CallbackInfo& info) {
    PaceOfProcess().Set(static_cast<uint64_t>(info[0].As<Napi::Number>().DoubleValue()));
  }

  void PauseAfter(const Napi::CallbackInfo& info) {
    PaceOfProcess().PauseAfter(static_cast<uint64_t>(info[0].As<Napi::Number>().DoubleValue()));
  }

  Napi::Value Configure(const Napi::CallbackInfo& info) {
    return Napi::Boolean::New(info.Env(), environment_->Configure(info[0].As<Napi::Number>().Uint32Value()));
  }

  // `work` on a background thread; its results become a value on the event loop.
  template <typename Work, typename ToValue>
  Napi::Promise RunBatch(Napi::Env js, Work work, ToValue to_value) {
    Engine& engine = environment_->Start(js);
    return environment_->Run(js, [&engine, work, to_value]() -> Result {
      auto results = std::make_shared<decltype(work(engine))>(work(engine));
      return {Status::Ok(), [results, to_value](Napi::Env env) -> Napi::Value { return to_value(env, *results); }};
    });
  }

  // A verb over (paths, policy, uuids, ...).
  template <typename Verb, typename ToValue>
  Napi::Promise RunVerb(const Napi::CallbackInfo& info, Verb verb, ToValue to_value) {
    const auto policy = info[1].As<Napi::Object>();
    environment_->Start(info.Env()).AllowBackground(policy.Get("jobs").As<Napi::Number>());
    Batch batch{Names(info[0]), ReadPolicy(policy), Uuids(Bytes(info[2]))};
    batch.policy.publish.stop = &environment_->Start(info.Env()).stopping();
    return RunBatch(
        info.Env(), [batch, verb](Engine& engine) { return verb(engine, batch); }, to_value);
  }

  // (paths, policy, uuids, decided)
  Napi::Value Finalize(const Napi::CallbackInfo& info) {
    const auto object = info[1].As<Napi::Object>();
    const bool all = object.Get("allEntries").As<Napi::Boolean>();
    const auto decided = FromJs<Decided>(info[3]);
    return RunVerb(
        info,
        [this, decided](Engine& engine, const Batch& batch) {
          return FinalizeBatch(environment_->os(), engine, batch.paths, batch.policy, decided, batch.uuids, &stop_);
        },
        [all](Napi::Env env, const std::vector<Finalized>& done) { return ToJs(env, done, all); });
  }

  Napi::Value Commit(const Napi::CallbackInfo& info) {
    return RunVerb(
        info,
        [this](Engine&, const Batch& batch) {
          return CommitBatch(environment_->os(), batch.paths, batch.policy, batch.uuids);
        },
        [](Napi::Env env, const std::vector<Finalized>& done) { return CommittedToJs(env, done); });
  }

  Napi::Value ResumeAll(const Napi::CallbackInfo& info) {
    return RunVerb(
        info,
        [this](Engine& engine, const Batch& batch) {
          return ResumeBatch(environment_->os(), engine, batch.paths, batch.policy, batch.uuids, &stop_);
        },
        [](Napi::Env env, const std::vector<Resumed>& done) { return ToJs(env, done); });
  }

  Napi::Value AdoptAll(const Napi::CallbackInfo& info) {
    return RunVerb(
        info,
        [this](Engine&, const Batch& batch) {
          return AdoptBatch(environment_->os(), batch.paths, batch.policy, batch.uuids);
        },
        [](Napi::Env env, const std::vector<Status>& done) { return ToJs(env, done); });
  }

  Napi::Value MeteredBytes(const Napi::CallbackInfo& info) {
    const Metering metering = MeteredSoFar();
    return Object(info.Env(), "expected", metering.expected, "done", metering.done);
  }

  void StopFinalize(const Napi::CallbackInfo& info) { stop_.store(info[0].As<Napi::Boolean>().Value()); }

  Napi::Value SurveyAll(const Napi::CallbackInfo& info) {
    const uint32_t jobs = info[1].As<Napi::Number>();
    const auto work = [this, jobs, paths = Names(info[0]), word = ReadWord(info[2].As<Napi::Object>())](
                          Engine& engine) { return SurveyBatch(environment_->os(), engine, paths, jobs, word); };
    return RunBatch(info.Env(), work,
                    [](Napi::Env env, const std::vector<Surveyed>& batch) { return ToJs(env, batch); });
  }

  Napi::Value Meetings(const Napi::CallbackInfo& info) {
    const uint32_t jobs = info[1].As<Napi::Number>();
    const auto work = [this, jobs, paths = Names(info[0])](Engine& engine) {
      return FindMeetings(environment_->os(), engine, paths, jobs);
    };
    return RunBatch(info.Env(), work, [](Napi::Env env, const axl::Meetings& meetings) -> Napi::Value {
      const size_t n = meetings.first.size();
      Napi::Uint32Array first = Napi::Uint32Array::New(env, n);
      Napi::Uint8Array shared = Napi::Uint8Array::New(env, n);
      std::copy(meetings.first.begin(), meetings.first.end(), first.Data());
      std::copy(meetings.shared.begin(), meetings.shared.end(), shared.Data());
      return Object(env, "first", first, "shared", shared);
    });
  }

  Napi::Value Owners(const Napi::CallbackInfo& info) {
    const uint32_t jobs = info[2].As<Napi::Number>();
    const auto work = [this, jobs, dir = Bytes(info[0]), names = Names(info[1])](Engine& engine) {
      return SurveyOwners(environment_->os(), engine, dir, names, jobs);
    };
    return RunBatch(info.Env(), work, [](Napi::Env env, const std::vector<Owned>& owned) {
      Napi::Uint8Array kinds = Napi::Uint8Array::New(env, owned.size());
      Napi::Uint32Array uids = Napi::Uint32Array::New(env, owned.size());
      for (size_t i = 0; i < owned.size(); i++) {
        kinds[i] = static_cast<uint8_t>(owned[i].kind);
        uids[i] = owned[i].uid;
      }
      return Object(env, "kinds", kinds, "uids", uids);
    });
  }

  Napi::Value Inspect(const Napi::CallbackInfo& info) {
    Replay replay;
    const Surveyed surveyed = Survey(environment_->os(), Bytes(info[0]), {}, &replay);
    return ToJs(info.Env(), surveyed, replay);
  }

  void Stop(const Napi::CallbackInfo&) { environment_->Stop(); }

  std::atomic<bool> stop_{false};  // copies of a resume end soon
  // Shared with every transfer: they may be collected after the addon.
  const std::shared_ptr<Environment> environment_ = std::make_shared<Environment>();
};

}  // namespace

NODE_API_NAMED_ADDON(axl_native, Addon)

}  // namespace axl
