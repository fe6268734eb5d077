// The checksum of what an open file holds. One call, one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/status.h"
#include "os/os.h"

namespace axl {

// The CRC-32C of a range of an open file, as it is on the disk or in the cache. kCanceled, kIo, kVerify if it is short.
Status SumBytes(Os& os, int fd, const std::string& path, uint64_t offset, uint64_t length,
                const std::atomic<bool>& stop, uint32_t* crc);

// Of a file from which more or less can be read than stat says that it has, and that has not changed: procfs, sysfs,
// FUSE with direct_io.
Status HasNoSize(const std::string& path);

}  // namespace axl
