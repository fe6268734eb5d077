// Seccomp: makes the kernel ask a supervisor before each of some system calls, of this process and all that it starts.
#pragma once

#include <span>

#include "calls.h"

namespace axl::faults {

// From now on these calls of this thread and its children wait for whoever holds the descriptor that is returned, which
// is closed by exec. io_uring, which would go around it, is not there any more. On failure -errno. Needs no privilege;
// setuid programs have no effect afterwards.
int ListenTo(std::span<const Call* const> calls);

}  // namespace axl::faults
