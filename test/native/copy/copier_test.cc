// Bytes, holes and sums: what is copied is what is summed, with and without SEEK_DATA, and stops when told to.
#include "copy/copier.h"
#include "os/sum.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/crc32c.h"
#include "forwarding_os.h"
#include "test.h"

namespace axl::test {
namespace {

constexpr size_t kSize = 1 << 20;

// A source with data in its middle only, and an empty file of its size.
struct Pair {
  Pair() {
    WriteFile(source, "");
    WriteFile(temporary, "");
    from = open(source.c_str(), O_RDWR | O_CLOEXEC);
    to = open(temporary.c_str(), O_RDWR | O_CLOEXEC);
    CHECK(ftruncate(from, kSize) == 0 && ftruncate(to, kSize) == 0);
    const std::string data(100'000, 'd');
    CHECK(pwrite(from, data.data(), data.size(), 500'000) == static_cast<ssize_t>(data.size()));
  }
  ~Pair() {
    close(from);
    close(to);
  }
  Status Copy(Os& os, bool sparse, uint64_t offset = 0, uint64_t length = kSize) {
    const CopyRange range{from, to, &source, &temporary, offset, length, nullptr, sparse};
    return CopyBytes(os, range, stop, &progress, &crc);
  }
  uint32_t SumOf(uint64_t offset, uint64_t length) {
    const std::string bytes = ReadFile(source).substr(offset, length);
    return Crc32c(0, bytes.data(), bytes.size());
  }
  TempDir dir;
  std::string source = dir / "source", temporary = dir / "temporary";
  int from, to;
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> progress{0};
  uint32_t crc = 0;
};

struct NoHolesOs : ForwardingOs {
  off_t Seek(int, off_t, int) override { return -EINVAL; }
};

TEST(HolesAreLeftOutAndCountedAsZeros) {
  Pair p;
  CHECK_OK(p.Copy(Os::Posix(), true));
  CHECK(ReadFile(p.temporary) == ReadFile(p.source));
  CHECK_EQ(p.crc, p.SumOf(0, kSize));
  CHECK_EQ(p.progress.load(), kSize);
  struct stat st;
  REQUIRE(fstat(p.to, &st) == 0);
  CHECK(static_cast<size_t>(st.st_blocks) * 512 < kSize);
}

TEST(WhereHolesCannotBeFoundZerosAreCopied) {
  NoHolesOs os;
  Pair p;
  CHECK_OK(p.Copy(os, true));
  CHECK(ReadFile(p.temporary) == ReadFile(p.source));
  CHECK_EQ(p.crc, p.SumOf(0, kSize));
}

TEST(ARangeIsCopiedAndSummedAlone) {
  for (bool sparse : {false, true}) {
    for (uint64_t offset : {0u, 4096u, 499'000u, 550'000u, 700'000u}) {
      Pair p;
      CHECK_OK(p.Copy(Os::Posix(), sparse, offset, 77'777));
      CHECK(ReadFile(p.temporary).substr(offset, 77'777) == ReadFile(p.source).substr(offset, 77'777));
      CHECK_EQ(p.crc, p.SumOf(offset, 77'777));
      uint32_t sum = 0;
      CHECK_OK(SumBytes(Os::Posix(), p.to, p.temporary, offset, 77'777, p.stop, &sum));
      CHECK_EQ(sum, p.crc);
    }
  }
}

TEST(ASourceThatEndsEarlyHasChangedAndATemporaryIsNotVerified) {
  Pair p;
  CHECK(ftruncate(p.from, 10) == 0 && ftruncate(p.to, 10) == 0);
  CHECK_CODE(p.Copy(Os::Posix(), false), Code::kSourceChanged);
  CHECK(ftruncate(p.to, 10) == 0);
  uint32_t sum = 0;
  CHECK_CODE(SumBytes(Os::Posix(), p.to, p.temporary, 0, 11, p.stop, &sum), Code::kVerify);
}

TEST(ACopyThatIsToldToStopStops) {
  Pair p;
  p.stop = true;
  CHECK_CODE(p.Copy(Os::Posix(), false), Code::kCanceled);
  CHECK_EQ(p.progress.load(), 0u);
}

}  // namespace
}  // namespace axl::test
