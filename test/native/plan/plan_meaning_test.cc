// Tests of meaning.h, and of what a plan makes of it: a path means what it says, also at its end.
#include "plan/meaning.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "plan/plan_fixture.h"

namespace axl::test {

TEST(TheEndOfAPathSaysWhatItIs) {
  const struct {
    const char *path, *tidy;
    bool directory, contents;
  } rows[] = {{"/a/b", "/a/b", false, false},
              {"/a//./b", "/a/b", false, false},
              {"/a/b/", "/a/b", true, false},
              {"/a/b//", "/a/b", true, false},
              {"/a/b/.", "/a/b", true, true},
              {"/a/b/./", "/a/b", true, true},
              {"/a/b/..", "/a/b/..", true, false},
              {"/a/../b", "/a/../b", false, false},
              {"/", "/", true, false},
              {"/.", "/", true, true},
              {"/a/b.", "/a/b.", false, false},
              {"/a/...", "/a/...", false, false}};
  for (const auto& row : rows) {
    const Meaning meaning = MeaningOf(row.path);
    CHECK_EQ(meaning.path, row.tidy);
    CHECK_EQ(meaning.directory, row.directory);
    CHECK_EQ(meaning.contents, row.contents);
  }
}

TEST(EverySourceGoesIntoADestinationWithASlash) {
  PlanFixture f;
  CHECK_OK(f.Add(f.src + "/a", f.dst + "/p/new/"));
  CHECK_OK(f.Add(f.src + "/t/empty", f.dst + "/p/new/"));
  CHECK_OK(f.Add(f.src + "/t/x", f.dst + "/."));
  CheckNames(f, {"p:/dst/p", "p:/dst/p/new", "f:/dst/p/new/a", "d:/dst/p/new/empty", "f:/dst/x"});
}

TEST(WhatIsAFileCannotBeGivenAsADirectory) {
  PlanFixture f;
  WriteFile(f.dst + "/file", "");
  MakeLink("file", f.dst + "/to-file");
  for (const char* end : {"/", "/."}) {
    CHECK_ERRNO(f.Refused(f.Add(f.src + "/a", f.dst + "/file" + end), Code::kIo, {}), ENOTDIR);
    CHECK_ERRNO(f.Refused(f.Add(f.src + "/a", f.dst + "/to-file" + end), Code::kIo, {}), ENOTDIR);
    CHECK_ERRNO(f.Refused(f.Add(f.src + "/a" + end, f.dst + "/new"), Code::kIo, {}), ENOTDIR);
  }
  CHECK_ERRNO(f.Refused(f.Add(f.src + "/a/..", f.dst + "/new"), Code::kIo, {}), ENOTDIR);
  CHECK_ERRNO(f.Refused(f.Add(f.src + "/a", f.dst + "/file/.."), Code::kIo, {}), ENOTDIR);
  CHECK_ERRNO(f.Refused(f.plan.Add({f.src + "/a", f.dst}, {.contents = true}), Code::kIo, {}), ENOTDIR);
  CHECK_ERRNO(f.Refused(f.Add(f.src + "/t/.", f.dst + "/file"), Code::kIo, {}), ENOTDIR);
}

TEST(APlannedFileIsNoDirectory) {
  PlanFixture f;
  CHECK_OK(f.Add(f.src + "/a", f.dst + "/b"));
  f.Refused(f.Add(f.src + "/t/x", f.dst + "/b/"), Code::kConflict, {1, 0, 3});
}

TEST(TheContentsOfADirectoryGoIntoTheDestination) {
  PlanFixture f;
  MakeDir(f.dst + "/there");
  CHECK_OK(f.Add(f.src + "/t/.", f.dst + "/new"));
  CHECK_OK(f.Add(f.src + "/t/sub/./", f.dst + "/there"));
  CHECK_OK(f.plan.Add({f.src + "/t/sub", f.dst + "/there/deep/"}, {.contents = true}));
  CheckNames(f, {"d:/dst/new", "f:/dst/new/x", "l:/dst/new/link", "d:/dst/new/sub", "f:/dst/new/sub/y",
                 "d:/dst/new/empty", "f:/dst/there/y", "d:/dst/there/deep", "f:/dst/there/deep/y"});
}

TEST(TheContentsOfTwoDirectoriesAreMerged) {
  PlanFixture f;
  MakeDir(f.src + "/u");
  MakeDir(f.src + "/u/sub");
  WriteFile(f.src + "/u/sub/z", "");
  CHECK_OK(f.Add(f.src + "/t/.", f.dst + "/new"));
  CHECK_OK(f.Add(f.src + "/u/.", f.dst + "/new"));
  CheckNames(f, {"d:/dst/new", "f:/dst/new/x", "l:/dst/new/link", "d:/dst/new/sub", "f:/dst/new/sub/y",
                 "f:/dst/new/sub/z", "d:/dst/new/empty"});
  f.Refused(f.Add(f.src + "/t/.", f.dst + "/new"), Code::kConflict, f.plan.counts());
}

TEST(ALinkWithASlashIsWhatItLeadsTo) {
  PlanFixture f;
  MakeLink("src/t/sub", f.dir / "way");
  MakeLink("src/a", f.dir / "to-a");
  for (const Links links : {Links::kCopy, Links::kSkip}) {
    PlanFixture g;
    MakeLink("src/t/sub", g.dir / "way");
    CHECK_OK(g.Add(g.dir / "way/", g.dst, links));
    CHECK_OK(g.Add(g.dir / "way/.", g.dst + "/contents", links));
    CheckNames(g, {"d:/dst/way", "f:/dst/way/y", "d:/dst/contents", "f:/dst/contents/y"});
  }
  CHECK_ERRNO(f.Refused(f.Add(f.dir / "to-a/", f.dst), Code::kIo, {}), ENOTDIR);
}

TEST(DotDotIsWhatTheKernelTakesItFor) {
  PlanFixture f;
  MakeDir(f.dir / "elsewhere");
  MakeDir(f.dir / "elsewhere/deep");
  WriteFile(f.dir / "elsewhere/a", "of the link");
  MakeLink("../elsewhere/deep", f.src + "/link");
  CHECK_OK(f.Add(f.src + "/link/../a", f.dst + "/one"));
  CHECK_OK(f.Add(f.src + "/a", f.src + "/link/../two"));
  CHECK_OK(f.Add(f.src + "/t/x", f.src + "/link/.."));
  CHECK_OK(f.Add(f.src + "/t/x", f.src + "/link/../new/"));
  CHECK_EQ(f.plan.file(0).size, 11);
  CheckNames(f, {"f:/dst/one", "f:/elsewhere/two", "f:/elsewhere/x", "p:/elsewhere/new", "f:/elsewhere/new/x"});
}

TEST(ALinkThatLeadsNowhereIsNamedAndNotTheNameBehindIt) {
  PlanFixture f;
  MakeLink("none", f.dst + "/last");
  MakeLink("last", f.dst + "/first");
  MakeLink("loop", f.dst + "/loop");
  for (const char* path : {"/first/b", "/first/p/q/b", "/first/", "/first/../b"}) {
    CHECK_ERRNO(f.Refused(f.Add(f.src + "/a", f.dst + path), Code::kIo, {}), ENOENT);
    CHECK_EQ(f.status.path, f.dst + "/last");
    CHECK(!f.status.detail.empty());
  }
  for (const char* path : {"/loop/b", "/loop/p/b", "/loop/", "/loop/.."}) {
    CHECK_ERRNO(f.Refused(f.Add(f.src + "/a", f.dst + path), Code::kIo, {}), ELOOP);
    CHECK_EQ(f.status.path, f.dst + "/loop");
  }
  CHECK_ERRNO(f.Refused(f.Add(f.dst + "/first/x", f.dst + "/b"), Code::kIo, {}), ENOENT);
  CHECK_EQ(f.status.path, f.dst + "/last");
  CHECK_ERRNO(f.Refused(f.Add(f.dst + "/loop", f.dst + "/b"), Code::kIo, {}), ELOOP);
  CHECK_ERRNO(f.Refused(f.AddAs(f.src + "/a", f.dst + "/first/b"), Code::kIo, {}), ENOENT);
}

TEST(ALinkAtAFinalNameIsReplacedAlsoWhereASecondCopyFindsIt) {
  PlanFixture f;
  MakeDir(f.dst + "/sub");
  MakeLink("sub", f.dst + "/link");
  MakeLink("sub", f.dst + "/a");
  CHECK_OK(f.AddAs(f.src + "/t/link", f.dst + "/link"));
  CHECK_OK(f.Add(f.src + "/a", f.dst));
  CheckNames(f, {"l:/dst/link", "f:/dst/a"});
}

TEST(APatternThatNoFileIsCalledLikeIsToldOf) {
  PlanFixture f;
  CHECK_ERRNO(f.Refused(f.Add(f.src + "/*", f.dst), Code::kIo, {}), ENOENT);
  CHECK(f.status.detail.find("addGlob") != std::string::npos);
  WriteFile(f.src + "/*", "");
  CHECK_OK(f.Add(f.src + "/*", f.dst));
}

}  // namespace axl::test
