// Deletes what a transfer retires: docs/state-format.md, "What is retired".
#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "base/stop.h"
#include "journal/journal.h"
#include "os/os.h"

namespace axl {

// What stays as it is, of journal.state().retire, and why: it has changed, or may not be deleted.
struct Left {
  uint32_t id = 0;
  Status why;
};

// All that is not RETIRED; then it is, durably. *left is filled. An error is one that another try may not meet.
// REQUIRES: the transfer, and every other of its dataset, is published, durably; no FINAL yet.
Status RetireAll(Os& os, Journal& journal, std::vector<Left>* left, const std::atomic<bool>& stop = kGoOn);

}  // namespace axl
