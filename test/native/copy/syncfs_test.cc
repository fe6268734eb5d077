// One syncfs for a batch of files: it is asked once, on a descriptor of that batch alone, which was opened before the
// first temporary file; what it says is the lot of every file of the batch.
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "os/syncfs.h"
#include "world.h"

namespace axl::test {
namespace {

// The kernel's memory of lost writes, at its worst: whoever opens a descriptor later is not told, and each descriptor
// is told once. What is in the cache when the writes are lost never comes to the disk.
struct LosingOs : QuickOs {
  explicit LosingOs(uint64_t lose_at = UINT64_MAX) : at(lose_at) {}

  int Open(int dir, const char* path, int flags, mode_t mode) override {
    Count();
    const int fd = to_.Open(dir, path, flags, mode);
    const std::lock_guard lock(mutex);
    if (fd >= 0 && (flags & O_CREAT) != 0 && std::strstr(path, "._AXL") != nullptr) cached.insert(InodeOf(fd));
    temporary.notify_all();
    return fd;
  }
  int OpenNoLinks(int dir, const char* path, int flags) override {
    Count();
    const int fd = to_.OpenNoLinks(dir, path, flags);
    const std::lock_guard lock(mutex);
    if (fd >= 0 && (flags & O_PATH) == 0) seen[fd] = losses;
    return fd;
  }
  int Close(int fd) override {
    Count();
    return to_.Close(fd);
  }
  ssize_t Write(int fd, const void* data, size_t n, off_t offset) override {
    Count();
    return to_.Write(fd, data, n, offset);
  }
  int SetTimes(int fd, const struct timespec times[2]) override {
    Count();
    return to_.SetTimes(fd, times);
  }
  int Fsync(int fd) override {
    const std::lock_guard lock(mutex);
    fsyncs += IsTemporary(fd);
    return 0;
  }
  int Syncfs(int fd) override {
    Count();
    if (before_syncfs) before_syncfs();
    const std::lock_guard lock(mutex);
    syncfs.push_back(fd);
    CHECK(seen.contains(fd));
    const bool tells = seen[fd] != losses;
    seen[fd] = losses;
    if (!tells) cached.clear();
    return tells ? -EIO : 0;
  }
  bool SyncfsTells(int) override { return believed; }
  size_t SyncfsLeast() override { return least; }
  uint64_t DirtyBytes() override { return dirty; }

  void Count() {
    const std::lock_guard lock(mutex);
    if (++calls == at) Lose();
  }
  void Lose() {  // REQUIRES: mutex
    losses++;
    lost.insert(cached.begin(), cached.end());
    cached.clear();
  }
  static ino_t InodeOf(int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 ? st.st_ino : 0;
  }
  static bool IsTemporary(int fd) { return PathOf(fd).find("._AXL") != std::string::npos; }

  const uint64_t at;
  bool believed = true;
  size_t least = 2;
  uint64_t dirty = 0;
  std::function<void()> before_syncfs;

  std::mutex mutex;
  std::condition_variable temporary;
  uint64_t calls = 0;
  int losses = 0, fsyncs = 0;
  std::map<int, int> seen;       // by descriptor: the losses that it knows of
  std::set<ino_t> cached, lost;  // temporary files: not on the disk yet, and never
  std::vector<int> syncfs;       // on which descriptors
};

struct Copied {
  std::set<std::string> done;
  std::map<std::string, Status> failed;
};

// A transfer of so many files, copied and not published.
class Many {
 public:
  explicit Many(size_t files) {
    MakeDir(world_.Source("many"));
    for (size_t i = 0; i < files; i++) WriteFile(world_.Source("many/" + std::to_string(i)), std::string(i + 1, 'x'));
  }
  World& world() { return world_; }

