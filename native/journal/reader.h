// Reads the bytes of a state file into a TransferState. Knows no policy and makes no system call.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

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

// The bytes of a state file, wherever they are.
class JournalSource {
 public:
  virtual ~JournalSource() = default;
  // Up to n bytes; fewer only at the end. Bytes read, or -errno.
  virtual ssize_t Read(void* data, size_t n, uint64_t at) = 0;
  // Where something else than zeros may come: `at`, or the end of the hole that begins there.
  virtual uint64_t SkipHole(uint64_t at) = 0;
};

// kStateVersion for another version; kStateCorrupt for anything that no crash of ours explains (invariant 7).
// A bad tail is torn, not corrupt, if nothing valid follows it. On failure *out holds what could be read.
// Counts are bounded by the bytes present. kIo if they cannot be read. A part of a source of `size` bytes is in memory
// at a time; all before valid_bytes is put into *valid, if given.
Status ReplayJournal(JournalSource& source, uint64_t size, Replay* out, std::vector<uint8_t>* valid = nullptr);
Status ReplayJournal(const uint8_t* data, size_t n, Replay* out);

}  // namespace axl
