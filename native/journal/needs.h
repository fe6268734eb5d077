// What state files may say and this program does not do. Such a transfer is left alone: see docs/state-format.md.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/record.h"
#include "base/status.h"

namespace axl {

enum class Need : uint32_t {
  kBackend = 1 << 0,
  kUri = 1 << 1,
  kHardLink = 1 << 2,
  kGenerated = 1 << 3,
  kPhase = 1 << 4,
  kXattr = 1 << 5,
  kInodes = 1 << 6,
  kStaged = 1 << 7,
  kDirection = 1 << 8,
  kExpect = 1 << 9,
  kReplaces = 1 << 10,
  kRetire = 1 << 11,
  kAdopted = 1 << 12,
};

// Ok if this program can go on with the transfer. kUnavailable: another backend, or a mover that is neither our own
// threads nor `mover`; kNotSupported: anything else. With the sentence that says what.
Status CheckNeeds(const TransferState& state, std::string_view mover = {});

}  // namespace axl
