// Tests of check.h: what a file is found to be, by one thread and by many; and that nothing but regular files is
// opened.
#include "manifest/check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mutex>
#include <set>
#include <thread>

#include "base/crc32c.h"
#include "forwarding_os.h"
#include "test.h"

namespace axl::test {
namespace {

// Which names were opened.
class OpeningOs : public ForwardingOs {
 public:
  int Open(int dir, const char* path, int flags, mode_t mode) override {
    const std::lock_guard lock(mutex_);
    opened.insert(path);
    return ForwardingOs::Open(dir, path, flags, mode);
  }
  std::set<std::string> opened;

 private:
  std::mutex mutex_;
};

// Reads fail behind that offset, or the caller is told to stop.
class BrokenOs : public ForwardingOs {
 public:
  ssize_t Read(int fd, void* data, size_t n, off_t at) override {
    if (at < fails) return ForwardingOs::Read(fd, data, n, at);
    if (stop != nullptr) *stop = true;
    return stop == nullptr ? -EIO : ForwardingOs::Read(fd, data, n, at);
  }
  off_t fails = 0;
  std::atomic<bool>* stop = nullptr;
};

std::string Noise(size_t n) {
  std::string out(n, '\0');
  uint32_t x = 1;
  for (char& c : out) c = static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
  return out;
}

struct Checks {
  ManifestFile Write(const std::string& name, const std::string& bytes) {
    WriteFile(dir.path() + "/" + name, bytes);
    return Named(name, Crc32c(0, bytes.data(), bytes.size()), bytes.size());
  }
  ManifestFile Named(const std::string& name, uint32_t crc = 0, std::optional<uint64_t> size = {}) {
    return {names.Keep(name), crc, size, {}};
  }
  Checked Run(Os& os, unsigned threads) {
    engine.AllowBackground(threads);
    return CheckFiles(os, engine, {{dir.path(), files}}, threads, stop);
  }
  TempDir dir;
  Engine engine;
  NameBlocks names;
  std::vector<ManifestFile> files;
  std::atomic<bool> stop{false};
};

using Verdicts = std::vector<FileVerdict>;

constexpr size_t kLarge = (40 << 20) + 12345;

}  // namespace

TEST(AFileIsOkByOneThreadAndByManyWhateverItsSize) {
  Checks c;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{8} << 20, (size_t{8} << 20) + 1, kLarge})
    c.files.push_back(c.Write(std::to_string(size), Noise(size)));
  for (const unsigned threads : {1u, 8u}) {
    const Checked found = c.Run(Os::Posix(), threads);
    CHECK(found.verdicts == Verdicts(5, FileVerdict::kOk));
    CHECK(found.problems.empty());
  }
}

TEST(AByteThatChangedAnywhereIsFound) {
  Checks c;
  const std::string bytes = Noise(kLarge);
  for (const size_t at : {size_t{0}, (size_t{8} << 20) - 1, size_t{8} << 20, kLarge - 1}) {
    std::string other = bytes;
    other[at] = static_cast<char>(other[at] ^ 1);
    ManifestFile file = c.Write(std::to_string(at), other);
    file.crc = Crc32c(0, bytes.data(), bytes.size());
    c.files.push_back(file);
  }
  const Checked found = c.Run(Os::Posix(), 4);
  CHECK(found.verdicts == Verdicts(4, FileVerdict::kChanged));
  CHECK_EQ(found.problems.size(), 4u);
  for (size_t i = 0; i < 4; i++) {
    CHECK_EQ(found.problems[i].index, i);
    CHECK(found.problems[i].why.code == Code::kVerify);
  }
}

TEST(AFileOfAnotherSizeIsChangedAndNotRead) {
  Checks c;
  c.files.push_back(c.Write("a", "abc"));
  c.files[0].size = 4;
  BrokenOs os;
  CHECK(c.Run(os, 1).verdicts[0] == FileVerdict::kChanged);
}

TEST(WhatIsNotThereIsMissingAndWhatCannotBeReadIsNot) {
  Checks c;
  c.files = {c.Write("f", "x"), c.Named("none"), c.Named("no/ne"), c.Named("f/x"), c.Named(std::string(256, 'n'))};
  const Checked found = c.Run(Os::Posix(), 2);
  constexpr FileVerdict kMissing = FileVerdict::kMissing;
  CHECK(found.verdicts == (Verdicts{FileVerdict::kOk, kMissing, kMissing, kMissing, FileVerdict::kUnreadable}));
  CHECK_EQ(found.problems.back().index, 4u);
  CHECK_EQ(found.problems.back().why.err, ENAMETOOLONG);
}

TEST(AnErrorInOnePieceMakesTheFileUnreadableOnceAndTheOthersAreChecked) {
  Checks c;
  c.files = {c.Write("large", Noise(kLarge)), c.Write("small", "abc")};
  BrokenOs os;
  os.fails = 20 << 20;
  const Checked found = c.Run(os, 4);
  CHECK(found.verdicts == (Verdicts{FileVerdict::kUnreadable, FileVerdict::kOk}));
  CHECK_EQ(found.problems.size(), 1u);
  CHECK_ERRNO(found.problems.at(0).why, EIO);
}

