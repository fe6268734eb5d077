// Removes a state file on which nobody can act, and nothing else.
#pragma once

#include <string>

#include "base/record.h"
#include "base/status.h"
#include "journal/liveness.h"
#include "os/os.h"

namespace axl {

// Unlinks it, durably, with its lock held. `modified`: when it was last written, by whoever looked at it before.
// kStateLocked: its writer or a finalizer is alive, or may be; kStateCorrupt: this is no state file; kUnsafePath: it is
// another user's, or no regular file; kConflict: it has changed since. Nothing was removed then.
Status Forget(Os& os, const std::string& path, const Time& modified, const Word& word);

}  // namespace axl
