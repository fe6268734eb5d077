// A file of four names, some of which are DONE, or published, and others not: after a kill, a lost name, or while
// somebody gives one of them a name of his own.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/names.h"
#include "fault_os.h"
#include "world.h"

namespace axl::test {
namespace {

const std::vector<std::string> kFour = {"tree/one", "tree/three", "tree/two", "tree/void/four"};

struct stat StatOf(const std::string& path) {
  struct stat st {};
  REQUIRE(lstat(path.c_str(), &st) == 0);
  return st;
}

// A file system without times of birth.
struct BirthlessOs : QuickOs {
  int Look(int dir, const char* path, Seen* seen) override {
    const int r = to_.Look(dir, path, seen);
    seen->birth = {};
    return r;
  }
};

// The names of the four that are final.
std::vector<std::string> PublishedOf(const World& world) {
  std::vector<std::string> published;
  for (const std::string& name : kFour)
    if (Exists(world.Dest(name))) published.push_back(name);
  return published;
}

// Killed at every call of publishing; then somebody links a name of the four that is there, final or temporary.
void CheckAnotherName(World& world, Os& os) {
  int stuck = 0, published = 0;
  bool killed = true;
  for (uint64_t at = 1; killed; at++) {
    LeaveComplete(world);
    FaultOs dying(os, Fault::kKill, at);
    (void)Finalize(world, dying);
    killed = dying.hit();
    const auto final = PublishedOf(world);
    if (List(world.states()).empty()) break;
    const std::string other = world.root() + "/other";
    const std::string of = final.empty() ? world.TemporaryOf("tree/two") : world.Dest(final.back());
    REQUIRE(link(of.c_str(), other.c_str()) == 0);
    const Finalized done = Finalize(world, os).at(0);
    if (final.empty()) {
      CHECK_CODE(done.status, Code::kVerify);
      CHECK(unlink(other.c_str()) == 0);
      stuck++;
    } else {
      if (done.action != Action::kPublished) Fail(__FILE__, __LINE__, dying.where() + ": " + Show(done.status));
      CHECK_EQ(StatOf(other).st_nlink, 5u);
      CHECK(unlink(other.c_str()) == 0);
      published++;
    }
    CheckPromise(world, true, "another name, killed at " + dying.where());
  }
  std::printf("another name at every kill of a publish: %d refused, %d published\n", stuck, published);
  CHECK(stuck > 5 && published > 5);
}

TEST(OnceANameOfAFileIsFinalWhatOtherNamesItGetsStopsNobody) {
  World world(World::Files::kFour);
  QuickOs quick;
  BirthlessOs birthless;
  CheckAnotherName(world, quick);
  CheckAnotherName(world, birthless);
}

TEST(AFileThatIsHalfRenamedIsPublishedWhateverOtherNamesItHas) {
  World world(World::Files::kFour);
  QuickOs os;
  for (const char* name : {"tree/small", "tree/void/four"}) {
    LeaveComplete(world);
    CHECK(link(world.TemporaryOf(name).c_str(), world.Dest(name).c_str()) == 0);
    const std::string other = world.root() + "/other";
    CHECK(link(world.Dest(name).c_str(), other.c_str()) == 0);
    const Finalized done = Finalize(world, os).at(0);
    CHECK_OK(done.status);
    CHECK(unlink(other.c_str()) == 0);
    CheckPromise(world, true, name);
  }
}

// A second copy over names of one file: what the first has published.
void LeaveSecondCopy(World& world) {
  LeaveComplete(world);
  QuickOs quick;
  REQUIRE(Finalize(world, quick).at(0).action == Action::kPublished);
}

Status DispatchAgain(const World& world, Os& os) {
  Engine engine(1);
  const auto transfer = std::make_shared<Transfer>(os, engine);
  Status s = transfer->Create(world.Options());
  PlanOptions contents;
  contents.contents = true;
  if (s.ok()) s = transfer->Add({world.Source("tree"), world.Dest("tree")}, contents);
  if (s.ok()) s = AndWait([&](auto on_quiet) { return transfer->Dispatch(on_quiet); });
  return s;
}

// Killed at every call of publishing the second copy, and `meddle` with the destinations.
template <class Meddle, class Check>
int KillSecondCopy(World& world, Os& os, Meddle meddle, Check check) {
  int runs = 0;
  bool killed = true;
  for (uint64_t at = 1; killed; at++) {
    LeaveSecondCopy(world);
    const ino_t old = StatOf(world.Dest("tree/one")).st_ino;
    REQUIRE_OK(DispatchAgain(world, os));
    FaultOs dying(os, Fault::kKill, at);
    (void)Finalize(world, dying);
    killed = dying.hit();
    std::vector<std::string> old_names;
    for (const std::string& name : kFour)
      if (StatOf(world.Dest(name)).st_ino == old) old_names.push_back(name);
    if (List(world.states()).empty() || old_names.empty() || old_names.size() == kFour.size()) continue;
    meddle(old_names);
    check(Finalize(world, os).at(0), dying.where(), old_names);
    runs++;
  }
  return runs;
}

TEST(AnOwnRenameOverOneNameIsNoChangeOfTheFileThatItsOtherNamesHad) {
  World world(World::Files::kFour);
  BirthlessOs birthless;
  const int runs = KillSecondCopy(
      world, birthless, [](const auto&) {},
      [&](const Finalized& done, const std::string& where, const auto&) {
        if (done.action != Action::kPublished) Fail(__FILE__, __LINE__, where + ": " + Show(done.status));
        for (const std::string& name : kFour) CHECK_EQ(StatOf(world.Dest(name)).st_nlink, 4u);
        CHECK(World::TemporariesIn(world.Now()).empty());
      });
  std::printf("killed between renames over names of one file: %d published\n", runs);
  CHECK(runs >= 3);
}

TEST(WhatSomebodyElseHasWrittenMeanwhileIsNotReplacedAlthoughItHasTheInode) {
  World world(World::Files::kFour);
  BirthlessOs birthless;
  const int runs = KillSecondCopy(
      world, birthless, [&](const auto& names) { WriteFile(world.Dest(names.front()), "newer"); },
      [&](const Finalized& done, const std::string&, const auto& names) {
        CHECK_CODE(done.status, Code::kConflict);
        for (const std::string& name : names) CHECK_EQ(ReadFile(world.Dest(name)), "newer");
      });
  CHECK(runs >= 3);
}

TEST(WhatStandsAtAnotherNameThanTheFileDidIsNotReplaced) {
  World world(World::Files::kFour);
  BirthlessOs birthless;
  const std::string copy = world.root() + "/copy";
  const auto replace = [&](const auto& names) {
    WriteFile(copy, "of four names");
    const struct timespec times[2] = {{1, 0}, {1, 0}};
    CHECK(utimensat(AT_FDCWD, copy.c_str(), times, 0) == 0);
    CHECK(rename(copy.c_str(), world.Dest(names.back()).c_str()) == 0);
  };
  const int runs = KillSecondCopy(
      world, birthless, replace,
      [&](const Finalized& done, const std::string&, const auto&) { CHECK_CODE(done.status, Code::kConflict); });
  CHECK(runs >= 3);
}

// Before the first of the names is replaced, nothing of ours has changed the file.
TEST(AnotherCtimeAloneIsAChangeWhileNoNameOfTheFileIsReplaced) {
  World world(World::Files::kFour);
  BirthlessOs birthless;
  LeaveSecondCopy(world);
  REQUIRE_OK(DispatchAgain(world, birthless));
  CHECK(chmod(world.Dest("tree/two").c_str(), 0640) == 0);
  CHECK_CODE(Finalize(world, birthless).at(0).status, Code::kConflict);
}

// Reads of the file of four names.
struct LinkingOs : BirthlessOs {
  ssize_t Read(int fd, void* data, size_t n, off_t at) override {
    struct stat st;
    if (fstat(fd, &st) == 0 && st.st_ino == source) reads++;
    return to_.Read(fd, data, n, at);
  }
  int Look(int dir, const char* path, Seen* seen) override {
    return births ? QuickOs::Look(dir, path, seen) : BirthlessOs::Look(dir, path, seen);
  }
  bool births = true;
  ino_t source = 0;
  int reads = 0;
};

// Complete, but the power went before SETTLED.
void LeaveUnsettled(World& world) {
  LeaveComplete(world);
  const std::string bytes = ReadFile(world.state_file());
  WriteFile(world.state_file(), bytes.substr(0, bytes.size() - 2 * kRecordOverhead));
}

TEST(OfAFileOfFourNamesOnlyThoseThatAreLostAreMadeAnew) {
  World world(World::Files::kFour);
  for (const bool births : {true, false}) {
    for (unsigned lost = 1; lost < 16; lost++) {
      LeaveUnsettled(world);
      LinkingOs os;
      os.births = births;
      os.source = StatOf(world.Source("tree/one")).st_ino;
      ino_t kept = 0;
      for (unsigned i = 0; i < kFour.size(); i++) {
        const std::string temporary = world.TemporaryOf(kFour[i]);
        if ((lost >> i & 1) == 0)
          kept = StatOf(temporary).st_ino;
        else
          CHECK(unlink(temporary.c_str()) == 0);
      }
      const Life life = LiveAgain(world, os, 1, Ending::kPublish);
      if (!life.freed) Fail(__FILE__, __LINE__, "lost " + std::to_string(lost) + ": " + Show(life.failed));
      CHECK_EQ(Difference(world.Now(), world.after()), "");
      for (const std::string& name : kFour) CHECK_EQ(StatOf(world.Dest(name)).st_nlink, 4u);
      if (lost == 15) continue;
      CHECK_EQ(StatOf(world.Dest("tree/one")).st_ino, kept);
      CHECK_EQ(os.reads, 0);
    }
  }
}

TEST(KilledAtAnyCallOfAResumeThatLinksLostNamesATransferIsPublishedWholeOrNotAtAll) {
  World world(World::Files::kFour);
  QuickOs quick;
  BirthlessOs birthless;
  for (Os* to : {static_cast<Os*>(&quick), static_cast<Os*>(&birthless)}) {
    for (const unsigned lost : {1u, 6u, 14u}) {
      const std::string label = "kill sweep, resume of four names, lost " + std::to_string(lost);
      const uint64_t calls = Sweep(label, *to, Fault::kKill, 0, [&](FaultOs& os) {
        LeaveUnsettled(world);
        for (unsigned i = 0; i < kFour.size(); i++)
          if ((lost >> i & 1) != 0) CHECK(unlink(world.TemporaryOf(kFour[i]).c_str()) == 0);
        bool published = LiveAgain(world, os, 1, Ending::kPublish).published;
        if (!published && Exists(world.state_file())) {
          const Life life = LiveAgain(world, *to, 1, Ending::kPublish);
          if (!life.freed) Fail(__FILE__, __LINE__, label + ", " + os.where() + ": " + Show(life.failed));
          published = true;
        }
        CheckPromise(world, published, label + ", " + os.where());
      });
      CHECK(calls > 20);
    }
  }
}

// Goes on in what is at the temporary name, with other bytes first.
int MoveInPlace(const Transfer& transfer) {
  int moved = 0;
  transfer.EachPending([&](uint32_t, const FileEntry& file) {
    const std::string path = TemporaryPath(file.dest, transfer.uuid());
    WriteFile(path, "xx xxxx xxxxx");
    CHECK_EQ(StatOf(path).st_nlink, 1u);
    WriteFile(path, ReadFile(file.source));
    CHECK(chmod(path.c_str(), 0600) == 0);
    moved++;
  });
  return moved;
}

TEST(AMoverThatGoesOnInWhatIsThereNeverWritesIntoWhatIsDone) {
  World world(World::Files::kFour);
  QuickOs quick;
  int moved = 0;
  for (const std::string& lost : kFour) {
    Sweep("kill sweep, resume, then a mover", quick, Fault::kKill, 0, [&](FaultOs& os) {
      LeaveUnsettled(world);
      CHECK(unlink(world.TemporaryOf(lost).c_str()) == 0);
      (void)LiveAgain(world, os, 1, Ending::kLeave);
      Engine engine(1);
      const auto transfer = std::make_shared<Transfer>(quick, engine);
      REQUIRE_OK(transfer->Open(world.state_file()));
      REQUIRE_OK(transfer->Seal(true, true));
      moved += MoveInPlace(*transfer);
      REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer->Adopt({}, on_quiet); }));
      REQUIRE_OK(transfer->Publish());
      CHECK_OK(transfer->Free());
      CHECK_EQ(Difference(world.Now(), world.after()), "");
      for (const std::string& name : kFour) CHECK_EQ(StatOf(world.Dest(name)).st_nlink, 4u);
    });
  }
  CHECK(moved > 50);
}

