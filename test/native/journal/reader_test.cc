// The rules of docs/state-format.md: what is good, what is torn, and that whatever else is said is corrupt.
#include "journal/reader.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <map>

#include "state_bytes.h"
#include "test.h"

namespace axl::test {
namespace {

Status Full() { return Status::Errno(28, "write", "/d/b", "/d/c"); }

// Every type of record, in an order that a transfer of two files can come to.
StateBytes OneOfEach() {
  StateBytes w;
  w.Dispatched(2);
  w.Renounced(0);
  w.Chunk(0, {0, 0xabcd});
  w.WithDone(0);
  w.Failed(1, Full());
  w.Canceled();
  w.Resumed();
  w.WithDone(1);
  w.Settled();
  w.Confirmed();
  w.Published(0);
  w.Final(Outcome::kPublished);
  return w;
}

TEST(AStateFileIsReadAsItWasWritten) {
  Replay r;
  const std::string file = OneOfEach().File();
  REQUIRE_OK(Read(file, &r));
  CHECK(!r.torn);
  CHECK_EQ(r.valid_bytes, file.size());
  const TransferState& s = r.state;
  CHECK(s.uuid == kUuid);
  CHECK_EQ(s.info.name, "ckpt");
  CHECK_EQ(s.info.host, "n1");
  CHECK_EQ(s.info.pid, 7u);
  CHECK_EQ(s.info.start_time, 9u);
  REQUIRE(s.files.size() == 2 && s.dirs.size() == 1);
  const FileEntry want = SampleFile("b"), &got = s.files[1];
  CHECK(got.source == want.source && got.dest == want.dest && got.size == want.size && got.meta == want.meta);
  CHECK(got.source_inode == want.source_inode && got.source_ctime == want.source_ctime);
  CHECK(s.sealed && s.settled && !s.canceled && s.AllDone() && s.renounced[0]);
  CHECK(s.progress[0].published && !s.progress[1].published);
  CHECK_EQ(s.progress[1].temporary.inode, 21u);
  CHECK(s.progress[0].chunks.empty());
  CHECK(s.outcome == Outcome::kPublished);
}

// `file`, then zeros up to `size`, with `last` at the end.
class Sparse : public JournalSource {
 public:
  Sparse(std::string file, uint64_t size, std::string last = "")
      : file_(std::move(file)), size_(size), last_(std::move(last)) {}
  ssize_t Read(void* data, size_t n, uint64_t at) override {
    n = std::min<uint64_t>(n, size_ - at);
    most = std::max(most, n);
    read += n;
    std::string bytes(n, '\0');
    const auto put = [&](const std::string& text, uint64_t where) {
      for (uint64_t i = std::max(at, where); i < std::min(at + n, where + text.size()); i++)
        bytes[i - at] = text[i - where];
    };
    put(file_, 0);
    put(last_, size_ - last_.size());
    std::copy(bytes.begin(), bytes.end(), static_cast<char*>(data));
    return static_cast<ssize_t>(n);
  }
  uint64_t SkipHole(uint64_t at) override {
    const uint64_t end = size_ - last_.size();
    return skips && at >= file_.size() && at < end ? end : at;
  }
  bool skips = true;
  size_t most = 0;
  uint64_t read = 0;

