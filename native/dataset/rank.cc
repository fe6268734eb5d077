#include "dataset/rank.h"

#include <memory>

#include "base/names.h"
#include "dataset/home.h"

namespace axl {

namespace {

// For who has the right to decide.
constexpr Home::Milliseconds kPatience{2000};

// The home of a dataset, and the right to write there.
struct Alone {
  std::unique_ptr<Home> home;
  std::unique_ptr<Home::Right> right;
};

Status Begin(Os& os, const TransferInfo& info, const std::string& state_file, Alone* out) {
  if (Status s = Home::Open(os, HomeOf(info, state_file), &out->home); !s.ok()) return s;
  if (Status s = out->home->Lock(info.dataset, kPatience, &out->right); !s.ok() || out->right) return s;
  return Status::Make(Code::kStateLocked, "a finalizer is at work on its dataset",
                      out->home->VerdictPath(info.dataset));
}

}  // namespace

std::string HomeOf(const TransferInfo& info, const std::string& state_file) {
  return info.home.empty() ? std::string(ParentOf(state_file)) : info.home;
}

Status AskVerdict(Os& os, const TransferState& state, const std::string& state_file,
                  std::optional<Decision>* decision) {
  decision->reset();
  if (state.info.size == 1) return Status::Ok();  // it is all of its dataset
  std::unique_ptr<Home> home;
  std::optional<Verdict> found;
  Status s = Home::Open(os, HomeOf(state.info, state_file), &home);
  if (s.ok()) s = home->Await(state.info.dataset, kPatience);
  if (s.ok()) s = home->Read(state.info.dataset, &found);
  if (s.ok() && found && found->Concerns(state.uuid)) *decision = found->decision;
  return s;
}

Status AgreeToPublish(Os& os, const TransferState& state, const std::string& state_file, bool at_home, bool in_phases) {
  const TransferInfo& info = state.info;
  Alone alone;
  if (Status s = Begin(os, info, state_file, &alone); !s.ok()) return s;
  Verdict counts;
  const Scope scope = at_home ? Scope::kEveryoneAtHome : Scope::kEveryone;
  const Decision decision = in_phases ? Decision::kPublishInPhases : Decision::kPublish;
  const Verdict wanted{decision, scope, info.dataset, info.name, info.size, {}};
  if (Status s = alone.home->Decide(wanted, &counts); !s.ok()) return s;
  if (counts.decision != Decision::kRollBack) return Status::Ok();
  return Status::Make(Code::kStateLocked, "a finalizer has decided to roll its dataset back: run axl-finalize",
                      alone.home->VerdictPath(info.dataset));
}

Status PassPhases(Os& os, const TransferState& state, const std::string& state_file) {
  Alone alone;
  const Status s = Begin(os, state.info, state_file, &alone);
  return s.ok() ? alone.home->Pass(state.info.dataset) : s;
}

Status Withdraw(Os& os, const TransferState& state, const std::string& state_file) {
  Alone alone;
  if (Status s = Begin(os, state.info, state_file, &alone); !s.ok()) return s;
  std::optional<Verdict> found;
  if (Status s = alone.home->Read(state.info.dataset, &found); !s.ok()) return s;
  if (!found || found->decision == Decision::kRollBack || found->scope == Scope::kListed) return Status::Ok();
  return alone.home->Remove(state.info.dataset, {});
}

}  // namespace axl
