// A state file of AXL on the disk, read into the same state as our own journal. Writes nothing.
#pragma once

#include <string>

#include "base/status.h"
#include "journal/reader.h"
#include "os/os.h"

namespace axl {

// Is it a name that SCR gives the state files of AXL? An empty file of that name is one that AXL was writing.
bool IsAxlName(std::string_view name);
// Is this what ReplayAxl is for: does the file begin like KVTree's, or is it an empty one of such a name?
bool IsOfAxl(const uint8_t* data, size_t n, std::string_view name);

// `sources`: they are looked at, because they are to be copied again. *is_axl: false for a KVTree file of another
// program. Directories of destinations are those that links lead to now.
Status ReplayAxl(Os& os, int fd, uint64_t size, bool sources, Replay* out, bool* is_axl);
// The same of bytes, without a look at the disk.
Status ReplayAxl(const uint8_t* data, size_t n, Replay* out, bool* is_axl);

}  // namespace axl
