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
};

}  // namespace axl
