// Tests of Plan::Describe: what the journal will say about each source.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "plan/plan_fixture.h"

namespace axl::test {

using Fixture = PlanFixture;

TEST(DescribeReadsWhatTheJournalNeeds) {
  Fixture f;
  REQUIRE(chmod((f.src + "/a").c_str(), 04751) == 0);
  REQUIRE(chmod((f.src + "/t/empty").c_str(), 01711) == 0);
  CHECK_OK(f.Add(f.src + "/a", f.dst));
  CHECK_OK(f.Add(f.src + "/t/empty", f.dst));
  WriteFile(f.src + "/a", "changed since");
  REQUIRE(chmod((f.src + "/a").c_str(), 04751) == 0);  // writing as a user clears setuid
  CHECK_OK(f.plan.Describe());
  struct stat st;
  REQUIRE(stat((f.src + "/a").c_str(), &st) == 0);
  const FileEntry& file = f.plan.file(0);
  CHECK_EQ(file.size, 13);
  CHECK_EQ(file.meta.mode, 04751);
  CHECK_EQ(file.meta.uid, geteuid());
  CHECK_EQ(file.source_inode, st.st_ino);
  CHECK_EQ(file.source_ctime.nsec, st.st_ctim.tv_nsec);
  CHECK_EQ(file.meta.mtime.sec, st.st_mtim.tv_sec);
  CHECK_EQ(f.plan.dir(0).meta.mode, 01711);
  CHECK((f.plan.counts() == PlanCounts{1, 1, 13}));
}

TEST(DescribeReadsXattrsOfFilesDirectoriesAndFollowedLinks) {
  Fixture f;
  if (setxattr((f.src + "/a").c_str(), "user.k", "v", 1, 0) != 0) Skip("no user xattrs here");
  REQUIRE(setxattr((f.src + "/t/empty").c_str(), "user.d", "w", 1, 0) == 0);
  MakeLink("a", f.src + "/to-a");
  CHECK_OK(f.Add(f.src + "/a", f.dst));
  CHECK_OK(f.Add(f.src + "/to-a", f.dst));
  CHECK_OK(f.Add(f.src + "/t/x", f.dst));
  CHECK_OK(f.Add(f.src + "/t/empty", f.dst));
  CHECK_OK(f.plan.Describe());
  const std::vector<Xattr> expected{{"user.k", "v"}};
  CHECK(f.plan.file(0).meta.xattrs == expected);
  CHECK(f.plan.file(1).meta.xattrs == expected);
  CHECK(f.plan.file(2).meta.xattrs.empty());
  CHECK((f.plan.dir(0).meta.xattrs == std::vector<Xattr>{{"user.d", "w"}}));
}

// In parts of 256, and the tenth file and the last are names of one.
TEST(ManyFilesAreDescribedOnSeveralThreadsAsOnOneAndTheFirstErrorIsThatOfTheFirstFile) {
  constexpr int kFiles = 900;
  Fixture f;
  Engine engine(4);
  const auto name = [&](int i) { return f.src + "/many/" + std::to_string(i); };
  MakeDir(f.src + "/many");
  for (int i = 0; i < kFiles - 1; i++) WriteFile(name(i), std::string(static_cast<size_t>(i), 'x'));
  REQUIRE(link(name(10).c_str(), name(kFiles - 1).c_str()) == 0);
  for (int i = 0; i < kFiles; i++) CHECK_OK(f.AddAs(name(i), f.dst + "/" + std::to_string(i)));
  CHECK_OK(f.plan.Describe(&engine));
  for (int i = 0; i < kFiles - 1; i++) {
    const FileEntry& file = f.plan.file(static_cast<size_t>(i));
    CHECK(file.kind == FileKind::kRegular && file.size == static_cast<uint64_t>(i) && file.source_inode != 0);
  }
  CHECK(f.plan.file(kFiles - 1).kind == FileKind::kHardLink);
  CHECK_EQ(f.plan.counts().bytes, uint64_t{kFiles - 1} * (kFiles - 2) / 2 + 10);
  for (int gone : {700, 300}) {
    REQUIRE(unlink(name(gone).c_str()) == 0);
    const Status status = f.plan.Describe(&engine);
    CHECK_ERRNO(status, ENOENT);
    CHECK_EQ(status.path, name(gone));
  }
}

TEST(DescribeSaysWhenASourceVanishedOrChangedItsKind) {
  Fixture f;
  CHECK_OK(f.Add(f.src + "/a", f.dst));
  REQUIRE(unlink((f.src + "/a").c_str()) == 0);
  const Status status = f.plan.Describe();
  CHECK_ERRNO(status, ENOENT);
  CHECK_EQ(status.path, f.src + "/a");
  MakeDir(f.src + "/a");
  CHECK_CODE(f.plan.Describe(), Code::kSourceChanged);
  REQUIRE(rmdir((f.src + "/a").c_str()) == 0);
  MakeLink("t/x", f.src + "/a");
  CHECK_CODE(f.plan.Describe(), Code::kSourceChanged);
  REQUIRE(unlink((f.src + "/a").c_str()) == 0);
  WriteFile(f.src + "/a", "back");
  CHECK_OK(f.plan.Describe());
}

TEST(AfterASyncOfTheSourceAStoreToAMappingShows) {
  Fixture f;
  const std::string mapped = f.src + "/mapped";
  const int fd = open(mapped.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  REQUIRE(fd >= 0 && ftruncate(fd, 1 << 16) == 0);
  char* const page = static_cast<char*>(mmap(nullptr, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  REQUIRE(page != MAP_FAILED);
  page[0] = 'A';  // the page is dirty, and its mapping may be written to without a fault
  CHECK_OK(f.plan.Add({mapped, f.dst}, {.sync_source = true}));
  const Status described = f.plan.Describe();
  usleep(20'000);  // the clock of times is coarse
  page[0] = 'B';
  struct stat st;
  CHECK(fstat(fd, &st) == 0);
  close(fd);
  munmap(page, 1 << 16);
  if (described.code == Code::kNotSupported) Skip("this is tmpfs");
  CHECK_OK(described);
  CHECK(f.plan.file(0).source_ctime.nsec != static_cast<uint32_t>(st.st_ctim.tv_nsec) ||
        f.plan.file(0).source_ctime.sec != st.st_ctim.tv_sec);
}

}  // namespace axl::test