 private:
  const std::string file_;
  const uint64_t size_;
  const std::string last_;
};

TEST(AHoleIsATornTailOfWhichNothingIsRead) {
  constexpr uint64_t kLarge = 200 << 20;
  StateBytes w;
  w.Dispatched();
  const std::string file = w.File();
  Sparse sparse(file, kLarge);
  Replay r;
  std::vector<uint8_t> valid;
  REQUIRE_OK(ReplayJournal(sparse, kLarge, &r, &valid));
  CHECK(r.torn && r.state.sealed);
  CHECK_EQ(r.valid_bytes, file.size());
  CHECK(std::string(valid.begin(), valid.end()) == file);
  CHECK(sparse.most <= 4 << 20);
  CHECK(sparse.read <= 8 << 20);
}

TEST(ARecordBehindAHoleCountsWhetherOrNotTheHoleIsSeen) {
  constexpr uint64_t kLarge = 20 << 20;
  StateBytes w;
  w.Dispatched();
  const std::string record = RawRecord(static_cast<uint8_t>(RecordType::kSettled), 9, "");
  const std::string progress = RawRecord(static_cast<uint8_t>(RecordType::kCanceled), 9, "");
  for (const bool skips : {true, false}) {
    for (const size_t tail : {size_t{0}, size_t{7}}) {
      Sparse sparse(w.File(), kLarge, record + std::string(tail, '\0'));
      sparse.skips = skips;
      Replay r;
      CHECK_CODE(ReplayJournal(sparse, kLarge, &r), Code::kStateCorrupt);
      CHECK(sparse.most <= 4 << 20);
    }
    Sparse copying(w.File(), kLarge, progress);
    copying.skips = skips;
    Replay r;
    CHECK_OK(ReplayJournal(copying, kLarge, &r));
    CHECK(r.torn);
  }
}

TEST(ARecordThatCrossesTheEndOfAPieceIsRead) {
  StateBytes w;
  w.Begun();
  FileEntry file = SampleFile();
  file.meta.xattrs = {{"user.large", std::string(900 << 10, 'x')}};
  for (uint32_t id = 0; id < 12; id++) {
    file.dest = "/d/" + std::to_string(id);
    w.File(id, file);
  }
  const std::string bytes = w.File();
  Sparse source(bytes, bytes.size());
  Replay r;
  CHECK_OK(ReplayJournal(source, bytes.size(), &r));
  CHECK_EQ(r.state.files.size(), 12u);
  CHECK_EQ(r.valid_bytes, bytes.size());
}

TEST(BytesThatCannotBeReadAreNoTornTail) {
  struct Failing : Sparse {
    using Sparse::Sparse;
    ssize_t Read(void* data, size_t n, uint64_t at) override { return at > 0 ? -EIO : Sparse::Read(data, n, at); }
  } source(OneOfEach().File(), 20 << 20);
  source.skips = false;
  Replay r;
  CHECK_ERRNO(ReplayJournal(source, 20 << 20, &r), EIO);
}

TEST(AFailureIsReadWithEverythingThatWasKnown) {
  StateBytes w;
  w.Dispatched();
  Status failure = Full();
  failure.detail = "why";
  w.Failed(0, failure);
  w.Canceled();
  Replay r;
  REQUIRE_OK(Read(w.File(), &r));
  const Status& got = r.state.progress[0].failure;
  CHECK_ERRNO(got, 28);
  CHECK(got.call == "write" && got.path == "/d/b" && got.dest == "/d/c" && got.detail == "why");
  CHECK(r.state.canceled && r.state.progress[0].state == FileState::kFailed);
}

TEST(ChunksOfAFileWhoseFsyncFailedAreVoid) {
  for (const char* call : {"write", "fsync", "close"}) {
    StateBytes w;
    w.Dispatched();
    w.Chunk(0, {0, 1});
    w.Failed(0, Status::Errno(5, call, "/d/a"));
    w.Resumed();
    Replay r;
    REQUIRE_OK(Read(w.File(), &r));
    CHECK_EQ(r.state.progress[0].chunks.size(), std::string(call) == "write" ? 1u : 0u);
  }
}

TEST(EveryPrefixIsGoodOrTornAndNeverCorrupt) {
  const std::string whole = OneOfEach().File();
  for (size_t n = 0; n < whole.size(); n++) {
    Replay r;
    const Status s = Read(whole.substr(0, n), &r);
    if (n < kHeaderSize) {
      CHECK_CODE(s, Code::kStateCorrupt);
      continue;
    }
    CHECK_OK(s);
    CHECK_EQ(r.torn, r.valid_bytes != n);
    CHECK(r.valid_bytes <= n);
  }
}

TEST(WhatStandsBehindTheEndOfAStateFileIsNotRead) {
  const std::string whole = OneOfEach().File();
  const auto* data = reinterpret_cast<const uint8_t*>(whole.data());
  for (size_t n = kHeaderSize; n < whole.size(); n++) {
    Replay r;
    CHECK_OK(ReplayJournal(data, n, &r));  // in memory the rest of the last record follows
    CHECK(r.valid_bytes <= n && r.torn == (r.valid_bytes < n));
  }
}

TEST(NoFlippedBitIsBelieved) {
  const std::string whole = OneOfEach().File();
  const size_t last = whole.size() - kRecordOverhead - 1;  // where FINAL begins
  for (size_t bit = 0; bit < whole.size() * 8; bit++) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    Replay r;
    const Status s = Read(flipped, &r);
    if (bit / 8 < last)
      CHECK(s.code == Code::kStateCorrupt);
    else
      CHECK(s.ok() && r.torn && r.valid_bytes == last && r.state.outcome == Outcome::kNone);
  }
}

TEST(ATailOfAnyBytesIsTornIfNothingValidFollows) {
  for (const std::string& tail : {std::string(1, '\0'), std::string(5000, '\0'), std::string(300, '\xff'),
                                  StateBytes(kUuid, 9).Begun().bytes().substr(1)}) {
    Replay r;
    const std::string good = StateBytes().Dispatched().File();
    CHECK_OK(Read(good + tail, &r));
    CHECK(r.torn && r.state.sealed);
    CHECK_EQ(r.valid_bytes, good.size());
  }
}

// A page of the disk that a power cut kept from being written.
std::string Lost(size_t bytes) { return std::string(bytes, '\0'); }

// A state file with a record of `before` lost, `behind` it.
std::string WithLost(StateBytes before, const std::function<void(StateBytes&)>& behind) {
  const std::string good = before.File();
  before.Canceled();  // any record: it is its place that is bad
  StateBytes rest(kUuid, before.sequence());
  behind(rest);
  return good + Lost(before.File().size() - good.size()) + rest.bytes();
}

using Write = std::function<void(StateBytes&)>;
const Write kProgress[] = {[](StateBytes& w) {
                             w.Chunk(1, {0, 1});
                           },
                           [](StateBytes& w) { w.WithDone(1); }, [](StateBytes& w) { w.Failed(1, Full()); },
                           [](StateBytes& w) { w.Canceled(); }};
const Write kMore[] = {[](StateBytes& w) { w.Transfer(SampleInfo()); },
                       [](StateBytes& w) { w.File(0, SampleFile()); },
                       [](StateBytes& w) { w.Dir(0, SampleDir()); },
                       [](StateBytes& w) { w.Sealed(2, 1, 10); },
                       [](StateBytes& w) { w.Resumed(); },
                       [](StateBytes& w) { w.Renounced(0); },
                       [](StateBytes& w) { w.Settled(); },
                       [](StateBytes& w) { w.Published(0); },
                       [](StateBytes& w) { w.Kept(0); },
                       [](StateBytes& w) { w.Confirmed(); },
                       [](StateBytes& w) { w.Final(Outcome::kRolledBack); }};

TEST(ProgressBehindALostPageIsLostWithIt) {
  StateBytes copying;
  copying.Dispatched(2).WithDone(0);
  for (const Write& one : kProgress) {
    for (const Write& other : kProgress) {
      Replay r;
      CHECK_OK(Read(WithLost(copying, [&](StateBytes& w) { one(w), other(w); }), &r));
      CHECK(r.torn && r.valid_bytes == copying.File().size() && r.next_sequence == copying.sequence());
      const TransferState& s = r.state;
      CHECK(s.progress[0].state == FileState::kDone && s.progress[1].state == FileState::kPending);
      CHECK(s.progress[1].chunks.empty() && !s.canceled);
    }
  }
}

TEST(ABadRecordBeforeAGoodOneIsCorrupt) {
  StateBytes begun, copying, settled, given_up;
  begun.Begun();
  copying.Dispatched(2).WithDone(0);
  settled.Committed();
  given_up.Dispatched(2).Final(Outcome::kRolledBack);
  for (const Write& more : kMore) {
    for (const StateBytes& before : {begun, copying, settled, given_up})
      CHECK_CODE(Read(WithLost(before, more)), Code::kStateCorrupt);
    for (const Write& progress : kProgress)
      CHECK_CODE(Read(WithLost(copying, [&](StateBytes& w) { progress(w), more(w), progress(w); })),
                 Code::kStateCorrupt);
  }
  for (const Write& progress : kProgress)
    for (const StateBytes& before : {begun, settled, given_up})
      CHECK_CODE(Read(WithLost(before, progress)), Code::kStateCorrupt);
}

TEST(ATailTornBeforeSealedWasNeverDispatched) {
  StateBytes w;
  w.Begun();
  w.File(0, SampleFile());
  Replay r;
  CHECK_OK(Read(w.File() + "half a record", &r));
  CHECK(r.torn && !r.state.sealed);
}

TEST(ARecordOfAnotherStateFileIsNotBelieved) {
  Uuid other = kUuid;
  other[15] ^= 1;
  StateBytes ours, theirs(other, 4);
  ours.Dispatched();
  theirs.WithDone(0);
  Replay r;
  CHECK_OK(Read(ours.File() + theirs.bytes(), &r));
  CHECK(r.torn && r.state.progress[0].state == FileState::kPending);
}

TEST(ARecordOutOfSequenceIsCorrupt) {
  for (uint32_t sequence : {0u, 3u, 5u, 6u, 0xffffffffu}) {
    StateBytes ours, next(kUuid, sequence);
    ours.Dispatched();  // records 0 to 3
    next.WithDone(0);
    CHECK_CODE(Read(ours.File() + next.bytes()), Code::kStateCorrupt);
  }
}

TEST(ATailMadeToBeSlowToReadIsCorruptInLinearTime) {
  StateBytes w;
  w.Dispatched();
  std::string tail;
  // At every fifth byte a length of half a MiB, which is also a sequence number that could come.
  while (tail.size() < 8 << 20) tail += Put32(0x00080f0f) + "x";
  const std::clock_t start = std::clock();  // of this process: others may take their time
  CHECK_CODE(Read(w.File() + tail), Code::kStateCorrupt);
  CHECK(std::clock() - start < 10 * CLOCKS_PER_SEC);
}

TEST(AnotherVersionIsSaidToBeOne) {
  std::string header = JournalWriter::Header(kUuid).substr(0, kHeaderSize - 4);
  header[8] = 2;
  header += Put32(Crc32c(0, header.data(), header.size()));
  CHECK_CODE(Read(header + StateBytes().Dispatched().bytes()), Code::kStateVersion);
}

}  // namespace
}  // namespace axl::test
