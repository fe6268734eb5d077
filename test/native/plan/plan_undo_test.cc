// Tests of plan.h: a failed add leaves the plan as it was.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "plan/plan_fixture.h"

namespace axl::test {

using Fixture = PlanFixture;

TEST(AFailedAddLeavesNothingBehind) {
  Fixture f;
  CHECK_OK(f.Add(f.src + "/a", f.dst + "/p/q"));
  const PlanCounts before = f.plan.counts();
  REQUIRE(mkfifo((f.src + "/t/fifo").c_str(), 0600) == 0);
  f.Refused(f.Add(f.src + "/t", f.dst + "/n/m"), Code::kNotSupported, before);
  REQUIRE(unlink((f.src + "/t/fifo").c_str()) == 0);
  // Every name that the failed add took is free again.
  CHECK_OK(f.Add(f.src + "/a", f.dst + "/n"));
  CheckNames(f, {"p:/dst/p", "f:/dst/p/q", "f:/dst/n"});
}

TEST(AfterAFailedAddEachEntryHasItsOwnSource) {
  Fixture f;
  MakeLink("x", f.src + "/t/to-x");
  REQUIRE(mkfifo((f.src + "/t/fifo").c_str(), 0600) == 0);
  f.Refused(f.Add(f.src + "/t", f.dst + "/n"), Code::kNotSupported, {});
  CHECK_OK(f.Add(f.src + "/t/to-x", f.dst + "/p/x"));
  CHECK_OK(f.Add(f.src + "/t/empty", f.dst + "/n"));
  CheckNames(f, {"p:/dst/p", "f:/dst/p/x", "d:/dst/n"});
}

TEST(AFailedAddForgetsWhatItSawOnTheDisk) {
  Fixture f;
  MakeDir(f.dst + "/there");
  f.Refused(f.AddEachAs({f.src + "/a", f.dst + "/there/a", f.src + "/none", f.dst + "/b"}), Code::kIo, {});
  REQUIRE(rmdir((f.dst + "/there").c_str()) == 0);
  CHECK_OK(f.AddAs(f.src + "/a", f.dst + "/there/a"));
  CheckNames(f, {"p:/dst/there", "f:/dst/there/a"});
}

TEST(AFailedAddLeavesEarlierDescriptionsAlone) {
  Fixture f;
  CHECK_OK(f.AddAs(f.src + "/t/x", f.dst + "/t/x"));
  CHECK_OK(f.AddAs(f.src + "/t", f.dst + "/t"));
  CHECK_ERRNO(f.Add(f.src + "/none", f.dst), ENOENT);
  CheckNames(f, {"d:/dst/t", "f:/dst/t/x"});
}

TEST(AFailedAddLeavesParentsUndescribed) {
  Fixture f;
  CHECK_OK(f.AddAs(f.src + "/a", f.dst + "/t/x"));
  f.Refused(f.Add(f.src + "/t", f.dst), Code::kConflict, {1, 1, 3});  // two files for /dst/t/x
  CheckNames(f, {"p:/dst/t", "f:/dst/t/x"});
}

TEST(ManyMatchesAreAddedAllOrNone) {
  Fixture f;
  const std::vector<std::string> good{f.src + "/a", f.dst + "/p/a", f.src + "/t/x", f.dst + "/p/x"};
  std::vector<std::string> bad = good;
  bad.insert(bad.end(), {f.src + "/none", f.dst + "/p/none"});
  CHECK_ERRNO(f.Refused(f.AddEachAs(bad), Code::kIo, {}), ENOENT);
  CHECK_OK(f.AddEachAs(good));
  CheckNames(f, {"p:/dst/p", "f:/dst/p/a", "f:/dst/p/x"});
}

}  // namespace axl::test
