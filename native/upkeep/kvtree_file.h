// A KVTree file that tells of no transfer, as SCR keeps its books in: all of it, for lib/finalize to find its way in.
// Changes nothing, and knows no key.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "os/os.h"

namespace axl {

// The keys in the order of the file, each before those below it.
struct KvTreeKeys {
  std::string keys;    // each ended by a NUL
  std::string depths;  // a byte for each: how many keys it is below
};

// A regular file, be it reached by links on the way, but none itself. kIo; kUnsafePath for something else than a
// regular file; kStateCorrupt and kStateVersion as of KvTree::Parse.
Status ReadKvTreeFile(Os& os, const std::string& path, KvTreeKeys* out);

}  // namespace axl
