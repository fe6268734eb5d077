// Resume: what is verified is kept, everything else is copied again, and a source that changed is not taken for the
// old.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>

#include "recording_os.h"
#include "world.h"

namespace axl::test {
namespace {

// Counts what is read of one source; reading it fails at an offset.
struct CountingOs : QuickOs {
  explicit CountingOs(const World& world, const char* name = "tree/chunks") : source(world.Source(name)) {}
  ssize_t Read(int fd, void* data, size_t n, off_t at) override {
    struct stat st, theirs;
    const bool of_source = stat(source.c_str(), &theirs) == 0 && fstat(fd, &st) == 0 && st.st_ino == theirs.st_ino &&
                           st.st_dev == theirs.st_dev;
    if (of_source && fail_at == static_cast<int64_t>(at)) return -EIO;
    const ssize_t got = to_.Read(fd, data, n, at);
    if (of_source && got > 0) read += static_cast<uint64_t>(got);
    return got;
  }
  const std::string source;
  int64_t fail_at = -1;
  std::atomic<uint64_t> read{0};
};

// A transfer that is done but for the last chunk of tree/chunks, which has three.
void LeaveLastChunk(World& world) {
  world.Reset();
  CountingOs os(world);
  os.fail_at = 2 * World::kChunk;
  REQUIRE_OK(Live(world, os, 1, Ending::kLeave).failed);
}

void CheckResumed(World& world, uint64_t bytes_read, const char* when) {
  CountingOs os(world);
  const Life life = LiveAgain(world, os, 2, Ending::kPublish);
  if (!life.published) Fail(__FILE__, __LINE__, std::string(when) + ": " + Show(life.failed));
  if (os.read != bytes_read)
    Fail(__FILE__, __LINE__, std::string(when) + ": read " + std::to_string(os.read) + " bytes of the source");
  CHECK_EQ(Difference(world.Now(), world.after()), "");
}

void Overwrite(const std::string& path, off_t at, const std::string& with) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  CHECK(pwrite(fd, with.data(), with.size(), at) == static_cast<ssize_t>(with.size()));
  close(fd);
}

constexpr uint64_t kFileSize = 2 * World::kChunk + 100;

TEST(AResumeReadsOnlyTheChunksThatAreMissing) {
  World world;
  LeaveLastChunk(world);
  CheckResumed(world, 100, "nothing happened");
}

TEST(AResumeInTheSameProcessReadsOnlyTheChunksThatAreMissing) {
  World world;
  CountingOs os(world);
  os.fail_at = 2 * World::kChunk;
  Engine engine(1);
  Transfer transfer(os, engine);
  REQUIRE_OK(transfer.Create(world.Options()));
  REQUIRE_OK(world.AddAll(transfer));
  REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer.Dispatch(on_quiet); }));
  CHECK_CODE(transfer.Publish(), Code::kTransferFailed);
  os.fail_at = -1;
  os.read = 0;
  REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer.Resume(on_quiet); }));
  CHECK_EQ(os.read.load(), 100u);
  CHECK_OK(transfer.Publish());
  CHECK_OK(transfer.Free());
  CHECK_EQ(Difference(world.Now(), world.after()), "");
}

TEST(AKeptChunkThatDoesNotSumUpIsCopiedAgain) {
  World world;
  LeaveLastChunk(world);
  Overwrite(world.TemporaryOf("tree/chunks"), World::kChunk + 5, "x");
  CheckResumed(world, World::kChunk + 100, "a chunk was overwritten");
}

// An error of write-back that nobody was told of comes with the first fsync of a descriptor that is new.
struct LateErrorOs : CountingOs {
  explicit LateErrorOs(const World& world) : CountingOs(world) {
    REQUIRE(stat(world.TemporaryOf("tree/chunks").c_str(), &temporary) == 0);
  }
  int Fsync(int fd) override {
    struct stat st;
    if (told || fstat(fd, &st) < 0 || st.st_ino != temporary.st_ino) return 0;
    told = true;
    return -EIO;
  }
  struct stat temporary;
  std::atomic<bool> told{false};
};

