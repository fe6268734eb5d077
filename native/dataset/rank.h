// What a live rank says in the home of its dataset, and asks there. Finalizers do so by themselves, see lib/finalize.
#pragma once

#include <optional>
#include <string>

#include "base/record.h"
#include "base/status.h"
#include "dataset/verdict.h"
#include "os/os.h"

namespace axl {

// Where the verdict on a transfer's dataset is.
std::string HomeOf(const TransferInfo& info, const std::string& state_file);

// What was decided about a transfer whose state file is at `state_file`; empty: nothing. Who asks after locking it
// cannot miss it: a finalizer that has not decided yet sees the lock before it does. kStateLocked: one decides just
// now, and takes long. kConflict: the home is not there.
Status AskVerdict(Os& os, const TransferState& state, const std::string& state_file, std::optional<Decision>* decision);

// All ranks are complete, and have agreed: that they are published is durable afterwards, for every finalizer, before
// the first of them is. `at_home`: all their state files are in the home. `in_phases`: one of them has files of other
// phases than data. kStateLocked, and nothing is decided: a
// finalizer rolls them back. After another failure it may have been decided, or not.
Status AgreeToPublish(Os& os, const TransferState& state, const std::string& state_file, bool at_home, bool in_phases);

// Takes back an AgreeToPublish, durably: no rank has published, or all of them have, and are freed.
// All ranks have all phases behind them: see Home::Pass.
Status PassPhases(Os& os, const TransferState& state, const std::string& state_file);
Status Withdraw(Os& os, const TransferState& state, const std::string& state_file);

}  // namespace axl
