// What stands at a name, with everything below it: looked at as one thing, to know it again, and deleted as one thing.
// No link is followed, and nothing of another mount is touched. Thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "base/record.h"
#include "base/status.h"
#include "base/stop.h"
#include "os/os.h"

namespace axl {

struct Tree {
  bool is_dir = false;
  Identity identity;  // of the name
  uint64_t size = 0;  // of the files, in bytes
  uint32_t crc = 0;   // of the listing: docs/state-format.md, "What is retired"
  Status obstacle;    // why this process may not delete it, as far as that can be told
};

// `path` is for errors. kIo: ENOENT if nothing stands there. kNotSupported: something is mounted there or below, or it
// is deeper than 100 directories. kCanceled: `stop` became true.
Status LookAtTree(Os& os, int dir, const std::string& name, const std::string& path, Tree* out,
                  const std::atomic<bool>& stop = kGoOn);

// Of what is gone by then nothing is said. Stops at the first error; what was deleted before stays deleted.
Status RemoveTree(Os& os, int dir, const std::string& name, const std::string& path,
                  const std::atomic<bool>& stop = kGoOn);

}  // namespace axl
