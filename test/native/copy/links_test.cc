// Hard links: names of one file become names of one file again, published or rolled back with all of them.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "world.h"

namespace axl::test {
namespace {

struct stat StatAt(const std::string& path) {
  struct stat st {};
  REQUIRE(lstat(path.c_str(), &st) == 0);
  return st;
}

bool AreOne(const World& world) {
  const struct stat a = StatAt(world.Dest("tree/pair")), b = StatAt(world.Dest("tree/void/pair"));
  return a.st_ino == b.st_ino && a.st_nlink == 2;
}

struct NoLinksOf : QuickOs {
  int Link(int, const char*, int, const char*) override { return error; }
  int error = -EPERM;
};

TEST(WhereThereAreNoHardLinksEachNameIsCopied) {
  World world(World::Files::kLinked);
  for (const int err : {EPERM, EOPNOTSUPP, ENOSYS, EXDEV, EMLINK}) {
    world.Reset();
    NoLinksOf os;
    os.error = -err;
    CHECK(Live(world, os, 1, Ending::kPublish).freed);
    CHECK_EQ(Difference(world.Now(), world.after()), "");
    CHECK_EQ(StatAt(world.Dest("tree/void/pair")).st_nlink, 1u);
  }
}

TEST(ALinkThatFailsOtherwiseFailsItsTransfer) {
  World world(World::Files::kLinked);
  NoLinksOf os;
  os.error = -EIO;
  CHECK_CODE(Live(world, os, 1, Ending::kPublish).failed, Code::kTransferFailed);
  CheckPromise(world, false, "a link failed");
  CHECK_EQ(Difference(world.Now(), world.before()), "");
}

TEST(NamesOfWhichOneIsPublishedAreFoundAndPublishedByTheNext) {
  struct : QuickOs {
    int Rename(int dir, const char* from, int to_dir, const char* to) override {
      return ++renames == fail_at ? -EDQUOT : to_.Rename(dir, from, to_dir, to);
    }
    int renames = 0, fail_at = 0;
  } os;
  World world(World::Files::kLinked);
  for (int at = 1; at <= 9; at++) {
    LeaveComplete(world);
    os.renames = 0;
    os.fail_at = at;
    (void)Finalize(world, os);
    CheckPromise(world, true, "rename " + std::to_string(at) + " failed");
    CHECK(AreOne(world));
  }
}

// A rename that is link and unlink was killed in between: of one of the names, or of both.
TEST(NamesThatAreHalfRenamedAreOneFileWithAllOfThem) {
  World world(World::Files::kLinked);
  for (const auto& names :
       {std::vector<std::string>{"tree/pair"}, {"tree/void/pair"}, {"tree/pair", "tree/void/pair"}}) {
    LeaveComplete(world);
    for (const std::string& name : names) CHECK(link(world.TemporaryOf(name).c_str(), world.Dest(name).c_str()) == 0);
    CheckPromise(world, true, "half renamed: " + names.front());
    CHECK(AreOne(world));
  }
}

TEST(AnotherNameOfAFileWithHardLinksStopsEverything) {
  World world(World::Files::kLinked);
  LeaveComplete(world);
  const std::string other = world.root() + "/other";
  CHECK(link(world.TemporaryOf("tree/void/pair").c_str(), other.c_str()) == 0);
  const Tree before = world.Now();
  QuickOs os;
  CHECK_CODE(Finalize(world, os).at(0).status, Code::kVerify);
  CHECK_EQ(Difference(world.Now(), before), "");
  CHECK(unlink(other.c_str()) == 0);
  CheckPromise(world, true, "the name is gone");
}

TEST(AnotherNameThatAPublishedFileHasGotStopsNobody) {
  World world(World::Files::kLinked);
  LeaveComplete(world);
  for (const char* name : {"tree/pair", "tree/void/pair"})
    CHECK(rename(world.TemporaryOf(name).c_str(), world.Dest(name).c_str()) == 0);
  CHECK(link(world.Dest("tree/pair").c_str(), (world.root() + "/extra").c_str()) == 0);
  QuickOs quick;
  CHECK_EQ(Finalize(world, quick).at(0).action, Action::kPublished);
}

TEST(AnotherNameOfOneThatWasCopiedForWantOfALinkStopsEverything) {
  World world(World::Files::kLinked);
  NoLinksOf os;
  REQUIRE_OK(Live(world, os, 1, Ending::kLeave).failed);
  const std::string other = world.root() + "/other";
  for (const char* name : {"tree/pair", "tree/void/pair"}) {
    CHECK(link(world.TemporaryOf(name).c_str(), other.c_str()) == 0);
    CHECK_CODE(Finalize(world, os).at(0).status, Code::kVerify);
    CHECK(unlink(other.c_str()) == 0);
  }
  CHECK_EQ(Finalize(world, os).at(0).action, Action::kPublished);
}

TEST(AFileWithHardLinksIsRolledBackAlthoughADestinationHasItsContents) {
  World world(World::Files::kLinked);
  LeaveComplete(world);
  WriteFile(world.Dest("tree/pair"), "a pair");  // the same bytes: nobody has published them
  QuickOs os;
  Engine engine(1);
  CHECK_EQ(FinalizeBatch(os, engine, {world.state_file()}, {}, Decided::kIncomplete)[0].action, Action::kRolledBack);
  CHECK(World::TemporariesIn(world.Now()).empty());
}

TEST(ANameThatWasLostIsMadeAnewWithAllThatShareItsFile) {
  World world(World::Files::kLinked);
  for (const char* name : {"tree/pair", "tree/void/pair"}) {
    LeaveComplete(world);
    const std::string bytes = ReadFile(world.state_file());
    // Before SETTLED and CONFIRMED, which have no payload: the power went there.
    WriteFile(world.state_file(), bytes.substr(0, bytes.size() - 2 * kRecordOverhead));
    CHECK(unlink(world.TemporaryOf(name).c_str()) == 0);
    QuickOs os;
    CHECK(LiveAgain(world, os, 1, Ending::kPublish).freed);
    CHECK_EQ(Difference(world.Now(), world.after()), "");
    CHECK(AreOne(world));
  }
}

TEST(ANameThatIsToStayAsItIsKeepsItsFileAndTheOtherIsPublished) {
  World world(World::Files::kLinked);
  LeaveComplete(world);
  WriteFile(world.Dest("tree/void/pair"), "it came meanwhile");
  QuickOs os;
  const auto done = Finalize(world, os, {.publish = {.overwrite = Overwrite::kKeep, .keep = {}}});
  CHECK_EQ(done.at(0).action, Action::kPublished);
  CHECK_EQ(ReadFile(world.Dest("tree/void/pair")), "it came meanwhile");
  CHECK_EQ(StatAt(world.Dest("tree/pair")).st_nlink, 1u);
  CHECK(World::TemporariesIn(world.Now()).empty());
}

TEST(HardLinksAreFilesIfTheCallerSaysSoAndAnUnknownNameIsNoReasonForOne) {
  World world(World::Files::kLinked);
  QuickOs os;
  Engine engine(1);
  const auto transfer = std::make_shared<Transfer>(os, engine);
  TransferOptions options = world.Options();
  options.hard_links = false;
  REQUIRE_OK(transfer->Create(options));
  REQUIRE_OK(world.AddAll(*transfer));
  REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer->Dispatch(on_quiet); }));
  REQUIRE_OK(transfer->Publish());
  REQUIRE_OK(transfer->Free());
  CHECK_EQ(Difference(world.Now(), world.after()), "");
  CHECK_EQ(StatAt(world.Dest("tree/void/pair")).st_nlink, 1u);
  world.Reset();
  options.hard_links = true;
  const auto one = std::make_shared<Transfer>(os, engine);
  REQUIRE_OK(one->Create(options));
  REQUIRE_OK(one->Add({world.Source("tree/void/pair"), world.Dest("alone")}, PlanOptions{}));
  REQUIRE_OK(AndWait([&](auto on_quiet) { return one->Dispatch(on_quiet); }));
  REQUIRE_OK(one->Publish());
  REQUIRE_OK(one->Free());
  CHECK_EQ(StatAt(world.Dest("alone")).st_nlink, 1u);
}

}  // namespace
}  // namespace axl::test
