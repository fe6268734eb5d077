// CRC-32C three ways: one instruction for 8 bytes (x86 SSE4.2, ARMv8), tables, and arithmetic modulo the polynomial
// for what is not read (combine, zeros). Polynomials are reflected: bit 31 is x^0. All tables are made at compile time.
#include "base/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#define AXL_CRC_TARGET __attribute__((target("sse4.2")))
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#define AXL_CRC_TARGET __attribute__((target("+crc")))
#endif

namespace axl {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;
constexpr uint32_t kOne = 1u << 31;  // x^0

// a * b mod P.
constexpr uint32_t Multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = kOne; bit != 0; bit >>= 1) {
    if (a & bit) product ^= b;
    b = (b >> 1) ^ ((b & 1) ? kPolynomial : 0);
  }
  return product;
}

// powers[k] = x^(2^k) mod P, as far as 8 * 2^63 needs.
constexpr auto kPowers = [] {
  std::array<uint32_t, 67> powers{};
  powers[0] = kOne >> 1;
  for (size_t k = 1; k < powers.size(); k++) powers[k] = Multiply(powers[k - 1], powers[k - 1]);
  return powers;
}();

// x^(8n) mod P: appending n zero bytes multiplies by it.
constexpr uint32_t PowerOfBytes(uint64_t n) {
  uint32_t power = kOne;
  for (size_t k = 3; n != 0; n >>= 1, k++)
    if (n & 1) power = Multiply(kPowers[k], power);
  return power;
}

using Tables8 = std::array<std::array<uint32_t, 256>, 8>;
constexpr Tables8 kSlices = [] {
  Tables8 t{};
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) ? kPolynomial : 0);
    t[0][i] = crc;
  }
  for (size_t k = 1; k < 8; k++)
    for (size_t i = 0; i < 256; i++) t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 255];
  return t;
}();

uint32_t Load32(const uint8_t* p) {
  return uint32_t{p[0]} | uint32_t{p[1]} << 8 | uint32_t{p[2]} << 16 | uint32_t{p[3]} << 24;
}

uint32_t TableBytes(uint32_t crc, const uint8_t* p, size_t n) {
  while (n-- > 0) crc = (crc >> 8) ^ kSlices[0][(crc ^ *p++) & 255];
  return crc;
}

#ifdef AXL_CRC_TARGET

AXL_CRC_TARGET inline uint32_t Step8(uint32_t crc, const uint8_t* p) {
  uint64_t word;
  std::memcpy(&word, p, 8);
#if defined(__x86_64__)
  return static_cast<uint32_t>(__builtin_ia32_crc32di(crc, word));
#elif defined(__clang__)
  return __builtin_arm_crc32cd(crc, word);
#else
  return __builtin_aarch64_crc32cx(crc, word);
#endif
}

AXL_CRC_TARGET inline uint32_t Step1(uint32_t crc, uint8_t byte) {
#if defined(__x86_64__)
  return __builtin_ia32_crc32qi(crc, byte);
#elif defined(__clang__)
  return __builtin_arm_crc32cb(crc, byte);
#else
  return __builtin_aarch64_crc32cb(crc, byte);
#endif
}

// Multiplies by x^(8 * kBytes) with four table reads.
template <size_t kBytes>
struct Shift {
  using Tables4 = std::array<std::array<uint32_t, 256>, 4>;
  static constexpr Tables4 kTable = [] {
    Tables4 t{};
    const uint32_t power = PowerOfBytes(kBytes);
    for (size_t byte = 0; byte < 4; byte++) {
      for (size_t bit = 0; bit < 8; bit++) {
        const uint32_t value = Multiply(power, uint32_t{1} << (8 * byte + bit));
        const size_t half = size_t{1} << bit;
        for (size_t i = 0; i < half; i++) t[byte][half + i] = t[byte][i] ^ value;
      }
    }
    return t;
  }();
  static uint32_t Apply(uint32_t crc) {
    return kTable[0][crc & 255] ^ kTable[1][crc >> 8 & 255] ^ kTable[2][crc >> 16 & 255] ^ kTable[3][crc >> 24];
  }
};

// The instruction takes 3 cycles but one can start in each: three streams side by side are three times as fast.
// Takes 3 * kStream bytes at a time and returns how many it took.
template <size_t kStream>
AXL_CRC_TARGET size_t ThreeStreams(uint32_t* crc, const uint8_t* p, size_t n) {
  size_t taken = 0;
  for (; n - taken >= 3 * kStream; taken += 3 * kStream) {
    const uint8_t* q = p + taken;
    uint32_t a = *crc, b = 0, c = 0;
    for (size_t i = 0; i < kStream; i += 8) {
      a = Step8(a, q + i);
      b = Step8(b, q + i + kStream);
      c = Step8(c, q + i + 2 * kStream);
    }
    *crc = Shift<kStream>::Apply(Shift<kStream>::Apply(a) ^ b) ^ c;
  }
  return taken;
}

AXL_CRC_TARGET uint32_t Hardware(uint32_t crc, const void* data, size_t n) {
  const uint8_t* p = static_cast<const uint8_t*>(data);
  crc = ~crc;
  size_t at = ThreeStreams<8192>(&crc, p, n);
  at += ThreeStreams<256>(&crc, p + at, n - at);
  for (; n - at >= 8; at += 8) crc = Step8(crc, p + at);
  for (; at < n; at++) crc = Step1(crc, p[at]);
  return ~crc;
}

bool HaveHardware() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("sse4.2");
#else
  return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
#endif
}

#endif  // AXL_CRC_TARGET

}  // namespace

uint32_t Crc32cPortable(uint32_t crc, const void* data, size_t n) {
  const uint8_t* p = static_cast<const uint8_t*>(data);
  crc = ~crc;
  for (; n >= 8; n -= 8, p += 8) {
    const uint32_t a = crc ^ Load32(p), b = Load32(p + 4);
    crc = kSlices[7][a & 255] ^ kSlices[6][a >> 8 & 255] ^ kSlices[5][a >> 16 & 255] ^ kSlices[4][a >> 24] ^
          kSlices[3][b & 255] ^ kSlices[2][b >> 8 & 255] ^ kSlices[1][b >> 16 & 255] ^ kSlices[0][b >> 24];
  }
  return ~TableBytes(crc, p, n);
}

uint32_t Crc32c(uint32_t crc, const void* data, size_t n) {
#ifdef AXL_CRC_TARGET
  static const bool hardware = HaveHardware();
  if (hardware) return Hardware(crc, data, n);
#endif
  return Crc32cPortable(crc, data, n);
}

uint32_t Crc32cCombine(uint32_t a, uint32_t b, uint64_t length_of_b) {
  return Multiply(PowerOfBytes(length_of_b), a) ^ b;
}

uint32_t Crc32cZeros(uint32_t crc, uint64_t n) { return ~Multiply(PowerOfBytes(n), ~crc); }

}  // namespace axl
