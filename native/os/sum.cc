// Through a buffer of 256 KiB a thread, as the copier: it stays in the cache, and it is what a cancel waits for.
#include "os/sum.h"

#include <algorithm>
#include <memory>

#include "base/crc32c.h"
#include "base/meter.h"
#include "base/stop.h"

namespace axl {

namespace {

constexpr size_t kBuffer = 256 << 10;

}  // namespace

Status SumBytes(Os& os, int fd, const std::string& path, uint64_t offset, uint64_t length,
                const std::atomic<bool>& stop, uint32_t* crc) {
  thread_local std::unique_ptr<char[]> owned(new char[kBuffer]);
  char* const buffer = owned.get();
  *crc = 0;
  while (length > 0) {
    if (stop.load(std::memory_order_relaxed)) return Canceled();
    const ssize_t n =
        os.Read(fd, buffer, static_cast<size_t>(std::min<uint64_t>(kBuffer, length)), static_cast<off_t>(offset));
    if (n < 0) return Status::Errno(static_cast<int>(-n), "read", path);
    if (n == 0) return Status::Make(Code::kVerify, "the temporary file is shorter than it was", path);
    *crc = Crc32c(*crc, buffer, static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
    length -= static_cast<uint64_t>(n);
    MeterSum(static_cast<uint64_t>(n));
  }
  return Status::Ok();
}

Status HasNoSize(const std::string& path) {
  return Status::Make(Code::kNotSupported,
                      "what can be read of this file is not as much as its size says (procfs, sysfs, FUSE with "
                      "direct_io): write it to a regular file with cat, and add that",
                      path);
}

}  // namespace axl