TEST(WhoStopsGetsNoVerdictOnWhatWasNotReadToTheEnd) {
  Checks c;
  for (int i = 0; i < 20; i++) c.files.push_back(c.Write(std::to_string(i), Noise(i == 3 ? kLarge : 10)));
  BrokenOs os;
  os.fails = 1 << 20;
  os.stop = &c.stop;
  const Checked found = c.Run(os, 1);
  CHECK(found.verdicts[0] == FileVerdict::kOk);
  CHECK(found.verdicts[3] == FileVerdict::kUnchecked);
  CHECK(found.verdicts[19] == FileVerdict::kUnchecked);
  CHECK(found.problems.empty());
}

// All threads but one are done with looking for files before the only one is open.
TEST(AThreadThatFindsNoFileWaitsForALargeOneThatIsBeingOpened) {
  struct : ForwardingOs {
    int Open(int dir, const char* path, int flags, mode_t mode) override {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      return to_.Open(dir, path, flags, mode);
    }
    ssize_t Read(int fd, void* data, size_t n, off_t at) override {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      const std::lock_guard lock(mutex);
      readers.insert(std::this_thread::get_id());
      return to_.Read(fd, data, n, at);
    }
    std::mutex mutex;
    std::set<std::thread::id> readers;
  } os;
  Checks c;
  c.files.push_back(c.Write("large", Noise(kLarge)));
  CHECK(c.Run(os, 4).verdicts == Verdicts(1, FileVerdict::kOk));
  CHECK(os.readers.size() > 1);
}

TEST(WhatIsBegunInTimeHasAVerdictAndSoHasTheFirstFileInAnyCase) {
  Checks c;
  for (int i = 0; i < 100; i++) c.files.push_back(c.Write(std::to_string(i), i == 3 ? "y" : "x"));
  c.files[3].crc = c.files[0].crc;
  const std::vector<Part> parts = {{c.dir.path(), {}}, {c.dir.path(), c.files}};
  const Checked late = CheckFiles(Os::Posix(), c.engine, parts, 4, c.stop, Deadline::min());
  CHECK(!late.verdicts.empty());
  CHECK(late.verdicts.size() < 100);
  CHECK(late.verdicts[0] == FileVerdict::kOk);
  CHECK_EQ(c.Run(Os::Posix(), 4).verdicts.size(), 100u);
}

TEST(NothingButARegularFileIsOpenedAndNoLinkIsFollowed) {
  Checks c;
  const std::string dir = c.dir.path();
  const ManifestFile file = c.Write("file", "x");
  REQUIRE(mkfifo((dir + "/fifo").c_str(), 0600) == 0);
  REQUIRE(symlink("file", (dir + "/link").c_str()) == 0);
  REQUIRE(mkdir((dir + "/sub").c_str(), 0700) == 0);
  REQUIRE(symlink("sub", (dir + "/to").c_str()) == 0);
  (void)c.Write("sub/x", "x");
  for (const char* name : {"fifo", "link", "sub", "to/x"}) c.files.push_back(c.Named(name, file.crc));
  OpeningOs os;
  CHECK(c.Run(os, 1).verdicts == Verdicts(4, FileVerdict::kChanged));
  for (const char* name : {"fifo", "link", "sub", "x"}) CHECK_EQ(os.opened.count(name), 0u);
  Manifest manifest;
  for (const char* name : {"fifo", "link", "sub"})
    CHECK(LoadManifest(os, dir + "/" + name, &manifest).code == Code::kNotSupported);
}

// A sparse file of 1 GiB costs nobody a block, and may not cost its reader the memory.
TEST(AManifestIsReadInPiecesHoweverLargeItIs) {
  struct : ForwardingOs {
    ssize_t Read(int fd, void* data, size_t n, off_t at) override {
      most = std::max(most, n);
      return to_.Read(fd, data, n, at);
    }
    size_t most = 0;
  } os;
  TempDir dir;
  WriteFile(dir / "sparse", "CRC32C (a) = 00000001\n");
  REQUIRE(truncate((dir / "sparse").c_str(), 64 << 20) == 0);
  Manifest manifest;
  CHECK_OK(LoadManifest(os, dir / "sparse", &manifest));
  CHECK_EQ(manifest.files.size(), 1u);
  CHECK_EQ(manifest.problems.size(), 1u);
  CHECK(os.most <= 1 << 20);
}

TEST(AListingHasAllThatIsNeitherADirectoryNorALink) {
  Checks c;
  const std::string dir = c.dir.path();
  for (const char* name : {"/d", "/d/e", "/.snapshot", "/empty"}) REQUIRE(mkdir((dir + name).c_str(), 0700) == 0);
  for (const char* name : {"a", "d/b", "d/e/c", ".snapshot/no"}) (void)c.Write(name, "x");
  REQUIRE(symlink("..", (dir + "/d/up").c_str()) == 0);
  REQUIRE(mkfifo((dir + "/d/fifo").c_str(), 0600) == 0);
  const Listing listing = ListBelow(Os::Posix(), c.engine, dir, c.stop);
  CHECK(listing.unreadable.empty());
  const std::set<std::string> found(listing.files.begin(), listing.files.end());
  CHECK(found == (std::set<std::string>{dir + "/a", dir + "/d/b", dir + "/d/e/c", dir + "/d/fifo"}));
  CHECK_ERRNO(ListBelow(Os::Posix(), c.engine, dir + "/none", c.stop).unreadable.at(0), ENOENT);
}

}  // namespace axl::test
