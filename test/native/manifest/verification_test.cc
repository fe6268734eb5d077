// Tests of verification.h: the files of all manifests come once each, in their order, with the rows that were asked
// for.
#include "manifest/verification.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "test.h"

namespace axl::test {
namespace {

struct Checkpoint {
  // Files `0`, `1`, ... of one byte in a directory of this name, and their manifest.
  std::string Rank(const std::string& name, int files) {
    const std::string below = dir.path() + "/" + name;
    CHECK(mkdir(below.c_str(), 0700) == 0);
    std::string text = "# axl-manifest 1\n# files " + std::to_string(files) + "\n";
    for (int i = 0; i < files; i++) {
      WriteFile(below + "/" + std::to_string(i), "x");
      text += (i % 2 == 0 ? "# 1 0.000000000\n" : "") + ("CRC32C (" + std::to_string(i) + ") = ") + kCrc + "\n";
    }
    WriteFile(below + "/.axl-manifest.0", text);
    return below + "/.axl-manifest.0";
  }
  // All slices as one.
  Slice All(bool all_rows) {
    Slice sum;
    for (Slice one; (one = verification.Next(all_rows)).files > 0;) {
      sum.files += one.files;
      sum.bytes += one.bytes;
      sum.bytes_ok += one.bytes_ok;
      for (size_t i = 0; i < sum.counts.size(); i++) sum.counts[i] += one.counts[i];
      for (const Problem& problem : one.rows.problems)
        sum.rows.problems.push_back({sum.rows.crcs.size() + problem.index, problem.why});
      sum.rows.names += one.rows.names;
      sum.rows.crcs.insert(sum.rows.crcs.end(), one.rows.crcs.begin(), one.rows.crcs.end());
      sum.rows.verdicts.insert(sum.rows.verdicts.end(), one.rows.verdicts.begin(), one.rows.verdicts.end());
    }
    return sum;
  }
  std::string Ended(const std::string& name) const { return dir.path() + "/" + name + std::string(1, '\0'); }

  const std::string kCrc = "a93c5f93";  // of x
  TempDir dir;
  Engine engine;
  Verification verification{Os::Posix(), engine, 4};
};

}  // namespace

TEST(FilesOfAllManifestsComeInTheirOrderAndRowsOfThoseThatAreNotWell) {
  for (const bool all_rows : {false, true}) {
    Checkpoint c;
    const std::vector<std::string> paths = {c.Rank("a", 3), c.Rank("b", 0), c.Rank("c", 40)};
    WriteFile(c.dir / "a/1", "y");
    REQUIRE(unlink((c.dir / "c/38").c_str()) == 0);
    const std::vector<Summary> read = c.verification.Read(paths);
    CHECK_EQ(read.size(), 3u);
    CHECK_EQ(read[0].files + read[1].files + read[2].files, 43u);
    CHECK_EQ(read[0].bytes, 2u);
    const Slice all = c.All(all_rows);
    CHECK_EQ(all.files, 43u);
    CHECK_EQ(all.bytes, 22u);
    CHECK_EQ(all.bytes_ok, 21u);
    CHECK(all.counts == (std::array<uint64_t, 5>{41, 1, 1, 0, 0}));
    CHECK_EQ(all.rows.verdicts.size(), all_rows ? 43u : 2u);
    CHECK_EQ(all.rows.problems.size(), 2u);
    for (const Problem& problem : all.rows.problems) CHECK(all.rows.verdicts[problem.index] != FileVerdict::kOk);
    if (all_rows)
      CHECK(all.rows.names.starts_with(c.Ended("a/0") + c.Ended("a/1") + c.Ended("a/2") + c.Ended("c/0")));
    else
      CHECK(all.rows.names == c.Ended("a/1") + c.Ended("c/38"));
  }
}

TEST(AManifestThatCannotBeReadIsToldAndTheOthersCount) {
  Checkpoint c;
  const std::vector<Summary> read = c.verification.Read({c.dir / "none", c.Rank("a", 2)});
  CHECK_ERRNO(read[0].failure, ENOENT);
  CHECK_OK(read[1].failure);
  CHECK_EQ(c.All(false).counts[0], 2u);
}

TEST(WhatNoManifestNamesIsListed) {
  Checkpoint c;
  (void)c.verification.Read({c.Rank("a", 2), c.Rank("ab", 1)});
  WriteFile(c.dir / "a/2", "x");
  const Listing others = c.verification.ListOthers(c.dir / "a");
  CHECK(others.unreadable.empty());
  const std::vector<std::string> expected = {c.dir / "a/.axl-manifest.0", c.dir / "a/2"};
  CHECK_EQ(others.files.size(), 2u);
  for (const std::string& path : expected)
    CHECK(std::find(others.files.begin(), others.files.end(), path) != others.files.end());
}

TEST(AfterStopNothingIsReadAndNothingHasAVerdict) {
  Checkpoint c;
  const std::string one = c.Rank("a", 2), other = c.Rank("b", 2);
  (void)c.verification.Read({one});
  c.verification.Stop();
  CHECK(c.verification.Read({other})[0].failure.code == Code::kCanceled);
  CHECK_EQ(c.verification.Next(true).counts[static_cast<size_t>(FileVerdict::kUnchecked)], 2u);
}

}  // namespace axl::test
