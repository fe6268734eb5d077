// The state files in test/fixtures/journal: what this program writes must be these bytes, and reading them must give
// what the table says. AXL_WRITE_FIXTURES=1 writes them anew; a change of one is a change of the format.
// The worked example of docs/state-format.md is one of them.
#include <cctype>
#include <cstdlib>
#include <sstream>

#include "base/names.h"
#include "state_bytes.h"
#include "test.h"

namespace axl::test {
namespace {

std::string Root() { return Join(ParentOf(__FILE__), "../../.."); }

struct Golden {
  const char* name;
  std::string bytes;
  Code code;
  bool torn;
  Outcome outcome;
};

std::string Example() {
  StateBytes w;
  w.Dispatched().WithDone(0).Settled();
  w.Confirmed();
  w.Final(Outcome::kPublished);
  return w.File();
}

StateBytes EveryRecord() {
  StateBytes w;
  TransferInfo info = SampleInfo();
  info.job.clear();
  info.local_rank = kNoLocalRank;
  info.all_ranks = true;
  w.Transfer(info);
  FileEntry link = SampleFile("link", 3);
  link.kind = FileKind::kSymlink;
  link.link_target = "a\nb";
  link.meta.xattrs.clear();
  DirEntry dir = SampleDir("/d/\xff");  // names are bytes
  dir.described = true;
  dir.meta = SampleFile().meta;
  w.File(0, SampleFile("large", 9000));
  w.File(1, link);
  w.Dir(0, SampleDir());
  w.Dir(1, dir);
  w.Sealed(2, 2, 9003);
  w.Renounced(0);
  w.Chunk(0, {1, 0x89abcdef});
  w.Failed(0, {Code::kIo, 28, "write", "/d/large._AXL0011223344554677", "", "the disk is full"});
  w.Canceled();
  w.Resumed();
  w.Done(0, 20, 9000, 0x01234567);
  w.Done(1, 21, 3, 0, kLacksOwner);
  w.Settled();
  w.Confirmed();
  w.Published(1);
  return w;
}

// What a power cut leaves while files are copied, if a page does not reach the disk that stands before another.
std::string LostProgress() {
  StateBytes before, behind;
  before.Dispatched(2);
  const std::string good = before.File();
  before.WithDone(0);
  behind = StateBytes(kUuid, before.sequence());
  behind.WithDone(1).Canceled();
  return good + std::string(before.File().size() - good.size(), '\0') + behind.bytes();
}

std::string Corrupt(std::string bytes) {
  bytes[bytes.size() / 2] ^= 0x10;
  return bytes;
}

std::string Version2() {
  std::string header = JournalWriter::Header(kUuid).substr(0, kHeaderSize - 4);
  header[8] = 2;
  header += Put32(Crc32c(0, header.data(), header.size()));
  return header + StateBytes().Dispatched().bytes();
}

std::vector<Golden> All() {
  StateBytes given_up;
  given_up.Committed();
  given_up.Final(Outcome::kRolledBack);
  const std::string every = EveryRecord().File();
  StateBytes begun;
  begun.Begun();
  return {
      {"example", Example(), Code::kOk, false, Outcome::kPublished},
      {"every-record", every, Code::kOk, false, Outcome::kNone},
      {"given-up", given_up.File(), Code::kOk, false, Outcome::kRolledBack},
      {"created", begun.File(), Code::kOk, false, Outcome::kNone},
      {"torn", every.substr(0, every.size() - 3), Code::kOk, true, Outcome::kNone},
      {"torn-before-sealed", begun.File() + std::string(40, '\0'), Code::kOk, true, Outcome::kNone},
      {"lost-progress", LostProgress(), Code::kOk, true, Outcome::kNone},
      {"corrupt", Corrupt(every), Code::kStateCorrupt, true, Outcome::kNone},
      {"short-header", every.substr(0, 40), Code::kStateCorrupt, false, Outcome::kNone},
      {"version-2", Version2(), Code::kStateVersion, false, Outcome::kNone},
  };
}

TEST(TheStateFilesOfTheFixturesAreWrittenByteForByte) {
  for (const Golden& golden : All()) {
    const std::string path = Root() + "/test/fixtures/journal/" + golden.name + ".axl";
    if (std::getenv("AXL_WRITE_FIXTURES") != nullptr) WriteFile(path, golden.bytes);
    if (ReadFile(path) != golden.bytes) Fail(__FILE__, __LINE__, std::string(golden.name) + " has other bytes");
  }
}

TEST(TheStateFilesOfTheFixturesAreReadAsTheyAre) {
  for (const Golden& golden : All()) {
    Replay r;
    const Status s = Read(ReadFile(Root() + "/test/fixtures/journal/" + golden.name + ".axl"), &r);
    if (s.code != golden.code || r.torn != golden.torn || r.state.outcome != golden.outcome)
      Fail(__FILE__, __LINE__, std::string(golden.name) + " is read as " + Show(s));
  }
}

// Lines `0040  3f 00 00 00  comment` of the page: their bytes, if each begins where the one before ended.
std::string BytesOfThePage() {
  std::istringstream page(ReadFile(Root() + "/docs/state-format.md"));
  std::string line, bytes;
  while (std::getline(page, line)) {
    if (line.size() < 8 || line.substr(4, 2) != "  " || line.find_first_not_of("0123456789abcdef") != 4) continue;
    CHECK_EQ(std::stoul(line.substr(0, 4), nullptr, 16), bytes.size());
    for (size_t at = 6; at + 1 < line.size() && std::isxdigit(line[at]) && std::isxdigit(line[at + 1]); at += 3)
      bytes.push_back(static_cast<char>(std::stoul(line.substr(at, 2), nullptr, 16)));
  }
  return bytes;
}

TEST(ThePageAndTheCodecAgree) {
  const std::string page = BytesOfThePage(), codec = Example();
  CHECK_EQ(page.size(), codec.size());
  for (size_t i = 0; i < page.size() && i < codec.size(); i++)
    if (page[i] != codec[i]) return Fail(__FILE__, __LINE__, "the page differs at byte " + std::to_string(i));
}

}  // namespace
}  // namespace axl::test