TEST(KeptChunksWhoseFsyncFailsAreCopiedAnew) {
  World world;
  LeaveLastChunk(world);
  LateErrorOs os(world);
  const Life life = LiveAgain(world, os, 1, Ending::kPublish);
  CHECK_OK(life.failed);
  CHECK(os.told && os.read == kFileSize);
  CHECK_EQ(Difference(world.Now(), world.after()), "");
}

TEST(ATemporaryFileThatIsNotOursAloneIsCopiedAnew) {
  World world;
  const auto tamper = [&](const char* what, const std::function<void(const std::string&)>& with) {
    LeaveLastChunk(world);
    with(world.TemporaryOf("tree/chunks"));
    CheckResumed(world, kFileSize, what);
  };
  tamper("removed", [](const std::string& path) { CHECK(unlink(path.c_str()) == 0); });
  tamper("cut", [](const std::string& path) { CHECK(truncate(path.c_str(), 0) == 0); });
  tamper("a link", [&](const std::string& path) {
    CHECK(unlink(path.c_str()) == 0);
    MakeLink(world.Source("new"), path);
  });
  tamper("of a second name", [&](const std::string& path) {
    const std::string second = world.states() + "/second";
    CHECK(link(path.c_str(), second.c_str()) == 0);
  });
  if (geteuid() == 0)
    tamper("another user's", [](const std::string& path) { CHECK(chown(path.c_str(), 65534, 65534) == 0); });
  CHECK_EQ(ReadFile(world.Source("new")), "the new contents");
}

TEST(ADoneFileThatIsLostIsCopiedAgain) {
  World world;
  LeaveLastChunk(world);
  for (const char* name : {"tree/small", "tree/link", "old"}) CHECK(unlink(world.TemporaryOf(name).c_str()) == 0);
  CheckResumed(world, 100, "three files were lost");
}

TEST(AFileThatIsNotDoneAnyMoreHasNoNewTemporaryFileBeforeThatIsDurable) {
  World world;
  LeaveLastChunk(world);
  CHECK(unlink(world.TemporaryOf("tree/small").c_str()) == 0);
  RecordingOs os(world.state_file());
  CHECK(LiveAgain(world, os, 1, Ending::kPublish).published);
  const size_t voided = os.Wrote(RecordType::kFailed);
  const size_t durable = os.Find("fsync", world.state_file(), voided);
  CHECK(durable < os.events.size() && os.Wrote(RecordType::kResumed) < durable);
  CHECK(os.Find("create", "small._AXL") > durable && os.Find("create", "small._AXL") < os.events.size());
}

// What a power cut does to a state file whose pages come to the disk as they like: the first records of progress are
// not there, what was appended later is.
void LoseFirstProgress(const World& world) {
  std::string bytes = ReadFile(world.state_file());
  Replay r;
  size_t sealed = 0;
  for (size_t n = kHeaderSize; !r.state.sealed; sealed = n++) {
    r = {};
    CHECK_OK(ReplayJournal(reinterpret_cast<const uint8_t*>(bytes.data()), n, &r));
  }
  bytes.replace(sealed, 20, std::string(20, '\0'));
  WriteFile(world.state_file(), bytes);
}

TEST(ATransferWhoseProgressIsLostIsCopiedAnew) {
  World world;
  LeaveLastChunk(world);
  LoseFirstProgress(world);
  CheckResumed(world, kFileSize, "its progress is lost");
}

TEST(ATransferWhoseProgressIsLostIsRolledBack) {
  World world;
  LeaveLastChunk(world);
  LoseFirstProgress(world);
  CheckPromise(world, false, "its progress is lost");
  CHECK_EQ(Difference(world.Now(), world.before()), "");
}

