// CRC-32C (Castagnoli), as in iSCSI and ext4: SSE4.2 or ARMv8 instructions where the machine has them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace axl {

// The CRC of a + data, given `crc`, the CRC of a. Start with 0.
uint32_t Crc32c(uint32_t crc, const void* data, size_t n);
// The CRC of a + b, given those of a and b and b's length. O(log n).
uint32_t Crc32cCombine(uint32_t a, uint32_t b, uint64_t length_of_b);
// The CRC of a followed by n zero bytes. O(log n): holes are not read.
uint32_t Crc32cZeros(uint32_t crc, uint64_t n);
// The table version, for tests and for machines without the instruction.
uint32_t Crc32cPortable(uint32_t crc, const void* data, size_t n);

}  // namespace axl
