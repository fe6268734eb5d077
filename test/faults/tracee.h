// A look into the process that waits in a system call: which files the call names, and its bytes.
#pragma once

#include <linux/seccomp.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "calls.h"

namespace axl::faults {

// The files that a call names, absolute; unresolved beyond that. A descriptor that is no file has a name like
// "pipe:[7]".
std::vector<std::string> PathsOf(const Call& call, const seccomp_notif& waiting);

// The process of a thread.
pid_t ProcessOf(pid_t thread);

// Does the first part of a read or write in the process's stead: `size` bytes of it at most.
// How many it did, or -errno; -EOPNOTSUPP if the call is neither.
ssize_t DoPart(const Call& call, const seccomp_notif& waiting, size_t size);
// How many bytes the call is about; 0 if it is neither read nor write.
size_t SizeOf(const Call& call, const seccomp_notif& waiting);

}  // namespace axl::faults
