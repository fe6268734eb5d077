// A source tree, a destination and a plan; what the tests of plan.h share.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/names.h"
#include "plan/plan.h"
#include "test.h"

namespace axl::test {

struct PlanFixture {
  PlanFixture() {
    MakeDir(src);
    MakeDir(dst);
    WriteFile(src + "/a", "aaa");
    MakeDir(src + "/t");
    WriteFile(src + "/t/x", "x");
    MakeDir(src + "/t/sub");
    WriteFile(src + "/t/sub/y", "yy");
    MakeDir(src + "/t/empty");
    MakeLink("x", src + "/t/link");
  }
  Status Add(const std::string& source, const std::string& dest, Links links = Links::kDefault) {
    return plan.Add({source, dest}, {links});
  }
  Status AddAs(const std::string& source, const std::string& dest, Links links = Links::kDefault) {
    return plan.AddAs({source, dest}, {links});
  }
  Status AddEachAs(const std::vector<std::string>& pairs) { return plan.AddAs({pairs.begin(), pairs.end()}, {}); }
  // "d:" or "f:" or "l:" and the path below dir, sorted; a parent made on the way is "p:".
  std::vector<std::string> Names() {
    CHECK_OK(plan.Describe());
    std::vector<std::string> out;
    const auto below = [&](const std::string& p) { return IsWithin(p, dir.path()) ? p.substr(dir.path().size()) : p; };
    for (size_t i = 0; i < plan.file_count(); i++)
      out.push_back((plan.file(i).kind == FileKind::kSymlink ? "l:" : "f:") + below(plan.file(i).dest));
    for (size_t i = 0; i < plan.dir_count(); i++)
      out.push_back((plan.dir(i).described ? "d:" : "p:") + below(plan.dir(i).path));
    std::sort(out.begin(), out.end());
    return out;
  }
  // The add fails with `code`, and the plan stays as it was.
  const Status& Refused(Status given, Code code, const PlanCounts& before) {
    status = std::move(given);
    CHECK_CODE(status, code);
    CHECK(plan.counts() == before);
    CHECK_EQ(plan.file_count(), before.files);
    CHECK_EQ(plan.dir_count(), before.dirs);
    return status;
  }

  TempDir dir;
  const std::string src = dir / "src", dst = dir / "dst";
  Plan plan{Os::Posix()};
  Status status;  // what Refused returned last
};

// What is planned; see Names.
inline void CheckNames(PlanFixture& f, std::vector<std::string> expected) {
  std::sort(expected.begin(), expected.end());
  const auto names = f.Names();
  if (names == expected) return;
  CHECK_EQ(names.size(), expected.size());
  for (const auto& name : names) Fail(__FILE__, __LINE__, "planned " + name);
}

}  // namespace axl::test
