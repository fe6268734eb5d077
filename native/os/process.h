// Who we are, and whether the writer of a state file is still alive: host name, boot id, pid, start time.
// Used only where flock does not work; see docs/state-format.md, "Who is alive".
#pragma once

#include <string>

#include "base/record.h"

namespace axl {

// Fills host, boot_id, pid, start_time and pid_namespace of this process.
void DescribeProcess(TransferInfo* info);

enum class Liveness : uint8_t { kDead, kAlive, kUnknown };
Liveness WriterLiveness(const TransferInfo& info);

// Fields 3 and 22 of /proc/PID/stat.
struct ProcessStat {
  char state = 0;
  uint64_t start_time = 0;  // 0: unknown
};
ProcessStat ParseProcessStat(const std::string& text);

}  // namespace axl
