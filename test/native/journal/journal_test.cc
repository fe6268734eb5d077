// One state file on the disk: made, locked, appended to, cut back, removed.
#include "journal/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "fault_os.h"
#include "forwarding_os.h"
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

TEST(RemoveLeavesAStrangerOfThatNameAlone) {
  Place place;
  const Owned j = place.Create();
  CHECK(remove(place.path.c_str()) == 0);
  CHECK_OK(j->Remove());  // gone is gone
  WriteFile(place.path, "another");
  CHECK_CODE(j->Remove(), Code::kVerify);
  CHECK_EQ(ReadFile(place.path), "another");
}

// ---- where flock does not work ----

struct LocklessOs : ForwardingOs {
  int Lock(int) override { return -ENOLCK; }
};

Status OpenWrittenBy(const TransferInfo& info, OpenOptions options = {}) {
  Place place;
  StateBytes w;
  w.Transfer(info);
  WriteFile(place.path, w.File());
  LocklessOs os;
  return place.Open(os, options);
}

TEST(WithoutLocksALivingWriterIsKnownByItsProcess) {
  LocklessOs os;
  Place place;
  const Owned j = place.Create(os);
  CHECK_CODE(place.Open(os), Code::kStateLocked);
  TransferInfo reused = j->state().info, rebooted = reused;
  reused.start_time++;
  rebooted.boot_id = "another";
  CHECK_OK(OpenWrittenBy(reused));
  CHECK_OK(OpenWrittenBy(rebooted));
}

TEST(WithoutLocksAWriterOfAnotherHostLivesUntilTheJobHasEnded) {
  CHECK_CODE(OpenWrittenBy(SampleInfo()), Code::kStateLocked);
  CHECK_OK(OpenWrittenBy(SampleInfo(), {.job_ended = true}));
}

}  // namespace
}  // namespace axl::test
