// A writer that says that it is alive by touching its state file, and how long the silence of one is.
#include "journal/heartbeat.h"

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <thread>

#include "journal/journal.h"
#include "no_threads.h"
#include "test.h"

namespace axl::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct stat Changed(int64_t size, int64_t sec) {
  struct stat st = {};
  st.st_ino = 7;
  st.st_size = size;
  st.st_mtim.tv_sec = sec;
  return st;
}

TEST(AWriterIsDeadOnceItWasQuietForThreeBeatsAndAtLeastAMinute) {
  const Silences::Clock::time_point start{};
  CHECK(Silences::Wanted(5000) == seconds(60));
  CHECK(Silences::Wanted(60'000) == seconds(180));
  Silences silences;
  const struct stat first = Changed(100, 1);
  CHECK(!silences.IsDead("a", first, 30'000, start));
  CHECK(!silences.IsDead("a", first, 30'000, start + seconds(89)));
  CHECK(silences.IsDead("a", first, 30'000, start + seconds(90)));
  CHECK(!silences.IsDead("b", first, 30'000, start + seconds(90)));
}

TEST(ASilenceBeginsAgainWithEveryChange) {
  const Silences::Clock::time_point start{};
  Silences silences;
  CHECK(!silences.IsDead("a", Changed(100, 1), 5000, start));
  CHECK(!silences.IsDead("a", Changed(100, 2), 5000, start + seconds(61)));
  CHECK(!silences.IsDead("a", Changed(101, 2), 5000, start + seconds(122)));
  struct stat another = Changed(101, 2);
  another.st_ino = 8;
  CHECK(!silences.IsDead("a", another, 5000, start + seconds(183)));
  CHECK(silences.IsDead("a", another, 5000, start + seconds(243)));
}

TransferInfo Beating() {
  TransferInfo info;
  info.name = "beating";
  info.heartbeat_ms = 10;
  info.chunk_size = 4096;
  info.dataset = {1};
  return info;
}

TEST(AStateFileIsTouchedWhileItsWriterHasItAndNoLonger) {
  TempDir dir;
  const TransferInfo info = Beating();
  std::unique_ptr<Journal> journal;
  REQUIRE_OK(Journal::Create(Os::Posix(), dir / "state", info, &journal));
  const auto mtime = [&] {
    struct stat st;
    REQUIRE(stat((dir / "state").c_str(), &st) == 0);
    return std::pair(st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
  };
  const auto created = mtime();
  while (mtime() == created) std::this_thread::sleep_for(milliseconds(5));
  journal.reset();
  const auto closed = mtime();
  std::this_thread::sleep_for(milliseconds(50));
  CHECK(mtime() == closed);
  REQUIRE_OK(Journal::Open(Os::Posix(), dir / "state", {}, &journal));
  while (mtime() == closed) std::this_thread::sleep_for(milliseconds(5));
}

// It would be taken for dead by the finalizers of other hosts.
TEST(AWriterThatCannotBeatHasNoStateFile) {
  TempDir dir;
  const TransferInfo info = Beating();
  std::unique_ptr<Journal> journal;
  const auto create = [&] { return Journal::Create(Os::Posix(), dir / "state", info, &journal); };
  {
    const NoThreads none;
    CHECK_ERRNO(create(), EAGAIN);
    CHECK(std::filesystem::is_empty(dir.path()));
  }
  REQUIRE_OK(create());
  journal.reset();
  const NoThreads none;
  CHECK_ERRNO(Journal::Open(Os::Posix(), dir / "state", {}, &journal), EAGAIN);
}

}  // namespace
}  // namespace axl::test
