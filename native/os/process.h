// Who we are, and whether the writer of a state file is still at work: host name, boot id, pid, start time.
#pragma once

#include <string>
#include <string_view>

#include "base/answer.h"
#include "base/record.h"

namespace axl {

std::string HostName();

// The effective group of this process; and its umask, 077 where /proc does not show it: umask(2) can only be asked by
// changing it, under the hands of other threads.
uint32_t OwnGroup();
uint32_t OwnUmask();

// Fills host, boot_id, pid, start_time and pid_namespace of this process.
void DescribeProcess(TransferInfo* info);

// Did the writer run under this kernel, since its last boot?
bool IsThisBoot(const TransferInfo& info);

// Has the writer's process ended, as this kernel says, whose process it was? False also where that cannot be told.
bool HasEnded(const TransferInfo& info);

// A file as another process may have it open: through the same mount it is the same file, through another one it has
// the same name.
struct OpenFile {
  std::string_view name;
  uint64_t device = 0, inode = 0;  // 0 where a number does not tell a file
};

// Does the writer's process exist, and has it the file, if any is named, open? kCannotTell for a process of another
// boot, host or pid namespace. `granted`: this process has just been given the lock of the state file, so it is not
// itself writing.
Answer IsWriting(const TransferInfo& info, const OpenFile& file, bool granted);

// Fields 3 and 22 of /proc/PID/stat.
struct ProcessStat {
  char state = 0;
  uint64_t start_time = 0;  // 0: unknown
};
ProcessStat ParseProcessStat(const std::string& text);

}  // namespace axl
