// One state file on the disk: made, locked, appended to, cut back, removed.
#include "journal/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "fault_os.h"
#include "forwarding_os.h"
#include "os/process.h"
#include "state_bytes.h"
#include "test.h"

namespace axl::test {
namespace {

using Owned = std::unique_ptr<Journal>;

struct Place {
  TempDir dir;
  std::string path = dir / "state";
  Owned Create(Os& os = Os::Posix()) {
    Owned j;
    REQUIRE_OK(Journal::Create(os, path, SampleInfo(), &j));
    return j;
  }
  Status Open(Os& os = Os::Posix(), OpenOptions options = {}) {
    Owned j;
    return Journal::Open(os, path, options, &j);
  }
  Replay Now() {
    Replay r;
    CHECK_OK(Read(ReadFile(path), &r));
    return r;
  }
};

TEST(ANewStateFileIsPrivateAndHoldsItsTransfer) {
  Place place;
  const Owned j = place.Create();
  struct stat st;
  REQUIRE(stat(place.path.c_str(), &st) == 0);
  CHECK_EQ(st.st_mode & 07777, 0600u);
  CHECK_EQ(List(place.dir.path()).size(), 1u);
  const Replay r = place.Now();
  CHECK(r.state.info.name == "ckpt" && r.state.info.pid == static_cast<uint32_t>(getpid()) && !r.state.sealed);
  CHECK(r.state.uuid == j->uuid());
}

TEST(TwoStateFilesHaveTwoIds) {
  Place a, b;
  CHECK(a.Create()->uuid() != b.Create()->uuid());
}

TEST(CreateNeverReplaces) {
  Place place;
  Owned j;
  for (int kind = 0; kind < 4; kind++) {
    if (kind == 0) WriteFile(place.path, "somebody's");
    if (kind == 1) MakeDir(place.path);
    if (kind == 2) MakeLink("nowhere", place.path);
    if (kind == 3) (void)place.Create();
    CHECK_CODE(Journal::Create(Os::Posix(), place.path, SampleInfo(), &j), Code::kStateExists);
    if (kind == 0) CHECK_EQ(ReadFile(place.path), "somebody's");
    CHECK_EQ(List(place.dir.path()).size(), 1u);
    CHECK(remove(place.path.c_str()) == 0);
  }
}

// Two creates at once: the file of that name appears between the first look and the rename.
TEST(OfTwoCreatesAtOnceOneFails) {
  struct LateOs : ForwardingOs {
    std::string path;
    int RenameNew(int dir, const char* from, const char* to) override {
      WriteFile(path, "the other's");
      return to_.RenameNew(dir, from, to);
    }
  } os;
  Place place;
  os.path = place.path;
  Owned j;
  CHECK_CODE(Journal::Create(os, place.path, SampleInfo(), &j), Code::kStateExists);
  CHECK_EQ(ReadFile(place.path), "the other's");
  CHECK_EQ(List(place.dir.path()).size(), 1u);
}

TEST(ACreateThatFailsLeavesNothing) {
  Sweep("error sweep, create", Os::Posix(), Fault::kFail, ENOSPC, [](FaultOs& os) {
    Place place;
    Owned j;
    const Status s = Journal::Create(os, place.path, SampleInfo(), &j);
    const size_t names = List(place.dir.path()).size();
    if (!s.ok()) CHECK_EQ(names, 0u);
    if (s.ok()) CHECK_EQ(names, 1u);
  });
}

TEST(ACreateThatIsKilledLeavesAWholeFileOrADraft) {
  Sweep("kill sweep, create", Os::Posix(), Fault::kKill, 0, [](FaultOs& os) {
    Place place;
    Owned j;
    (void)Journal::Create(os, place.path, SampleInfo(), &j);
    j.reset();
    if (Exists(place.path)) CHECK_OK(place.Open());
    for (const std::string& name : List(place.dir.path())) {
      if (name == "state") continue;
      CHECK(Journal::IsDraftName(name));
      CHECK_OK(Journal::RemoveDraft(Os::Posix(), place.dir / name));
    }
    CHECK(List(place.dir.path()).size() <= 1);
  });
}

TEST(ADraftThatIsBeingWrittenIsNotRemoved) {
  Place place;
  Owned j = place.Create();
  CHECK_CODE(Journal::RemoveDraft(Os::Posix(), place.path), Code::kStateLocked);
  j.reset();
  CHECK_OK(Journal::RemoveDraft(Os::Posix(), place.path));
}

TEST(OnlyTheNameOfADraftIsADraft) {
  CHECK(Journal::IsDraftName(".0123456789abcdef0123456789abcdef.new"));
  for (const char* name : {"0123456789abcdef0123456789abcdef.new", ".0123456789ABCDEF0123456789abcdef.new", ".new",
                           ".0123456789abcdef0123456789abcdef.net", ".0123456789abcdef0123456789abcdef0.new", "state"})
    CHECK(!Journal::IsDraftName(name));
}

TEST(AStateFileIsLockedUntilItsWriterLetsGo) {
  Place place;
  Owned j = place.Create();
  CHECK_CODE(place.Open(), Code::kStateLocked);
  j.reset();
  CHECK_OK(place.Open());
}

TEST(AStateFileThatIsNotOursToWriteIsRefused) {
  Place place;
  (void)place.Create();
  CHECK(link(place.path.c_str(), (place.dir / "second").c_str()) == 0);
  CHECK_CODE(place.Open(), Code::kUnsafePath);
  CHECK(rename((place.dir / "second").c_str(), (place.dir / "moved").c_str()) == 0);
  CHECK(remove(place.path.c_str()) == 0);
  MakeLink("moved", place.path);
  CHECK_CODE(place.Open(), Code::kUnsafePath);
  CHECK(remove(place.path.c_str()) == 0);
  CHECK(mkfifo(place.path.c_str(), 0600) == 0);
  CHECK_CODE(place.Open(), Code::kUnsafePath);
  CHECK(remove(place.path.c_str()) == 0);
  MakeDir(place.path);
  CHECK_CODE(place.Open(), Code::kUnsafePath);
}

TEST(AFifoInThePlaceOfAStateFileHoldsNobodyUp) {
  struct ReadOnlyOs : ForwardingOs {
    int Open(int dir, const char* path, int flags, mode_t mode) override {
      if ((flags & O_ACCMODE) == O_RDWR) return -EROFS;
      CHECK((flags & O_NONBLOCK) != 0);  // else it waits until somebody writes
      return to_.Open(dir, path, flags | O_NONBLOCK, mode);
    }
  } os;
  Place place;
  CHECK(mkfifo(place.path.c_str(), 0600) == 0);
  CHECK_CODE(place.Open(os), Code::kUnsafePath);
}

TEST(AStateFileOfAnotherUserIsRefused) {
  struct OtherOs : ForwardingOs {
    uid_t EffectiveUser() override { return geteuid() + 1; }
  } os;
  Place place;
  (void)place.Create();
  CHECK_CODE(place.Open(os), Code::kUnsafePath);
}

TEST(AnythingWithoutTheMagicIsNotRecognized) {
  Place place;
  for (const std::string& content : {std::string(),
                                     std::string("\x89"
                                                 "AXL"),
                                     std::string(100, 'x')}) {
    WriteFile(place.path, content);
    Owned j;
    CHECK_CODE(Journal::Open(Os::Posix(), place.path, {}, &j), Code::kStateCorrupt);
    CHECK(!j->recognized());
  }
}

TEST(AStateFileOverTheLimitIsCorruptAndNotRead) {
  Place place;
  (void)place.Create();
  CHECK(truncate(place.path.c_str(), static_cast<off_t>(kMaxJournal) + 1) == 0);
  CHECK_CODE(place.Open(), Code::kStateCorrupt);
}

// Whoever held the lock before us may have removed the file, or put another in its place.
TEST(AStateFileThatWentWhileWeWaitedForItsLockIsGone) {
  struct LateOs : ForwardingOs {
    std::string path;
    bool replace = false;
    int Lock(int fd) override {
      CHECK(remove(path.c_str()) == 0);
      if (replace) WriteFile(path, "another");
      return to_.Lock(fd);
    }
  } os;
  for (bool replace : {false, true}) {
    Place place;
    (void)place.Create();
    os.path = place.path;
    os.replace = replace;
    CHECK_ERRNO(place.Open(os), ENOENT);
  }
}

TEST(WhereInodeNumbersMeanNothingAStateFileIsKnownByItsHeader) {
  struct : ForwardingOs {
    int Stat(int dir, const char* path, struct stat* st, int flags) override {
      const int r = to_.Stat(dir, path, st, flags);
      st->st_ino = ++drawn;
      return r;
    }
    int Statfs(int fd, struct statfs* fs) override {
      const int r = to_.Statfs(fd, fs);
      fs->f_type = 0x65735546;  // FUSE
      return r;
    }
    ino_t drawn = 1u << 30;
  } os;
  Place place, other;
  const Owned j = place.Create(os), stranger = other.Create();
  REQUIRE(rename(place.path.c_str(), (place.path + ".was").c_str()) == 0);
  WriteFile(place.path, ReadFile(other.path));
  CHECK_CODE(j->Remove(), Code::kVerify);
  REQUIRE(rename((place.path + ".was").c_str(), place.path.c_str()) == 0);
  CHECK_OK(j->Remove());
  CHECK(!Exists(place.path));
}

TEST(RemoveLeavesAStrangerOfThatNameAlone) {
  Place place;
  const Owned j = place.Create();
  CHECK(remove(place.path.c_str()) == 0);
  CHECK_OK(j->Remove());  // gone is gone
  WriteFile(place.path, "another");
  CHECK_CODE(j->Remove(), Code::kVerify);
  CHECK_EQ(ReadFile(place.path), "another");
}

// ---- who is alive ----

struct LocklessOs : ForwardingOs {
  int Lock(int) override { return -ENOLCK; }
};

OpenOptions With(const Word& word) {
  OpenOptions options;
  options.word = &word;
  return options;
}

// A file that is no copy of another.
std::string WrittenBy(TransferInfo info) {
  info.self = {};
  StateBytes w;
  w.Transfer(info);
  return w.File();
}

Status OpenWrittenBy(const TransferInfo& info, OpenOptions options = {}) {
  Place place;
  WriteFile(place.path, WrittenBy(info));
  LocklessOs os;
  return place.Open(os, options);
}

TEST(WithoutLocksALivingWriterIsKnownByItsProcess) {
  LocklessOs os;
  Place place;
  const Owned j = place.Create(os);
  CHECK_CODE(place.Open(os), Code::kStateLocked);
  TransferInfo reused = j->state().info, other_boot = reused, other_namespace = reused;
  reused.start_time++;
  other_boot.boot_id = "another";
  other_namespace.pid_namespace++;
  CHECK_OK(OpenWrittenBy(reused));
  CHECK_CODE(OpenWrittenBy(other_boot), Code::kStateLocked);
  CHECK_CODE(OpenWrittenBy(other_namespace), Code::kStateLocked);
}

TEST(WithoutLocksAWriterOfAnotherHostMayLiveUntilTheCallerKnowsThatItIsDead) {
  const TransferInfo info = SampleInfo();
  const Word over{true, {}, {}}, down{false, {"x", info.host}, {}}, other_down{false, {"x"}, {}};
  CHECK_CODE(OpenWrittenBy(info), Code::kStateLocked);
  CHECK_CODE(OpenWrittenBy(info, With(other_down)), Code::kStateLocked);
  CHECK_OK(OpenWrittenBy(info, With(down)));
  CHECK_OK(OpenWrittenBy(info, With(over)));
}

TEST(EveryErrorOfFlockButABusyLockMeansThatThereAreNone) {
  for (int error : {ENOLCK, ENOSYS, EOPNOTSUPP, 524, EINVAL, EBADF, EIO}) CHECK(ToLocked(-error) == Locked::kNone);
  CHECK(ToLocked(-EWOULDBLOCK) == Locked::kHeld);
}

// A file system whose type is `magic`, and whose locks are granted, or held.
struct OtherFileSystem : ForwardingOs {
  explicit OtherFileSystem(long type, int locked = 0) : magic(type), lock(locked) {}
  int Lock(int) override { return lock; }
  int Statfs(int, struct statfs* fs) override {
    fs->f_type = magic;
    return 0;
  }
  long magic;
  int lock;
};

Status OpenOn(OtherFileSystem os, const TransferInfo& info, OpenOptions options = {}) {
  Place place;
  WriteFile(place.path, WrittenBy(info));
  return place.Open(os, options);
}

constexpr long kExt4 = 0xEF53, kCephfs = 0x00C36400, kCifs = 0xFF534D42;

TEST(ALockThatIsGrantedTellsOfAnotherHostOnlyWhereLocksReachIt) {
  TransferInfo info = SampleInfo();
  CHECK_CODE(OpenOn(OtherFileSystem(kCifs), info), Code::kStateLocked);
  CHECK_CODE(OpenOn(OtherFileSystem(kExt4), info), Code::kStateLocked);
  CHECK_OK(OpenOn(OtherFileSystem(kCephfs), info));
  info.host = HostName();  // booted since
  CHECK_OK(OpenOn(OtherFileSystem(kExt4), info));
  CHECK_CODE(OpenOn(OtherFileSystem(kCifs), info), Code::kStateLocked);
}

TEST(ALockThatADeadHostLeftBehindIsOverruledByTheCallersWord) {
  const TransferInfo info = SampleInfo();
  const Word over{true, {}, {}};
  const OpenOptions told = With(over);
  CHECK_CODE(OpenOn(OtherFileSystem(kCephfs, -EWOULDBLOCK), info), Code::kStateLocked);
  CHECK_OK(OpenOn(OtherFileSystem(kCephfs, -EWOULDBLOCK), info, told));
  CHECK_CODE(OpenOn(OtherFileSystem(kExt4, -EWOULDBLOCK), info, told), Code::kStateLocked);
}

}  // namespace
}  // namespace axl::test
