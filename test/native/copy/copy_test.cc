// What fails a file while it is copied: a source that changes under it, a close that fails, a temporary name that is
// taken. And that its first error is the one that is kept.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>

#include "base/names.h"
#include "world.h"

namespace axl::test {
namespace {

// What the transfer's files failed with, by the base names of their destinations. Nothing is published.
std::map<std::string, Status> FailuresOf(World& world, Os& os, unsigned workers = 1) {
  Engine engine(workers);
  Transfer transfer(os, engine);
  REQUIRE_OK(transfer.Create(world.Options()));
  REQUIRE_OK(world.AddAll(transfer));
  REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer.Dispatch(on_quiet); }));
  CHECK_CODE(transfer.Publish(), Code::kTransferFailed);
  std::map<std::string, Status> failures;
  transfer.EachFile([&](const FileEntry& file, const FileProgress& progress) {
    if (progress.state == FileState::kFailed) failures[std::string(BaseOf(file.dest))] = progress.failure;
  });
  CHECK_OK(transfer.Free());
  CHECK_EQ(Difference(world.Now(), world.before()), "");
  return failures;
}

bool IsFile(int fd, const std::string& path) {
  struct stat a, b;
  return fstat(fd, &a) == 0 && stat(path.c_str(), &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

// Calls `change` after the first read of a source.
struct ChangingOs : QuickOs {
  ssize_t Read(int fd, void* data, size_t n, off_t at) override {
    const ssize_t got = to_.Read(fd, data, n, at);
    if (!changed && IsFile(fd, source)) {
      changed = true;
      change();
    }
    return got;
  }
  std::string source;
  std::function<void()> change;
  bool changed = false;
};

TEST(ASourceThatChangesWhileItIsCopiedFailsItsFile) {
  for (const char* name : {"small", "chunks"}) {
    const std::string source = std::string("tree/") + name;
    World world;
    CHECK(chmod(world.Source(source).c_str(), 0600) == 0);
    const std::function<void()> changes[] = {
        [&] {  // written, with its mtime put back: the ctime tells
          const int fd = open(world.Source(source).c_str(), O_WRONLY | O_CLOEXEC);
          struct stat st;
          CHECK(fstat(fd, &st) == 0 && pwrite(fd, "X", 1, 0) == 1);
          const struct timespec times[2] = {st.st_atim, st.st_mtim};
          CHECK(futimens(fd, times) == 0);
          close(fd);
        },
        [&] { CHECK(truncate(world.Source(source).c_str(), 3) == 0); },
        [&] { WriteFile(world.Source(source), std::string(4 * World::kChunk, 'y')); },
    };
    for (const auto& change : changes) {
      ChangingOs os;
      os.source = world.Source(source);
      os.change = change;
      const auto failures = FailuresOf(world, os);
      REQUIRE(failures.size() == 1 && failures.contains(name));
      CHECK_CODE(failures.at(name), Code::kSourceChanged);
    }
  }
}

TEST(ACloseThatFailsFailsItsFile) {
  for (const char* name : {"small", "chunks"}) {
    struct : QuickOs {
      int Open(int dir, const char* path, int flags, mode_t mode) override {
        const int opened = to_.Open(dir, path, flags, mode);
        if (std::strstr(path, (name + "._AXL").c_str()) != nullptr) fd = opened;
        return opened;
      }
      int Close(int closed) override {
        int its = closed;
        const bool fails = fd.compare_exchange_strong(its, -1);  // before another thread can get the number
        const int result = to_.Close(closed);
        return fails ? -EDQUOT : result;
      }
      std::string name;
      std::atomic<int> fd{-1};
    } os;
    World world;
    os.name = name;
    const auto failures = FailuresOf(world, os);
    REQUIRE(failures.size() == 1 && failures.contains(name));
    CHECK_ERRNO(failures.at(name), EDQUOT);
    CHECK_EQ(failures.at(name).call, "close");
  }
}

TEST(TheFirstErrorOfAFileIsKept) {
  struct : QuickOs {
    ssize_t Write(int fd, const void* data, size_t n, off_t at) override {
      return IsFile(fd, path) && !path.empty() ? (at == 0 ? -ENOSPC : -EIO) : to_.Write(fd, data, n, at);
    }
    int Open(int dir, const char* opened, int flags, mode_t mode) override {
      if (std::strstr(opened, "chunks._AXL") != nullptr) path = PathAt(dir, opened);
      return to_.Open(dir, opened, flags, mode);
    }
    std::string path;
  } os;
  World world;
  const auto failures = FailuresOf(world, os);
  REQUIRE(failures.size() == 1 && failures.contains("chunks"));
  CHECK_ERRNO(failures.at("chunks"), ENOSPC);
}

// Whoever made a file of that name: nothing of it is overwritten, and nothing is copied into it.
TEST(ATemporaryNameThatIsTakenFailsItsFile) {
  World world;
  QuickOs os;
  Engine engine(1);
  Transfer transfer(os, engine);
  REQUIRE_OK(transfer.Create(world.Options()));
  REQUIRE_OK(world.AddAll(transfer));
  const std::string taken = TemporaryPath(world.Dest("old"), transfer.uuid());
  WriteFile(taken, "a stranger's");
  REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer.Dispatch(on_quiet); }));
  CHECK_CODE(transfer.Publish(), Code::kTransferFailed);
  CHECK_EQ(ReadFile(taken), "a stranger's");
}

TEST(OneFailedFileKeepsAllFromBeingPublishedButNotFromBeingCopied) {
  World world(World::Files::kAll);
  struct : QuickOs {
    int Symlink(const char*, int, const char*) override { return -EPERM; }
  } os;
  const auto failures = FailuresOf(world, os, 2);
  REQUIRE(failures.size() == 1 && failures.contains("link"));
  CHECK_ERRNO(failures.at("link"), EPERM);
}

TEST(HolesStayHolesWhateverTheSizeOfTheFile) {
  World world(World::Files::kAll);
  QuickOs os;
  REQUIRE_OK(Live(world, os, 1, Ending::kPublish).failed);
  for (const char* name : {"tree/hole", "tree/sparse"}) {
    struct stat from, to;
    REQUIRE(stat(world.Source(name).c_str(), &from) == 0 && stat(world.Dest(name).c_str(), &to) == 0);
    if (from.st_blocks * 512 >= from.st_size) Skip("this file system keeps no holes");
    CHECK(to.st_blocks <= from.st_blocks);
  }
}

}  // namespace
}  // namespace axl::test
