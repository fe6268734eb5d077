// Tests of commit_files.h, and of what a plan makes of it.
#include "plan/commit_files.h"

#include "plan_fixture.h"

namespace axl::test {
namespace {

TEST(CommitFilesAreToldByTheNamesThatReadersLookFor) {
  const CommitFiles files;
  for (const char* name : {".metadata", "__0.metadata", "__.metadata", "commit_success.txt", "_CHECKPOINT_METADATA",
                           "model.safetensors.index.json", ".index.json", "summary.scr", "index.scr"}) {
    CHECK(files.PhaseOf(std::string("/d/") + name, PublishAs::kDefault) == Phase::kCommit);
    CHECK(files.PhaseOf(std::string("/d/") + name, PublishAs::kAsAdded) == Phase::kData);
    CHECK(files.PhaseOf(std::string("/d/") + name + "/x", PublishAs::kDefault) == Phase::kData);
  }
  for (const char* name : {"metadata", ".metadata2", "a.metadata", "_0.metadata", "commit_success.txt.bak",
                           "index.json", "a.index.jsonl", "scr", "a\nsummary.scr", "\xff.metadata"}) {
    CHECK(files.PhaseOf(std::string("/d/") + name, PublishAs::kDefault) == Phase::kData);
    CHECK(files.PhaseOf(std::string("/d/") + name, PublishAs::kLast) == Phase::kCommit);
  }
}

TEST(OwnPatternsReplaceTheListAndAreOfNamesAsTheyAre) {
  CommitFiles files;
  files.Replace({"DONE", "*.ok", "[ab]?", "\\*", "\xff*"});
  const auto is = [&](const char* path) { return files.PhaseOf(path, PublishAs::kDefault) == Phase::kCommit; };
  CHECK(is("/DONE") && is("/d/.ok") && is("/a1") && is("/*") && is("/\xff\xfe"));
  CHECK(!is("/.metadata") && !is("/done") && !is("/DONE/x") && !is("/c1") && !is("/x*"));
  CHECK_EQ(files.Unmatched().size(), 5u);
  files.Meet("/d/x.ok");
  files.Meet("/d/DONE");
  CHECK((files.Unmatched() == std::vector<std::string>{"[ab]?", "\\*", "\xff*"}));
  files.Replace({});
  CHECK(!is("/.metadata"));
  CHECK(CommitFiles().Unmatched().empty());
}

TEST(ADraftIsOneOfACommitFile) {
  CommitFiles files;
  CHECK(files.IsDraft("/d/.metadata.tmp") && files.IsDraft("/d/__12.metadata.tmp"));
  CHECK(!files.IsDraft("/d/a.tmp") && !files.IsDraft("/d/.metadata") && !files.IsDraft("/d/.tmp"));
  CHECK(!files.IsDraft("/d/.metadata.tmp.1") && !files.IsDraft("/.metadata.tmp/x"));
  files.Replace({"__*"});
  CHECK(!files.IsDraft("/d/.metadata.tmp") && files.IsDraft("/d/__12.metadata.tmp"));
}

TEST(FilesOfAPlanHaveThePhaseOfTheirFinalNameAndTreesNoDrafts) {
  PlanFixture f;
  WriteFile(f.src + "/t/.metadata", "m");
  WriteFile(f.src + "/t/.metadata.tmp", "d");
  CHECK_OK(f.Add(f.src + "/t", f.dst));
  CHECK_EQ(f.plan.counts().drafts, 1u);
  CHECK_OK(f.AddAs(f.src + "/t/.metadata.tmp", f.dst + "/matched"));
  CHECK_EQ(f.plan.counts().drafts, 2u);
  CHECK_OK(f.Add(f.src + "/t/.metadata.tmp", f.dst + "/named"));
  CHECK_OK(f.plan.Add({f.src + "/t", f.dst + "/all/"}, {.publish = PublishAs::kAsAdded}));
  CHECK_EQ(f.plan.counts().drafts, 2u);
  CHECK_OK(f.Add(f.src + "/a", f.dst + "/DONE/summary.scr"));
  std::vector<std::string> commit;
  for (size_t i = 0; i < f.plan.file_count(); i++)
    if (f.plan.file(i).phase == Phase::kCommit) commit.push_back(f.plan.file(i).dest.substr(f.dst.size()));
  CHECK((commit == std::vector<std::string>{"/t/.metadata", "/DONE/summary.scr"}));
}

TEST(APointerOrAManifestThatIsRefusedLeavesNothingInThePlan) {
  PlanFixture f;
  CHECK_OK(f.Add(f.src + "/t", f.dst));
  const PlanCounts before = f.plan.counts();
  const auto refused = [&](const std::string& path, Code code) {
    CHECK_CODE(f.plan.AddPointer(path, "t", false), code);
    CHECK(f.plan.counts() == before);
  };
  refused(f.dst + "/t", Code::kConflict);
  refused(f.dst + "/t/x", Code::kConflict);
  refused(f.dst + "/new/sub/", Code::kConflict);
  refused(f.dst + "/new/a._AXL0011223344556677", Code::kConflict);
  refused(f.src + "/a/under", Code::kIo);
  refused("relative", Code::kUnsafePath);
  CHECK_OK(f.plan.AddPointer(f.dst + "/latest", "t", true));
  CHECK_EQ(f.plan.contents().begin()->second, "t\n");
  CHECK_CODE(f.Add(f.src + "/a", f.dst + "/latest"), Code::kConflict);
  CHECK_CODE(f.plan.AddManifest(f.dst + "/t/sub", "m"), Code::kUnsafePath);
  CHECK_CODE(f.plan.AddManifest(f.dst + "/t/x", "m"), Code::kConflict);
  CHECK_CODE(f.plan.AddManifest(f.dst, "latest"), Code::kConflict);
  const size_t files = f.plan.file_count();
  CHECK_OK(f.plan.AddManifest("", "m"));
  CHECK_EQ(f.plan.file(files).dest, f.dst + "/t/m");
  CHECK(f.plan.file(files).phase == Phase::kCommit);
  f.plan.DropManifest();
  f.plan.DropManifest();
  CHECK_EQ(f.plan.file_count(), files);
  CHECK_OK(f.AddAs(f.src + "/a", f.dst + "/t/m"));
}

}  // namespace
}  // namespace axl::test
