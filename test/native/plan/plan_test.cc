// Tests of plan.h: AXL's rules for adding, links, conflicts.
#include "plan/plan.h"

#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "forwarding_os.h"
#include "plan/plan_fixture.h"

namespace axl::test {

using Fixture = PlanFixture;

TEST(AFileGoesToItsNewName) {
  Fixture f;
  CHECK_OK(f.Add(f.src + "/a", f.dst + "/b"));
  CheckNames(f, {"f:/dst/b"});
  CHECK((f.plan.counts() == PlanCounts{1, 0, 3}));
}

TEST(AFileGoesIntoAnExistingDirectory) {
  Fixture f;
  CHECK_OK(f.Add(f.src + "/a", f.dst));
  CheckNames(f, {"f:/dst/a"});
}

TEST(AFileGoesIntoAPlannedDirectory) {
  Fixture f;
  CHECK_OK(f.Add(f.src + "/t/empty", f.dst + "/new"));
  CHECK_OK(f.Add(f.src + "/a", f.dst + "/new"));
  CheckNames(f, {"d:/dst/new", "f:/dst/new/a"});
}

TEST(MissingParentsArePlannedParentsFirst) {
  Fixture f;
  CHECK_OK(f.Add(f.src + "/a", f.dst + "/p/q/r/a"));
  CheckNames(f, {"p:/dst/p", "p:/dst/p/q", "p:/dst/p/q/r", "f:/dst/p/q/r/a"});
  for (size_t i = 1; i < f.plan.dir_count(); i++) CHECK_EQ(ParentOf(f.plan.dir(i).path), f.plan.dir(i - 1).path);
}

TEST(ADirectoryBecomesItsNewName) {
  Fixture f;
  CHECK_OK(f.Add(f.src + "/t", f.dst + "/new"));
  CheckNames(
      f, {"d:/dst/new", "f:/dst/new/x", "l:/dst/new/link", "d:/dst/new/sub", "f:/dst/new/sub/y", "d:/dst/new/empty"});
  for (size_t i = 0; i < f.plan.dir_count(); i++)
    for (size_t j = i + 1; j < f.plan.dir_count(); j++) CHECK(!IsWithin(f.plan.dir(i).path, f.plan.dir(j).path));
}

TEST(ADirectoryGoesIntoAnExistingOneAndMergesBelow) {
  Fixture f;
  MakeDir(f.dst + "/t");
  MakeDir(f.dst + "/t/sub");
  WriteFile(f.dst + "/t/sub/y", "old");
  CHECK_OK(f.Add(f.src + "/t", f.dst));
  CheckNames(f, {"f:/dst/t/x", "l:/dst/t/link", "f:/dst/t/sub/y", "d:/dst/t/empty"});
}

TEST(DotsAndDoubleSlashesInsideAPathMeanNothing) {
  Fixture f;
  CHECK_OK(f.Add(f.src + "/./t//empty", f.dst + "//./new"));
  CHECK_OK(f.Add(f.dir / "src/../src/a", f.dst + "/../dst/b"));
  CheckNames(f, {"d:/dst/new", "f:/dst/b"});
  CHECK_EQ(f.plan.file(0).source, f.src + "/a");
}

TEST(RelativePathsNulAndDotDotBelowNothingAreUnsafe) {
  Fixture f;
  const std::string nul("/a\0b", 4);
  for (const std::string& bad : {std::string("src/a"), std::string(), nul}) {
    f.Refused(f.Add(bad, f.dst), Code::kUnsafePath, {});
    f.Refused(f.Add(f.src + "/a", bad), Code::kUnsafePath, {});
    f.Refused(f.AddAs(f.src + "/a", bad), Code::kUnsafePath, {});
  }
  f.Refused(f.Add(f.src + "/a", f.dst + "/none/../b"), Code::kUnsafePath, {});
  f.Refused(f.Add(f.src + "/a", f.dst + "/none/.."), Code::kUnsafePath, {});
}

TEST(DestinationThroughALinkIsPlannedWhereItReallyIs) {
  Fixture f;
  MakeLink("dst", f.dir / "way");
  CHECK_OK(f.Add(f.src + "/a", f.dir / "way"));
  CHECK_OK(f.Add(f.src + "/a", f.dir / "way/new/b"));
  CheckNames(f, {"f:/dst/a", "p:/dst/new", "f:/dst/new/b"});
}

TEST(ALinkAtTheFinalNameIsReplacedUnlessItLeadsToADirectory) {
  Fixture f;
  WriteFile(f.dir / "other", "");
  MakeLink("../other", f.dst + "/l");
  MakeLink("../none", f.dst + "/dangling");
  MakeDir(f.dst + "/d");
  MakeLink("d", f.dst + "/to-d");
  CHECK_OK(f.Add(f.src + "/a", f.dst + "/l"));
  CHECK_OK(f.Add(f.src + "/a", f.dst + "/dangling"));
  CHECK_OK(f.Add(f.src + "/a", f.dst + "/to-d"));
  CheckNames(f, {"f:/dst/l", "f:/dst/dangling", "f:/dst/d/a"});
}

TEST(ANamedLinkIsFollowedByDefault) {
  Fixture f;
  MakeLink("src/a", f.dir / "to-a");
  MakeLink("src/t", f.dir / "to-t");
  CHECK_OK(f.Add(f.dir / "to-a", f.dst));
  CHECK_OK(f.Add(f.dir / "to-t", f.dst));
  CheckNames(f, {"f:/dst/to-a", "d:/dst/to-t", "f:/dst/to-t/x", "l:/dst/to-t/link", "d:/dst/to-t/sub",
                 "f:/dst/to-t/sub/y", "d:/dst/to-t/empty"});
  CHECK_EQ(f.plan.file(0).source, f.dir / "to-a");
  CHECK_EQ(f.plan.file(0).size, 3);
}

TEST(LinksAreCopiedFollowedOrSkippedAsAsked) {
  Fixture f;
  MakeLink("src/a", f.dir / "to-a");
  CHECK_OK(f.Add(f.dir / "to-a", f.dst + "/copied", Links::kCopy));
  CHECK_OK(f.Add(f.dir / "to-a", f.dst + "/skipped", Links::kSkip));
  CHECK_OK(f.Add(f.src + "/t", f.dst + "/follow", Links::kFollow));
  CHECK_OK(f.Add(f.src + "/t", f.dst + "/skip", Links::kSkip));
  CheckNames(f, {"l:/dst/copied", "d:/dst/follow", "f:/dst/follow/x", "f:/dst/follow/link", "d:/dst/follow/sub",
                 "f:/dst/follow/sub/y", "d:/dst/follow/empty", "d:/dst/skip", "f:/dst/skip/x", "d:/dst/skip/sub",
                 "f:/dst/skip/sub/y", "d:/dst/skip/empty"});
}

TEST(ACopiedLinkCarriesItsTargetAndItsLength) {
  Fixture f;
  MakeLink("any where", f.dir / "l");
  CHECK_OK(f.Add(f.dir / "l", f.dst, Links::kCopy));
  CHECK_OK(f.plan.Describe());
  CHECK_EQ(f.plan.file(0).link_target, "any where");
  CHECK_EQ(f.plan.file(0).size, 9);
  CHECK((f.plan.counts() == PlanCounts{1, 0, 9}));
}

TEST(ADanglingLinkAndAFifoAreNotSupported) {
  Fixture f;
  MakeLink("none", f.dir / "dangling");
  REQUIRE(mkfifo((f.dir / "fifo").c_str(), 0600) == 0);
  f.Refused(f.Add(f.dir / "dangling", f.dst), Code::kNotSupported, {});
  f.Refused(f.Add(f.dir / "fifo", f.dst), Code::kNotSupported, {});
  f.Refused(f.Add("/dev/null", f.dst), Code::kNotSupported, {});
  REQUIRE(mkfifo((f.src + "/t/sub/fifo").c_str(), 0600) == 0);
  CHECK_EQ(f.Refused(f.Add(f.src + "/t", f.dst + "/n/m"), Code::kNotSupported, {}).path, f.src + "/t/sub/fifo");
  CHECK_OK(f.AddAs(f.dir / "dangling", f.dst + "/l"));
}

TEST(AMissingSourceIsNamed) {
  Fixture f;
  const Status status = f.Add(f.src + "/none", f.dst);
  CHECK_ERRNO(status, ENOENT);
  CHECK_EQ(status.path, f.src + "/none");
}

TEST(ACycleOfFollowedLinksIsELOOP) {
  Fixture f;
  MakeLink("..", f.src + "/t/sub/up");
  CHECK_ERRNO(f.Refused(f.Add(f.src + "/t", f.dst + "/n", Links::kFollow), Code::kIo, {}), ELOOP);
  CHECK_EQ(f.status.path, f.src + "/t/sub/up");  // found at once, not by the kernel after 40 rounds
  CHECK_OK(f.Add(f.src + "/t", f.dst + "/n"));
  MakeLink("self", f.src + "/self");
  CHECK_ERRNO(f.Add(f.src + "/self", f.dst), ELOOP);
}

TEST(TwoSourcesOfOneDestinationConflict) {
  Fixture f;
  CHECK_OK(f.Add(f.src + "/a", f.dst + "/b"));
  f.Refused(f.Add(f.src + "/t/x", f.dst + "/b"), Code::kConflict, {1, 0, 3});
  f.Refused(f.AddAs(f.src + "/t/x", f.dst + "/b"), Code::kConflict, {1, 0, 3});
  f.Refused(f.Add(f.src + "/t", f.dst + "/b"), Code::kConflict, {1, 0, 3});
  f.Refused(f.Add(f.src + "/a", f.dst + "/b/c/d"), Code::kConflict, {1, 0, 3});
  CHECK_OK(f.AddAs(f.src + "/t", f.dst + "/d"));
  f.Refused(f.AddAs(f.src + "/t/sub", f.dst + "/d"), Code::kConflict, {1, 1, 3});
  f.Refused(f.AddAs(f.src + "/a", f.dst + "/d"), Code::kConflict, {1, 1, 3});
}

TEST(AFileAndADirectoryOfOneNameConflict) {
  Fixture f;
  CHECK_OK(f.Add(f.src + "/a", f.dst + "/p/q"));
  f.Refused(f.AddAs(f.src + "/a", f.dst + "/p"), Code::kConflict, {1, 1, 3});
}

TEST(WhatIsOnTheDiskMustBeOfTheRightKind) {
  Fixture f;
  WriteFile(f.dst + "/file", "");
  MakeDir(f.dst + "/x");
  MakeDir(f.dst + "/a");
  CHECK_ERRNO(f.Refused(f.Add(f.src + "/t", f.dst + "/file"), Code::kIo, {}), ENOTDIR);
  CHECK_ERRNO(f.Refused(f.Add(f.src + "/a", f.dst + "/file/b"), Code::kIo, {}), ENOTDIR);
  CHECK_ERRNO(f.Refused(f.Add(f.src + "/a", f.dst), Code::kIo, {}), EISDIR);
  CHECK_ERRNO(f.Refused(f.AddAs(f.src + "/a", f.dst + "/a"), Code::kIo, {}), EISDIR);
  MakeDir(f.dst + "/t");
  MakeDir(f.dst + "/t/x");
  CHECK_ERRNO(f.Refused(f.Add(f.src + "/t", f.dst), Code::kIo, {}), EISDIR);
}

TEST(ATreeDoesNotGoThroughALinkInTheDestination) {
  Fixture f;
  MakeDir(f.dir / "outside");
  MakeDir(f.dst + "/t");
  MakeLink("../../outside", f.dst + "/t/sub");
  CHECK_ERRNO(f.Refused(f.Add(f.src + "/t", f.dst), Code::kIo, {}), ENOTDIR);
}

TEST(WhatATreeReplacesIsALinkAndNotWhereItLeads) {
  Fixture f;
  MakeDir(f.dst + "/t");
  MakeDir(f.dst + "/t/real");
  MakeLink("real", f.dst + "/t/x");
  MakeLink("real", f.dst + "/t/link");
  CHECK_OK(f.Add(f.src + "/t", f.dst));
  CheckNames(f, {"f:/dst/t/x", "l:/dst/t/link", "d:/dst/t/sub", "f:/dst/t/sub/y", "d:/dst/t/empty"});
}

TEST(ASourceIsNotItsOwnDestination) {
  Fixture f;
  f.Refused(f.Add(f.src + "/a", f.src + "/a"), Code::kConflict, {});
  f.Refused(f.Add(f.src + "/a", f.src), Code::kConflict, {});
  f.Refused(f.AddAs(f.src + "/t", f.src + "/t"), Code::kConflict, {});
  REQUIRE(link((f.src + "/a").c_str(), (f.dst + "/hard").c_str()) == 0);
  f.Refused(f.Add(f.src + "/a", f.dst + "/hard"), Code::kConflict, {});
  MakeLink("../src/a", f.dst + "/soft");
  f.Refused(f.Add(f.src + "/a", f.dst + "/soft"), Code::kConflict, {});
  f.Refused(f.Add(f.src + "/t", f.src), Code::kConflict, {});
}

TEST(ADestinationInsideItsSourceIsRefused) {
  Fixture f;
  f.Refused(f.Add(f.src + "/t", f.src + "/t"), Code::kConflict, {});
  f.Refused(f.Add(f.src + "/t", f.src + "/t/sub/new/deep"), Code::kConflict, {});
  MakeLink("src/t/sub", f.dir / "way");
  f.Refused(f.Add(f.src + "/t", f.dir / "way"), Code::kConflict, {});
  f.Refused(f.Add("/", f.dst), Code::kConflict, {});
  MakeLink("../../dst", f.src + "/t/back");
  f.Refused(f.Add(f.src + "/t", f.dst + "/n", Links::kFollow), Code::kConflict, {});
  CHECK_OK(f.Add(f.src + "/t", f.src + "/t2"));
}

TEST(AMatchGoesToExactlyItsFinalPath) {
  Fixture f;
  CHECK_OK(f.AddAs(f.src + "/t/sub/y", f.dst + "/t/sub/y"));
  CHECK_OK(f.AddAs(f.src + "/t/sub", f.dst + "/t/sub"));
  CHECK_OK(f.AddAs(f.src + "/t/link", f.dst + "/t/link"));
  CHECK_OK(f.AddAs(f.src + "/t/link", f.dst + "/t/file", Links::kFollow));
  CHECK_OK(f.AddAs(f.src + "/t", f.dst));
  CheckNames(f, {"p:/dst/t", "d:/dst/t/sub", "f:/dst/t/sub/y", "l:/dst/t/link", "f:/dst/t/file"});
}

TEST(NamesAreBytes) {
  Fixture f;
  const std::string odd = "new\nline \xff\x01\\";
  MakeDir(f.src + "/odd");
  WriteFile(f.src + "/odd/" + odd, "");
  CHECK_OK(f.Add(f.src + "/odd", f.dst + "/" + odd));
  CHECK_EQ(f.plan.file(0).dest, f.dst + "/" + odd + "/" + odd);
}

TEST(ANameOfNameMaxIsFineAndOneMoreIsTooLong) {
  Fixture f;
  CHECK_OK(f.Add(f.src + "/a", f.dst + "/" + std::string(255, 'n')));
  const std::string longer(256, 'n');
  CHECK_ERRNO(f.Refused(f.Add(f.src + "/a", f.dst + "/" + longer), Code::kIo, {1, 0, 3}), ENAMETOOLONG);
  CHECK_ERRNO(f.Refused(f.Add(f.src + "/a", f.dst + "/p/" + longer + "/b"), Code::kIo, {1, 0, 3}), ENAMETOOLONG);
}

// 251 on fuse-overlayfs, 143 on eCryptfs.
TEST(AFileOfWhichTheFileSystemCannotHoldTheTemporaryNameIsRefused) {
  class Short : public ForwardingOs {
    int Statfs(int fd, struct statfs* fs) override {
      const int r = to_.Statfs(fd, fs);
      fs->f_namelen = 143;
      return r;
    }
  } os;
  Fixture f;
  Plan plan(os);
  const auto add = [&](const std::string& dest) {
    const std::string source = f.src + "/a";
    return plan.Add({source, dest}, {});
  };
  const std::string fits(143 - 21, 'n'), directory(143, 'd');
  CHECK_OK(add(f.dst + "/" + fits));
  CHECK_OK(add(f.dst + "/" + directory + "/p/" + fits));
  for (const std::string& name : {"n" + fits, "p/n" + fits, "d" + directory + "/p"})
    CHECK_ERRNO(add(f.dst + "/" + name), ENAMETOOLONG);
  CHECK_EQ(plan.file_count(), 2);
}

TEST(APathWhoseTemporaryNameIsTooLongIsRefused) {
  Fixture f;
  std::string deep = f.dst;
  while (deep.size() < 4095 - 256) deep += "/" + std::string(200, 'd');
  const std::string fits(4095 - 21 - 1 - deep.size(), 'f');
  CHECK_OK(f.Add(f.src + "/a", deep + "/" + fits));
  const PlanCounts before = f.plan.counts();
  CHECK_ERRNO(f.Refused(f.Add(f.src + "/a", deep + "/g" + fits), Code::kIo, before), ENAMETOOLONG);
}

TEST(ADeepTreeCostsNeitherStackNorDescriptors) {
  Fixture f;
  std::string deep = f.src + "/deep";
  MakeDir(deep);
  const size_t levels = (4000 - deep.size()) / 2;
  for (size_t i = 0; i < levels; i++) MakeDir(deep += "/d");
  WriteFile(deep + "/f", "f");
  CHECK_OK(f.Add(f.src + "/deep", f.dst));
  CHECK_EQ(f.plan.counts().dirs, levels + 1);
  CHECK_EQ(f.plan.counts().files, 1);
}

TEST(AnUnreadableDirectoryIsNamed) {
  if (geteuid() == 0) Skip("root reads everything");
  Fixture f;
  REQUIRE(chmod((f.src + "/t/sub").c_str(), 0) == 0);
  const Status status = f.Refused(f.Add(f.src + "/t", f.dst), Code::kIo, {});
  CHECK_EQ(status.err, EACCES);
  CHECK_EQ(status.path, f.src + "/t/sub");
  REQUIRE(chmod((f.src + "/t/sub").c_str(), 0700) == 0);
}

TEST(AChildThatVanishesDuringTheWalkIsNamed) {
  class LateOs : public ForwardingOs {
   public:
    int List(int fd, std::vector<OsDirEntry>* out) override {
      const int result = to_.List(fd, out);
      out->push_back({"gone", 0});
      return result;
    }
  } os;
  Fixture f;
  Plan plan(os);
  const Status status = plan.Add({f.src + "/t/empty", f.dst}, {});
  CHECK_ERRNO(status, ENOENT);
  CHECK_EQ(status.path, f.src + "/t/empty/gone");
  CHECK((plan.counts() == PlanCounts{}));
}

TEST(ADirectoryThatBecomesALinkDuringTheWalkIsNotFollowed) {
  class SwapOs : public ForwardingOs {
   public:
    int Open(int dir, const char* path, int flags, mode_t mode) override {
      if (std::string_view(path).ends_with("/empty")) {
        REQUIRE(rmdir(path) == 0);
        MakeLink("..", path);
      }
      return to_.Open(dir, path, flags, mode);
    }
  } os;
  Fixture f;
  Plan plan(os);
  CHECK_ERRNO(plan.Add({f.src + "/t", f.dst}, {}), ENOTDIR);
}

struct Taken {
  explicit Taken(Plan& plan) {
    for (FileEntry file; plan.Take(&file);) files.push_back(std::move(file));
    for (DirEntry dir; plan.Take(&dir);) dirs.push_back(std::move(dir));
  }
  std::vector<FileEntry> files;
  std::vector<DirEntry> dirs;
};

TEST(WhatIsTakenAndClearedLeavesAnEmptyPlan) {
  Fixture f;
  CHECK_OK(f.Add(f.src + "/t", f.dst));
  const Taken taken(f.plan);
  f.plan.Clear();
  CHECK_EQ(taken.files.size(), 3);
  CHECK_EQ(taken.dirs.size(), 3);
  CHECK((f.plan.counts() == PlanCounts{}));
  CHECK_OK(f.Add(f.src + "/t", f.dst));
}

TEST(WhatIsGivenBackIsPlannedAsBefore) {
  Fixture f;
  CHECK_OK(f.Add(f.src + "/t", f.dst));
  const PlanCounts counts = f.plan.counts();
  Taken first(f.plan);
  const Taken copy = first;
  f.plan.Return(std::move(first.files), std::move(first.dirs));
  CHECK((f.plan.counts() == counts));
  CHECK_CODE(f.Add(f.src + "/t", f.dst), Code::kConflict);
  CHECK_OK(f.plan.Describe());
  const Taken again(f.plan);
  REQUIRE(again.files.size() == copy.files.size());
  for (size_t i = 0; i < copy.files.size(); i++) CHECK_EQ(again.files[i].dest, copy.files[i].dest);
  CHECK(again.dirs.size() == copy.dirs.size() && again.dirs[0].path == copy.dirs[0].path);
}

}  // namespace axl::test
