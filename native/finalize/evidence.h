// How far a transfer of AXL came: looks at its files, and says it in records of ours. Changes nothing.
#pragma once

#include <atomic>

#include "base/record.h"
#include "base/status.h"
#include "journal/record_values.h"
#include "os/os.h"
#include "publish/publisher.h"

namespace axl {

struct Looking {
  Verify verify = Verify::kSize;
  bool reads = true;     // false: no file is read, and what only that could tell counts as incomplete
  bool resumes = false;  // what is incomplete is copied again, also if other files have their final names
  bool copied = false;   // by us, since AXL has given it up
  const std::atomic<bool>* stop = nullptr;
  DirectoryCache* cache = nullptr;  // where to look for open directories
};

// DONE or FAILED of each file, and SETTLED if all are DONE. Nothing of a transfer that was not dispatched. kVerify if
// it cannot be told what a file is, if one that AXL has completed is gone, or if some files have their final names and
// others are incomplete. *looked, if given: what was seen of each, for the publisher of what they say.
Status Gather(Os& os, const TransferState& state, const Looking& looking, std::vector<Record>* out,
              std::vector<Publisher::Looked>* looked = nullptr);

}  // namespace axl
