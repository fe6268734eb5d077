// Whom a lock (flock) on a file keeps out. That one is granted says nothing where the file system does not carry locks
// to whoever has it mounted elsewhere.
#pragma once

#include <string>

#include "os/mounts.h"
#include "os/os.h"

namespace axl {

enum class LockReach : uint8_t {
  kUnknown = 0,  // perhaps only those who use the same mount
  kThisHost,     // a file system of this kernel alone
  kEverybody,    // whoever has it mounted, on any host
};

struct LockDomain {
  LockReach reach = LockReach::kUnknown;
  std::string type;  // of the file system, for a sentence
};

// Of the file system of an open file.
LockDomain LocksOf(Os& os, int fd);

// `magic`: f_type of statfs(2). `mount` is asked only where the magic alone does not tell.
LockReach ReachOf(long magic, const Mount& mount);

// Does /proc/locks say that a process of this host has a lock on the file?
bool IsLockedHere(const struct stat& st);

}  // namespace axl
