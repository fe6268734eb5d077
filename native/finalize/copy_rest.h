// Completes the copies of a transfer whose process is dead. Publishes nothing.
#pragma once

#include <atomic>

#include "base/engine.h"
#include "base/status.h"
#include "journal/journal.h"
#include "os/os.h"
#include "publish/publisher.h"

namespace axl {

// Copies what is missing, on the engine's workers, and waits for it. kCanceled when `*stop`, or the engine, told it to
// end: what was copied is kept, and whoever comes next goes on. `keep`: instead of what the transfer recorded.
// REQUIRES: it was dispatched.
Status CopyRest(Os& os, Engine& engine, Journal& journal, const AskedPolicies& keep, const std::atomic<bool>* stop);

}  // namespace axl