  Copied Copy(Os& os, unsigned workers = 1) {
    world_.Reset();
    Engine engine(workers);
    Transfer transfer(os, engine);
    REQUIRE_OK(transfer.Create(world_.Options()));
    REQUIRE_OK(transfer.Add({world_.Source("many"), world_.Dest("many")}, PlanOptions{}));
    REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer.Dispatch(on_quiet); }));
    Copied copied = Look(transfer);
    engine.Stop();
    return copied;
  }

  static Copied Look(Transfer& transfer) {
    Copied copied;
    transfer.EachFile([&](const FileEntry& file, const FileProgress& progress) {
      if (progress.state == FileState::kDone) copied.done.insert(file.dest);
      if (progress.state == FileState::kFailed) copied.failed[file.dest] = progress.failure;
    });
    return copied;
  }

  // The files that are said to be DONE, and that the disk does not have.
  size_t Lied(const Copied& copied, const LosingOs& os) {
    size_t lies = 0;
    for (const auto& name : World::TemporariesIn(world_.Now())) {
      struct stat st;
      REQUIRE(stat(world_.Dest(name).c_str(), &st) == 0);
      const std::string dest = world_.Dest(name.substr(0, name.find("._AXL")));
      lies += os.lost.contains(st.st_ino) && copied.done.contains(dest);
    }
    return lies;
  }

 private:
  World world_;
};

TEST(OneSyncfsStandsForTheFsyncsOfABatch) {
  Many many(10);
  LosingOs os;
  const Copied copied = many.Copy(os);
  CHECK_EQ(copied.done.size(), 10u);
  CHECK_EQ(os.syncfs.size(), 1u);
  CHECK_EQ(os.fsyncs, 0);
}

TEST(WhereSyncfsIsNotToBeBelievedOrDoesNotPayEachFileHasItsFsync) {
  struct : LosingOs {
    int OpenNoLinks(int dir, const char* path, int flags) override {
      return (flags & O_PATH) == 0 && path[0] == '/' && unreadable ? -EACCES : LosingOs::OpenNoLinks(dir, path, flags);
    }
    bool unreadable = false;
  } os[5];
  os[0].believed = false;
  os[1].least = 11;
  os[2].dirty = (10 * 16 << 10) + 1;
  os[3].dirty = UINT64_MAX;
  os[4].unreadable = true;
  for (auto& each : os) {
    Many many(10);
    if (each.unreadable && many.Copy(each).done.empty()) continue;  // the barrier of directories is refused as well
    if (!each.unreadable) CHECK_EQ(many.Copy(each).done.size(), 10u);
    CHECK(each.syncfs.empty());
    CHECK_EQ(each.fsyncs, 10);
  }
}

TEST(AFailedSyncfsFailsEveryFileOfItsBatchForGoodAndIsNotAskedAgain) {
  Many many(10);
  struct : LosingOs {
    int Syncfs(int fd) override {
      const int result = LosingOs::Syncfs(fd);
      return syncfs.size() == 1 ? -ENOSPC : result;  // whoever asks again hears that all is well
    }
  } os;
  const Copied copied = many.Copy(os);
  CHECK(copied.done.empty());
  CHECK_EQ(os.syncfs.size(), 1u);
  REQUIRE(copied.failed.size() == 10);
  for (const auto& [dest, why] : copied.failed) {
    CHECK_ERRNO(why, ENOSPC);
    CHECK_EQ(why.call, "syncfs");
  }
}

TEST(AfterAFailedSyncfsAResumeCopiesTheFilesAgain) {
  Many many(10);
  struct : LosingOs {
    int Syncfs(int fd) override { return LosingOs::Syncfs(fd), syncfs.size() == 1 ? -EIO : 0; }
  } os;
  Engine engine(1);
  Transfer transfer(os, engine);
  REQUIRE_OK(transfer.Create(many.world().Options()));
  REQUIRE_OK(transfer.Add({many.world().Source("many"), many.world().Dest("many")}, PlanOptions{}));
  REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer.Dispatch(on_quiet); }));
  CHECK_EQ(Many::Look(transfer).failed.size(), 10u);
  const auto first = World::TemporariesIn(many.world().Now()).size();
  REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer.Resume(on_quiet); }));
  CHECK_EQ(Many::Look(transfer).done.size(), 10u);
  CHECK_EQ(os.syncfs.size(), 2u);
  CHECK_EQ(first, 10u);
  CHECK_OK(transfer.Publish());
}

