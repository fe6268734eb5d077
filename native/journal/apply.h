// The only code that changes a TransferState: of a state file that is read, and of the live process that writes one.
#pragma once

#include "base/record.h"
#include "journal/record_values.h"

namespace axl {

// nullptr; or the rule of docs/state-format.md ("Rules of order") that the record breaks, and then the state is of no
// more use.
const char* Apply(Record&& record, TransferState* state);

}  // namespace axl
