// read and write through one buffer of 256 KiB a thread: it stays in the cache, and it is what a cancel waits for.
#include "copy/copier.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/crc32c.h"
#include "base/stop.h"

namespace axl {

namespace {

constexpr size_t kBuffer = 256 << 10;

char* Buffer() {
  thread_local std::unique_ptr<char[]> buffer(new char[kBuffer]);
  return buffer.get();
}

// Copies [at, end), all of which is data.
Status CopyData(Os& os, const CopyRange& r, uint64_t at, uint64_t end, const std::atomic<bool>& stop,
                std::atomic<uint64_t>* progress, uint32_t* crc) {
  char* const buffer = Buffer();
  while (at < end) {
    size_t want = static_cast<size_t>(std::min<uint64_t>(kBuffer, end - at));
    if (r.throttle) want = r.throttle->Take(want, stop);
    if (stop.load(std::memory_order_relaxed)) return Canceled();
    const ssize_t n = os.Read(r.from, buffer, want, static_cast<off_t>(at));
    if (n < 0) return Status::Errno(static_cast<int>(-n), "read", *r.source);
    if (n == 0) return Status::Make(Code::kSourceChanged, "the source became shorter while it was copied", *r.source);
    const int w = WriteAll(os, r.to, buffer, static_cast<size_t>(n), static_cast<off_t>(at));
    if (w < 0) return Status::Errno(-w, "write", *r.temporary);
    *crc = Crc32c(*crc, buffer, static_cast<size_t>(n));
    at += static_cast<uint64_t>(n);
    progress->fetch_add(static_cast<uint64_t>(n), std::memory_order_relaxed);
  }
  return Status::Ok();
}

}  // namespace

Status CopyBytes(Os& os, const CopyRange& r, const std::atomic<bool>& stop, std::atomic<uint64_t>* progress,
                 uint32_t* crc) {
  const uint64_t end = r.offset + r.length;
  uint64_t at = r.offset;
  *crc = 0;
  while (r.sparse && at < end) {
    const off_t data = os.Seek(r.from, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && data != -ENXIO) break;  // no SEEK_DATA here: copy the zeros
    const uint64_t start = data < 0 ? end : std::min<uint64_t>(static_cast<uint64_t>(data), end);
    *crc = Crc32cZeros(*crc, start - at);
    progress->fetch_add(start - at, std::memory_order_relaxed);
    at = start;
    if (at == end) break;
    const off_t hole = os.Seek(r.from, static_cast<off_t>(at), SEEK_HOLE);
    const uint64_t stretch =
        hole <= static_cast<off_t>(at) ? end : std::min<uint64_t>(static_cast<uint64_t>(hole), end);
    if (Status s = CopyData(os, r, at, stretch, stop, progress, crc); !s.ok()) return s;
    at = stretch;
  }
  return CopyData(os, r, at, end, stop, progress, crc);
}

}  // namespace axl
