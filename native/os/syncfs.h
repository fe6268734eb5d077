// When one syncfs(2) may stand for the fsyncs of many files: where it tells of every write that was lost since its
// descriptor was opened, and where little else is waiting to be written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "os/mounts.h"

namespace axl {

// With fewer files, as many fsyncs side by side are as quick.
inline constexpr size_t kSyncfsLeast = 64;

// Of the file system of an open directory. A no where it cannot be told.
bool SyncfsTells(int fd);
// `release`: of the kernel, as uname(2) has it; `journal`: metadata are written through one.
bool SyncfsTells(const Mount& mount, const std::string& release, bool journal);

// What this machine has written and no disk has yet: Dirty and Writeback of /proc/meminfo. UINT64_MAX: not known.
uint64_t DirtyBytes();
uint64_t ParseDirty(const std::string& meminfo);

}  // namespace axl
