// Reads the bytes of a state file into a TransferState. Knows no policy and makes no system call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/record.h"
#include "base/status.h"

namespace axl {

struct Replay {
  TransferState state;
  uint64_t valid_bytes = 0;  // the header and every good record; an append goes here
  uint32_t next_sequence = 0;
  bool torn = false;  // bytes follow valid_bytes that are no record: a torn last append
};

// As many bytes of the beginning of a file as Recognize looks at.
inline constexpr size_t kRecognizedBytes = 128;
// Is a file that begins so a state file, be it damaged? If not, it is none of our business.
bool Recognize(const uint8_t* data, size_t n);
// The UUID in the header of what Recognize takes for a state file, of whatever version. True: its own CRC says that it
// is right, or that of the first record. False: it may be damaged, or there is none.
bool ReadUuid(const uint8_t* data, size_t n, Uuid* out);

// kStateVersion for another version; kStateCorrupt for anything that no crash of ours explains (invariant 7).
// A bad tail is torn, not corrupt, if nothing valid follows it. On failure *out holds what could be read.
// Counts are bounded by the bytes present.
Status ReplayJournal(const uint8_t* data, size_t n, Replay* out);

}  // namespace axl
