// Moves bytes from an open source to an open temporary file, and sums them. One call, one thread.
// Knows neither the journal nor other files.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/status.h"
#include "copy/throttle.h"
#include "os/os.h"

namespace axl {

struct CopyRange {
  int from = -1;
  int to = -1;
  const std::string* source = nullptr;     // for errors
  const std::string* temporary = nullptr;  // for errors
  uint64_t offset = 0;
  uint64_t length = 0;
  Throttle* throttle = nullptr;  // none: as fast as it goes
  bool sparse = false;           // the source has fewer blocks than bytes: look for holes, and leave them
};

// Copies the range and sets *crc to the CRC-32C of its bytes, holes included as zeros. REQUIRES: `to` was truncated to
// the file's size, so that what is not written is a hole. `progress` counts bytes as they come, holes too.
// kCanceled if `stop` turned true; kSourceChanged if the source ends early; kIo.
Status CopyBytes(Os& os, const CopyRange& range, const std::atomic<bool>& stop, std::atomic<uint64_t>* progress,
                 uint32_t* crc);

}  // namespace axl
