// What we have copied again of a transfer of AXL takes the place of what AXL had brought of it.
#pragma once

#include "base/record.h"
#include "base/status.h"
#include "os/os.h"

namespace axl {

// Each file that is DONE and has a temporary name of ours gets the name to which AXL was to bring it. From then on it
// is there for every look, as if AXL had: our copies are written to names of ours, since a file of AXL's name and of
// the right size counts as whole. REQUIRES: every file is DONE, and the state file is locked.
Status BringToAxlNames(Os& os, const TransferState& state);

}  // namespace axl
