// The one budget of this process for state files that are read: their bytes, of which a few times as many are in
// memory.
#pragma once

#include "base/budget.h"

namespace axl {

Budget& StateBudget();

}  // namespace axl