TEST(WritesThatAreLostAtAnyCallOfABatchAreToldAlthoughSomebodyElseWasToldFirst) {
  Many many(5);
  uint64_t at = 1, told = 0;
  for (bool reached = true; reached && Failures() == 0; at++) {
    LosingOs os(at);
    const Copied copied = many.Copy(os);
    reached = os.losses > 0;
    CHECK_EQ(many.Lied(copied, os), 0u);
    told += !copied.failed.empty();
  }
  CHECK(told > 10);
}

TEST(AFileOnAnotherFileSystemThanItsBatchHasItsOwnFsync) {
  struct : LosingOs {  // directories called other are on another device
    int Fstat(int fd, struct stat* st) override {
      const int result = to_.Fstat(fd, st);
      if (PathOf(fd).ends_with("/other")) st->st_dev++;
      return result;
    }
  } os;
  Many many(10);
  MakeDir(many.world().Source("many/other"));
  for (const char* name : {"a", "b", "c"}) WriteFile(many.world().Source("many/other/") + name, name);
  CHECK_EQ(many.Copy(os).done.size(), 13u);
  CHECK_EQ(os.syncfs.size(), 1u);
  CHECK_EQ(os.fsyncs, 3);
}

// The first syncfs waits until the other batch has begun, so both are open when the writes of both are lost.
TEST(WritesThatAreLostWhileTwoBatchesAreInFlightAreToldToBoth) {
  Many many(200);
  LosingOs os;
  os.before_syncfs = [&] {
    std::unique_lock lock(os.mutex);
    CHECK(
        os.temporary.wait_for(lock, std::chrono::minutes(1), [&] { return os.cached.size() > 100 || os.losses > 0; }));
    if (os.losses == 0) os.Lose();
  };
  const Copied copied = many.Copy(os, 2);
  CHECK_EQ(many.Lied(copied, os), 0u);
  CHECK(os.lost.size() > 100);
  CHECK(copied.failed.size() >= os.lost.size());
}

TEST(OnlyAFileSystemWithAJournalAndAKernelThatTellsOfItMayBeAskedForAllAtOnce) {
  CHECK(SyncfsTells(Mount{"ext4", "rw,rw"}, "5.17.0", true));
  CHECK(SyncfsTells(Mount{"ext4", "rw,rw"}, "6.18.44-fc-v595", true));
  CHECK(SyncfsTells(Mount{"xfs", "rw,rw"}, "5.17.1-rc3", false));
  CHECK(!SyncfsTells(Mount{"xfs", "rw,relatime,rw,attr2,rtdev=/dev/sdb,noquota"}, "6.1.0", false));
  CHECK(!SyncfsTells(Mount{"ext4", "rw,rw"}, "6.1.0", false));
  CHECK(!SyncfsTells(Mount{"ext4", "rw,rw"}, "5.16.20", true));
  CHECK(!SyncfsTells(Mount{"xfs", "rw,rw"}, "4.18.0-553.el8", true));
  CHECK(!SyncfsTells(Mount{"xfs", "rw,rw"}, "", true));
  for (const char* type : {"ext2", "ext3", "btrfs", "nfs4", "lustre", "overlay", "fuse.sshfs", "tmpfs", ""})
    CHECK(!SyncfsTells(Mount{type, "rw,rw"}, "6.1.0", true));
}

TEST(WhatOthersHaveWrittenIsReadFromMeminfo) {
  CHECK_EQ(ParseDirty("MemTotal: 5 kB\nDirty:      12 kB\nWriteback:    3 kB\nWritebackTmp: 9 kB\n"), 15u << 10);
  CHECK_EQ(ParseDirty("Dirty: 12 kB\n"), UINT64_MAX);
  CHECK_EQ(ParseDirty(""), UINT64_MAX);
}

}  // namespace
}  // namespace axl::test
