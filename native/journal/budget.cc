// Thousands of ordinary state files have room; of those with 100,000 files, two or three.
#include "journal/budget.h"

namespace axl {

Budget& StateBudget() {
  static Budget budget(64 << 20);
  return budget;
}

}  // namespace axl
