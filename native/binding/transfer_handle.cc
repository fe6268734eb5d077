// The addon's Transfer class: arguments in, promises out. Decides nothing; lib/transfer.ts checks the states.
#include "binding/transfer_handle.h"

#include "base/names.h"
#include "binding/finalize.h"
#include "binding/values.h"

namespace axl {

LiveTransfer::LiveTransfer(Napi::Env env, Environment& environment)
    : environment_(environment.shared_from_this()),
      transfer_(std::make_shared<Transfer>(environment.os(), environment.Start(env))),
      strand_(std::make_shared<Strand>(environment.Start(env))) {}

Napi::Promise LiveTransfer::Run(Napi::Env env, Call call) {
  return Queue(env, [self = shared_from_this(), call = std::move(call)]() -> Result {
    if (self->has_state_file_) return call(*self->transfer_);
    return Status::Make(Code::kInvalidState, "the transfer is closed; take it over with Transfer.open");
  });
}

Napi::Promise LiveTransfer::RunAndHold(Napi::Env env, bool hold, Call call) {
  return Queue(env, [self = shared_from_this(), hold, call = std::move(call)] {
    Result result = call(*self->transfer_);
    if (result.status.ok()) self->has_state_file_ = hold;
    return result;
  });
}

Napi::Promise LiveTransfer::Queue(Napi::Env env, Environment::Task task) {
  auto post = [this](std::function<void()> run) { strand_->Post(std::move(run)); };
  return environment_->Run(env, post, std::move(task));
}

Napi::Promise LiveTransfer::Start(Napi::Env env, Launch launch) {
  in_flight_ = true;
  environment_->flights().insert(shared_from_this());
  UpdateHold(env);
  // Weak: a flight that the engine drops when it stops must not own itself.
  auto quiet = [weak = weak_from_this(), &channel = environment_->channel()] {
    if (auto self = weak.lock()) channel.Send([self](Napi::Env js) { self->EndFlight(js); });
  };
  return Run(env, [launch = std::move(launch), quiet](Transfer& transfer) {
    Result result = launch(transfer, quiet);
    if (!result.status.ok()) quiet();
    return result;
  });
}

Napi::Promise LiveTransfer::WhenQuiet(Napi::Env env) {
  auto deferred = Napi::Promise::Deferred::New(env);
  if (in_flight_)
    waiters_.push_back(deferred);
  else
    deferred.Resolve(env.Undefined());
  return deferred.Promise();
}

void LiveTransfer::KeepAlive(Napi::Env env, bool keep) {
  keep_alive_ = keep;
  UpdateHold(env);
}

void LiveTransfer::EndFlight(Napi::Env env) {
  if (!in_flight_) return;
  in_flight_ = false;
  UpdateHold(env);
  environment_->flights().erase(shared_from_this());
  for (const auto& waiter : std::exchange(waiters_, {})) waiter.Resolve(env.Undefined());
}

void LiveTransfer::UpdateHold(Napi::Env env) {
  const bool hold = in_flight_ && keep_alive_;
  if (hold == held_) return;
  held_ = hold;
  if (hold)
    environment_->channel().Hold(env);
  else
    environment_->channel().Release(env);
}

Napi::Function TransferHandle::Define(Napi::Env env, Environment* environment) {
  using T = TransferHandle;
  return DefineClass(env, "Transfer",
                     {
                         InstanceMethod<&T::Create>("create"),
                         InstanceMethod<&T::Open>("open"),
                         InstanceMethod<&T::Add>("add"),
                         InstanceMethod<&T::Point>("point"),
                         InstanceMethod<&T::Retire>("retire"),
                         InstanceMethod<&T::Launch<&Transfer::Dispatch>>("dispatch"),
                         InstanceMethod<&T::Launch<&Transfer::Resume>>("resume"),
                         InstanceMethod<&T::Seal>("seal"),
                         InstanceMethod<&T::Submitted>("submitted"),
                         InstanceMethod<&T::Rejoin>("rejoin"),
                         InstanceMethod<&T::Adopt>("adopt"),
                         InstanceMethod<&T::Abandon>("abandon"),
                         InstanceMethod<&T::WhenQuiet>("whenQuiet"),
                         InstanceMethod<&T::State>("state"),
                         InstanceMethod<&T::Ask<&Transfer::CheckPublish>>("checkPublish"),
                         InstanceMethod<&T::Ask<&Transfer::Publish>>("publish"),
                         InstanceMethod<&T::Meet>("meet"),
                         InstanceMethod<&T::Report>("report"),
                         InstanceMethod<&T::Ask<&Transfer::Free>>("free"),
                         InstanceMethod<&T::AgreeToPublish>("agreeToPublish"),
                         InstanceMethod<&T::PublishUntil>("publishUntil"),
                         InstanceMethod<&T::Ask<&Transfer::PassPhases>>("passPhases"),
                         InstanceMethod<&T::Phases>("phases"),
                         InstanceMethod<&T::AskVerdict>("askVerdict"),
                         InstanceMethod<&T::Ask<&Transfer::Withdraw>>("withdraw"),
                         InstanceMethod<&T::Close>("close"),
                         InstanceMethod<&T::Cancel>("cancel"),
                         InstanceMethod<&T::Quiet>("quiet"),
                         InstanceMethod<&T::GetCounters>("counters"),
                         InstanceMethod<&T::KeepAlive>("keepAlive"),
                         InstanceMethod<&T::SetBandwidth>("setBandwidth"),
                     },
                     environment);
}

TransferHandle::TransferHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<TransferHandle>(info),
      live_(std::make_shared<LiveTransfer>(info.Env(), *static_cast<Environment*>(info.Data()))) {}

Napi::Value TransferHandle::Create(const Napi::CallbackInfo& info) {
  const TransferOptions options = ReadTransferOptions(info[0].As<Napi::Object>());
  return live_->RunAndHold(info.Env(), true, [options](Transfer& t) -> Result { return t.Create(options); });
}

Napi::Value TransferHandle::Open(const Napi::CallbackInfo& info) {
  return live_->RunAndHold(
      info.Env(), true,
      [path = Bytes(info[0]), word = ReadWord(info[1].As<Napi::Object>()), adopt = FromJs<bool>(info[2]),
       agreed = FromJs<bool>(info[3]), verify = FromJs<Verify>(info[4])](Transfer& t) -> Result {
        if (Status s = t.Open(path, word, adopt, agreed, verify); !s.ok()) return s;
        return {Status::Ok(), [name = t.name(), state = t.state(), forward = t.forward_only()](Napi::Env env) {
                  return Object(env, "name", name, "state", state, "forwardOnly", forward);
                }};
      });
}

Napi::Value TransferHandle::Add(const Napi::CallbackInfo& info) {
  const bool exact = FromJs<bool>(info[1]);
  const PlanOptions options = ReadPlanOptions(info[2].As<Napi::Object>());
  return live_->Run(info.Env(), [packed = Bytes(info[0]), exact, options](Transfer& t) -> Result {
    const PlanCounts before = t.plan_counts();
    const Plan::Pairs pairs = Unpack(packed);
    if (Status s = exact ? t.AddAs(pairs, options) : t.Add(pairs, options); !s.ok()) return s;
    const PlanCounts after = t.plan_counts();
    return Give({},
                PlanCounts{after.files - before.files, after.dirs - before.dirs, after.bytes - before.bytes,
                           after.skipped - before.skipped, after.nested - before.nested, after.drafts - before.drafts});
  });
}

Napi::Value TransferHandle::Point(const Napi::CallbackInfo& info) {
  return live_->Run(info.Env(),
                    [path = Bytes(info[0]), target = Bytes(info[1]),
                     text = FromJs<bool>(info[2])](Transfer& t) -> Result { return t.Point(path, target, text); });
}

Napi::Value TransferHandle::Retire(const Napi::CallbackInfo& info) {
  return live_->Run(info.Env(), [packed = Bytes(info[0])](Transfer& t) -> Result {
    std::vector<std::string> paths;
    for (std::string_view path : Unpack(packed)) paths.emplace_back(path);
    return t.Retire(paths);
  });
}

// It flies until Adopt or Abandon has ended.
Napi::Value TransferHandle::Seal(const Napi::CallbackInfo& info) {
  const bool resume = FromJs<bool>(info[0]), keep_partial = FromJs<bool>(info[1]);
  return live_->Start(info.Env(), [resume, keep_partial](Transfer& t, auto) -> Result {
    if (Status s = t.Seal(resume, keep_partial); !s.ok()) return s;
    return Give({}, PendingOf(t));
  });
}

Napi::Value TransferHandle::Submitted(const Napi::CallbackInfo& info) {
  const auto mover = FromJs<std::string>(info[0]), token = FromJs<std::string>(info[1]);
  return live_->Run(info.Env(), [mover, token](Transfer& t) -> Result { return t.Submitted(mover, token); });
}

Napi::Value TransferHandle::Rejoin(const Napi::CallbackInfo& info) {
  return live_->Start(info.Env(), [](Transfer& t, auto) -> Result { return t.Rejoin(); });
}

Napi::Value TransferHandle::Adopt(const Napi::CallbackInfo& info) {
  const auto adopt = [arrivals = ReadArrivals(info[0], info[1])](Transfer& t, auto quiet) -> Result {
    return t.Adopt(arrivals, quiet);
  };
  return live_->Start(info.Env(), adopt);
}

Napi::Value TransferHandle::Abandon(const Napi::CallbackInfo& info) {
  const auto why = FromJs<std::string>(info[0]);
  return live_->Start(info.Env(), [why](Transfer& t, auto quiet) -> Result {
    t.Abandon(Status::Make(Code::kUnavailable, why, t.state_file()));
    quiet();
    return {};
  });
}

Napi::Value TransferHandle::WhenQuiet(const Napi::CallbackInfo& info) { return live_->WhenQuiet(info.Env()); }

Napi::Value TransferHandle::State(const Napi::CallbackInfo& info) {
  return live_->Run(info.Env(), [](Transfer& t) { return Give({}, t.state()); });
}

Napi::Value TransferHandle::Report(const Napi::CallbackInfo& info) {
  return live_->Run(info.Env(), [](Transfer& t) -> Result {
    auto columns = std::make_shared<ReportColumns>(t);
    return {Status::Ok(), [columns](Napi::Env env) { return columns->ToJs(env); }};
  });
}

Napi::Value TransferHandle::Meet(const Napi::CallbackInfo& info) {
  return live_->Run(info.Env(), [publishing = Unwrap(info[0].As<Napi::Object>())->live_](Transfer& t) -> Result {
    Transfer::Order order;
    Status status = t.Meet(publishing->transfer(), &order);
    return Give(std::move(status), order);
  });
}

Napi::Value TransferHandle::AgreeToPublish(const Napi::CallbackInfo& info) {
  return live_->Run(info.Env(),
                    [at_home = FromJs<bool>(info[0]), in_phases = FromJs<bool>(info[1])](Transfer& t) -> Result {
                      return t.AgreeToPublish(at_home, in_phases);
                    });
}

Napi::Value TransferHandle::PublishUntil(const Napi::CallbackInfo& info) {
  const auto until = static_cast<Until>(FromJs<uint32_t>(info[0]));
  return live_->Run(info.Env(), [until, clears = FromJs<bool>(info[1])](Transfer& t) -> Result {
    return t.PublishUntil(until, clears);
  });
}

Napi::Value TransferHandle::Phases(const Napi::CallbackInfo& info) {
  return live_->Run(info.Env(), [](Transfer& t) { return Give(Status::Ok(), t.Phases()); });
}

Napi::Value TransferHandle::AskVerdict(const Napi::CallbackInfo& info) {
  return live_->Run(info.Env(), [](Transfer& t) {
    std::optional<Decision> decision;
    Status status = t.AskVerdict(&decision);
    return Give(std::move(status), decision ? static_cast<uint32_t>(*decision) : 0);
  });
}

Napi::Value TransferHandle::Close(const Napi::CallbackInfo& info) {
  return live_->RunAndHold(info.Env(), false, [](Transfer& t) -> Result {
    t.Close();
    return {};
  });
}

Napi::Value TransferHandle::Cancel(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), live_->Cancel());
}

Napi::Value TransferHandle::Quiet(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), live_->transfer().quiet());
}

Napi::Value TransferHandle::GetCounters(const Napi::CallbackInfo& info) {
  return ToJs(info.Env(), live_->transfer().counters());
}

void TransferHandle::SetBandwidth(const Napi::CallbackInfo& info) {
  live_->transfer().SetBandwidth(static_cast<uint64_t>(info[0].As<Napi::Number>().DoubleValue()));
}

void TransferHandle::KeepAlive(const Napi::CallbackInfo& info) {
  live_->KeepAlive(info.Env(), info[0].As<Napi::Boolean>());
}

}  // namespace axl
