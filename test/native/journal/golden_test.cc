// The state files in test/fixtures/journal: what this program writes must be these bytes, and reading them must give
// what the table says. AXL_WRITE_FIXTURES=1 writes them anew; a change of one is a change of the format.
// The worked example of docs/state-format.md is one of them.
#include <cctype>
#include <cstdlib>
#include <sstream>

#include "base/names.h"
#include "journal/needs.h"
#include "state_bytes.h"
#include "test.h"

namespace axl::test {
namespace {

std::string Root() { return AXL_REPOSITORY; }

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
  w.Write(AnchorRecord{0, {"/", {.inode = 2}}});
  w.Sealed(2, 2, 9003, 1);
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
  w.Kept(0);
  return w;
}

// What only later releases write: each kind, phase and record that EveryRecord has not, and each part of an identity.
StateBytes LaterRecords() {
  StateBytes w;
  const Identity all{7, {1'700'000'000, 5}, {1'600'000'000, 6}, std::string("\x01handle")};
  w.Begun();
  FileEntry object = SampleFile(), hard = SampleFile("hard"), made = SampleFile("made", 0), latest = SampleFile("l", 1);
  object.dest = "s3://bucket/key";
  object.stood = Stood::kSomething;
  object.there = all;
  object.meta.xattrs.push_back({"system.posix_acl_access", "acl"});
  hard.kind = FileKind::kHardLink;
  made.kind = FileKind::kGenerated;
  made.phase = Phase::kCommit;
  made.source.clear();
  latest.kind = FileKind::kSymlink;
  latest.phase = Phase::kPointer;
  latest.source.clear();
  latest.link_target = "x";
  uint32_t id = 0;
  for (const FileEntry& file : {object, hard, made, latest}) w.File(id++, file);
  w.Write(ExpectRecord{0, 1});
  w.Write(ContentRecord{2, "so"});
  w.Sealed(4, 0, 11);
  w.Write(SubmittedRecord{{"rclone", "job 7", {0, 1}}});
  w.Write(StagedRecord{0, Step::kIntent, {}});
  w.Write(StagedRecord{0, Step::kBegun, {{"upload", "id"}}});
  w.Write(StagedRecord{0, Step::kStaged, {{"part 1", "etag"}}});
  w.Write(HeartbeatRecord{{1'700'000'002, 0}});
  w.Write(ContentRecord{2, "me"});
  for (uint32_t file = 0; file < 4; file++) w.Done(file, 20 + file, file == 2 ? 4 : file == 3 ? 1 : 5, 1, kLackable);
  w.Settled();
  w.Write(DirectionRecord{Direction::kForward});
  w.Write(ReplacesRecord{0, all});
  w.Write(RetireRecord{0, {"/d/old", all, 99, 0x9abcdef0, false}});
  for (Phase phase : {Phase::kData, Phase::kCommit, Phase::kPointer}) w.Write(PhaseRecord{phase});
  w.Write(RetiredRecord{0});
  w.Write(AdoptedRecord{all, {.inode = 15}});
  return w;
}

std::string Transfer(const std::string& backend) {
  StateBytes w;
  TransferInfo info = SampleInfo();
  info.backend = backend;
  w.Transfer(info);
  return w.File();
}

std::string PreRelease() {
  std::string header = JournalWriter::Header(kUuid).substr(0, kHeaderSize - 4);
  header[32] = 0;
  header += Put32(Crc32c(0, header.data(), header.size()));
  return header + StateBytes().Begun().bytes();
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
      {"pre-release", PreRelease(), Code::kStateVersion, false, Outcome::kNone},
      {"later-records", LaterRecords().File(), Code::kOk, false, Outcome::kNone},
      {"another-backend", Transfer("rabbit"), Code::kOk, false, Outcome::kNone},
      {"unknown-optional", begun.File() + RawRecord(0xff, 1, "?"), Code::kOk, false, Outcome::kNone},
      {"unknown-required", begun.File() + RawRecord(0x7f, 1, "?"), Code::kStateVersion, false, Outcome::kNone},
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

TEST(WhatThisReleaseDoesNotActOnIsReadAndLeftAlone) {
  Replay later, other, own;
  REQUIRE_OK(Read(LaterRecords().File(), &later));
  const TransferState& s = later.state;
  CHECK(s.files[2].size == 4 && s.contents.at(2) == "some" && s.expected.at(0) == 1u);
  CHECK(s.staged.at(0).step == Step::kStaged && s.staged.at(0).pairs.size() == 2 && s.submitted[0].token == "job 7");
  CHECK(s.phases == 3 && s.retire[0].retired && s.info.directory.inode == 15 && s.heartbeat.sec == 1'700'000'002);
  CHECK(*s.files[0].there->handle == "\x01handle" && s.replaces.at(0).front() == *s.files[0].there);
  CHECK_CODE(CheckNeeds(s), Code::kNotSupported);
  REQUIRE_OK(Read(Transfer("rabbit"), &other));
  CHECK_CODE(CheckNeeds(other.state), Code::kUnavailable);
  REQUIRE_OK(Read(EveryRecord().File(), &own));
  CHECK_OK(CheckNeeds(own.state));
}

TEST(AMoverThatNobodySpeaksForKeepsTheTransferUntilItIsSettled) {
  StateBytes w;
  w.Dispatched();
  w.Write(SubmittedRecord{{"threads", "", {}}});
  Replay threads, rclone, settled;
  REQUIRE_OK(Read(w.File(), &threads));
  CHECK_OK(CheckNeeds(threads.state));
  w.Write(SubmittedRecord{{"rclone", "7", {}}});
  REQUIRE_OK(Read(w.File(), &rclone));
  CHECK_CODE(CheckNeeds(rclone.state), Code::kUnavailable);
  CHECK_OK(CheckNeeds(rclone.state, {{"rclone", "7"}}));
  CHECK_CODE(CheckNeeds(rclone.state, {{"rclone", "7", true}}), Code::kStateLocked);
  CHECK_CODE(CheckNeeds(rclone.state, {{"rclone", "8"}, {"agent", "7"}}), Code::kUnavailable);
  w.WithDone(0).Settled();
  REQUIRE_OK(Read(w.File(), &settled));
  CHECK_OK(CheckNeeds(settled.state));
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