TEST(AResumeThatFailsCanBeTriedAgain) {
  World world;
  QuickOs quick;
  Sweep("error sweep, resume of lost files, twice", quick, Fault::kFail, ENOSPC, [&](FaultOs& os) {
    LeaveLastChunk(world);
    for (const char* name : {"tree/small", "old"}) CHECK(unlink(world.TemporaryOf(name).c_str()) == 0);
    {
      Engine engine(1);
      Transfer transfer(os, engine);
      Status s = transfer.Open(world.state_file());
      for (int attempt = 0; s.ok() && attempt < 2; attempt++)
        (void)AndWait([&](auto on_quiet) { return transfer.Resume(on_quiet); });
    }
    const Life life = LiveAgain(world, quick, 1, Ending::kPublish);
    if (!life.published) Fail(__FILE__, __LINE__, os.where() + ": " + Show(life.failed));
  });
}

TEST(HolesStayHolesAndStaleBytesDoNotShowThrough) {
  World world(World::Files::kAll);
  for (bool stale : {false, true}) {
    world.Reset();
    QuickOs quick;
    CountingOs os(world, "tree/sparse");
    os.fail_at = 4 * World::kChunk;  // where its data is
    REQUIRE_OK(Live(world, os, 1, Ending::kLeave).failed);
    const std::string temporary = world.TemporaryOf("tree/sparse");
    if (stale) Overwrite(temporary, World::kChunk + 7, std::string(2 * World::kChunk, 'x'));
    CHECK_OK(LiveAgain(world, quick, 2, Ending::kPublish).failed);
    CHECK_EQ(Difference(world.Now(), world.after()), "");
    struct stat st;
    REQUIRE(stat(world.Dest("tree/sparse").c_str(), &st) == 0);
    if (!stale) CHECK(st.st_blocks * 512 < st.st_size);
  }
}

Status FailureOf(const World& world, const std::string& dest) {
  Replay r;
  const std::string bytes = ReadFile(world.state_file());
  CHECK_OK(ReplayJournal(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), &r));
  for (size_t i = 0; i < r.state.files.size(); i++)
    if (r.state.files[i].dest == world.Dest(dest)) return r.state.progress[i].failure;
  return Status::Make(Code::kInvalidState, "no such file");
}

TEST(ASourceThatChangedSinceDispatchFailsItsFile) {
  World world;
  LeaveLastChunk(world);
  const struct timespec now[2] = {{0, UTIME_OMIT}, {1'500'000'000, 0}};
  CHECK(utimensat(AT_FDCWD, world.Source("tree/chunks").c_str(), now, 0) == 0);
  QuickOs os;
  CHECK_CODE(LiveAgain(world, os, 1, Ending::kPublish).failed, Code::kTransferFailed);
  CHECK_CODE(FailureOf(world, "tree/chunks"), Code::kSourceChanged);
  CheckPromise(world, false, "a source changed");
  CHECK_EQ(Difference(world.Now(), world.before()), "");
}

TEST(ASourceThatIsGoneFailsItsFile) {
  World world;
  LeaveLastChunk(world);
  CHECK(unlink(world.Source("tree/chunks").c_str()) == 0);
  QuickOs os;
  CHECK_CODE(LiveAgain(world, os, 1, Ending::kPublish).failed, Code::kTransferFailed);
  CHECK_ERRNO(FailureOf(world, "tree/chunks"), ENOENT);
  CheckPromise(world, false, "a source is gone");
}

TEST(ACommittedTransferNeedsItsSourcesNoMore) {
  World world;
  QuickOs os;
  CHECK_OK(Live(world, os, 1, Ending::kLeave).failed);
  std::filesystem::remove_all(world.Source("tree"));
  CHECK(LiveAgain(world, os, 1, Ending::kPublish).freed);
  CHECK_EQ(Difference(world.Now(), world.after()), "");
}

TEST(ATransferThatWasNeverDispatchedHasNothingToResume) {
  World world;
  {
    Engine engine(1);
    Transfer transfer(Os::Posix(), engine);
    REQUIRE_OK(transfer.Create(world.Options()));
  }
  Engine engine(1);
  Transfer transfer(Os::Posix(), engine);
  CHECK_CODE(transfer.Open(world.state_file()), Code::kInvalidState);
}

}  // namespace
}  // namespace axl::test