TEST(ALostNameWhoseSourceIsAnotherFileByNowFailsAsItsCopyWould) {
  World world(World::Files::kFour);
  LeaveUnsettled(world);
  CHECK(unlink(world.TemporaryOf("tree/two").c_str()) == 0);
  CHECK(unlink(world.Source("tree/two").c_str()) == 0);
  WriteFile(world.Source("tree/two"), "another file!");
  QuickOs os;
  CHECK_CODE(LiveAgain(world, os, 1, Ending::kPublish).failed, Code::kTransferFailed);
  CheckPromise(world, false, "a source became another file");
  CHECK_EQ(Difference(world.Now(), world.before()), "");
}

// Links that some file systems make a few of, and then no more.
struct FewLinksOs : QuickOs {
  explicit FewLinksOs(int few) : left(few) {}
  int Link(int dir, const char* from, int to_dir, const char* to) override {
    return left-- > 0 ? to_.Link(dir, from, to_dir, to) : -EMLINK;
  }
  int left;
};

TEST(NamesForWhichThereAreNoMoreLinksAreCopiedAlsoByAResume) {
  World world(World::Files::kFour);
  for (int few = 0; few < 4; few++) {
    for (unsigned lost = 0; lost < 16; lost++) {
      world.Reset();
      FewLinksOs os(few);
      REQUIRE_OK(Live(world, os, 1, Ending::kLeave).failed);
      const std::string bytes = ReadFile(world.state_file());
      WriteFile(world.state_file(), bytes.substr(0, bytes.size() - 2 * kRecordOverhead));
      for (unsigned i = 0; i < kFour.size(); i++)
        if ((lost >> i & 1) != 0) CHECK(unlink(world.TemporaryOf(kFour[i]).c_str()) == 0);
      FewLinksOs again(few);
      const Life life = LiveAgain(world, again, 1, Ending::kPublish);
      if (!life.freed)
        Fail(__FILE__, __LINE__,
             std::to_string(few) + " links, lost " + std::to_string(lost) + ": " + Show(life.failed));
      CHECK_EQ(Difference(world.Now(), world.after()), "");
    }
  }
}

}  // namespace
}  // namespace axl::test
