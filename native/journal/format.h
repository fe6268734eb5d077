// The constants of the state file. The page is docs/state-format.md; both change together.
#pragma once

#include <cstddef>
#include <cstdint>

namespace axl {

inline constexpr char kJournalMagic[8] = {'\x89', 'A', 'X', 'L', '\r', '\n', '\x1a', '\n'};
inline constexpr uint32_t kJournalVersion = 1;
inline constexpr uint32_t kJournalEdition = 1;   // 0: version 1 before it was final
inline constexpr size_t kHeaderSize = 64;        // magic 8, version 4, size 4, UUID 16, edition 4, zeros 24, CRC 4
inline constexpr size_t kRecordOverhead = 13;    // u32 length, u8 type, u32 sequence, payload, u32 CRC
inline constexpr uint32_t kMaxRecord = 1 << 20;  // bytes of payload
inline constexpr uint64_t kMaxJournal = 256ull << 20;
inline constexpr uint32_t kMaxFiles = 4'000'000;

inline constexpr uint8_t kOptional = 0x80;  // bit of a type: who does not know the record goes on behind it

// In the order of the page, of record_values.h and of apply.cc.
enum class RecordType : uint8_t {
  kTransfer = 1,
  kFile = 2,
  kDir = 3,
  kSealed = 4,
  kChunk = 5,
  kDone = 6,
  kFailed = 7,
  kCanceled = 8,
  kResumed = 9,
  kRenounced = 10,
  kSettled = 11,
  kPublished = 12,
  kFinal = 13,
  kKept = 14,
  kConfirmed = 15,
  kAnchor = 16,
  kSubmitted = 17,
  kStaged = 18,
  kDirection = 19,
  kContent = 20,
  kExpect = 21,
  kReplaces = 22,
  kPhase = 23,
  kRetire = 24,
  kRetired = 25,
  kAdopted = 26,
  kHeartbeat = kOptional | 1,
};

}  // namespace axl
