// Tests of crc32c.h: published vectors, and that every way to compute a sum gives the same.
#include "base/crc32c.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "test.h"

namespace axl::test {
namespace {

std::string Noise(size_t n) {
  std::string out;
  uint64_t x = 88172645463325252ull;
  for (size_t i = 0; i < n; i++) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    out += static_cast<char>(x);
  }
  return out;
}

uint32_t Sum(std::string_view s, uint32_t crc = 0) { return Crc32c(crc, s.data(), s.size()); }

}  // namespace

TEST(CrcMatchesThePublishedVectors) {
  std::string up, down;
  for (int i = 0; i < 32; i++) {
    up += static_cast<char>(i);
    down += static_cast<char>(31 - i);
  }
  CHECK_EQ(Sum("123456789"), 0xe3069283u);
  CHECK_EQ(Sum(std::string(32, '\0')), 0x8a9136aau);
  CHECK_EQ(Sum(std::string(32, '\xff')), 0x62a8ab43u);
  CHECK_EQ(Sum(up), 0x46dd794eu);
  CHECK_EQ(Sum(down), 0x113fdb5cu);
  CHECK_EQ(Sum(""), 0u);
}

TEST(HardwareAndTableAgreeAtEveryLengthAndAlignment) {
  const std::string noise = Noise(3 * 8192 * 2 + 2000);
  for (size_t offset = 0; offset < 8; offset++)
    for (size_t n = 0; n < 900; n++)
      if (Crc32c(n, noise.data() + offset, n) != Crc32cPortable(n, noise.data() + offset, n)) CHECK_EQ(n, offset);
  for (size_t n = 3 * 8192 - 9; n < 3 * 8192 + 9; n++) {
    CHECK_EQ(Crc32c(7, noise.data() + 1, n), Crc32cPortable(7, noise.data() + 1, n));
    CHECK_EQ(Crc32c(7, noise.data() + 3, 2 * n), Crc32cPortable(7, noise.data() + 3, 2 * n));
  }
}

TEST(CrcGoesOnFromThePartBefore) {
  const std::string noise = Noise(1000);
  for (size_t cut = 0; cut <= noise.size(); cut += 37)
    CHECK_EQ(Sum(noise.substr(cut), Sum(noise.substr(0, cut))), Sum(noise));
}

TEST(CombineIsTheCrcOfTheWhole) {
  const std::string noise = Noise(70000);
  for (size_t cut : {0, 1, 7, 4096, 65535, 69999, 70000}) {
    const std::string a = noise.substr(0, cut), b = noise.substr(cut);
    CHECK_EQ(Crc32cCombine(Sum(a), Sum(b), b.size()), Sum(noise));
  }
}

TEST(ZerosAreCountedNotRead) {
  for (size_t n : {0, 1, 5, 4096, 100000}) {
    CHECK_EQ(Crc32cZeros(0, n), Sum(std::string(n, '\0')));
    CHECK_EQ(Crc32cZeros(Sum("abc"), n), Sum("abc" + std::string(n, '\0')));
  }
}

TEST(ZerosAddUpBeyondWhatAFileCanHold) {
  const uint64_t huge = 1ull << 62, odd = 0x123456789abcdefull;
  CHECK_EQ(Crc32cZeros(Crc32cZeros(42, huge), odd), Crc32cZeros(42, huge + odd));
  CHECK_EQ(Crc32cZeros(Crc32cZeros(42, UINT64_MAX - 1), 1), Crc32cZeros(42, UINT64_MAX));
  CHECK_EQ(Crc32cCombine(42, Crc32cZeros(0, huge), huge), Crc32cZeros(42, huge));
}

}  // namespace axl::test
