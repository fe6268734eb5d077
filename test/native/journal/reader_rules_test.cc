// Each rule of order, and each bound of a field, has an example here that breaks it: with a right CRC and sequence
// number, so that nothing but the rule can refuse it.
#include "state_bytes.h"
#include "test.h"

namespace axl::test {
namespace {

using Write = std::function<void(StateBytes&)>;

void CorruptAfter(const char* file, int line, StateBytes good, const std::vector<Write>& all) {
  if (!CheckOk(Read(good.File()), "what stands before", file, line)) return;
  for (size_t i = 0; i < all.size(); i++) {
    StateBytes w = good;
    all[i](w);
    const Status s = Read(w.File());
    if (s.code != Code::kStateCorrupt) Fail(file, line, "example " + std::to_string(i) + " is " + Show(s));
  }
}
#define CORRUPT_AFTER(good, ...) CorruptAfter(__FILE__, __LINE__, good, std::vector<Write>{__VA_ARGS__})

const Write kFile = [](StateBytes& w) { w.File(0, SampleFile()); };
const Write kDir = [](StateBytes& w) { w.Dir(0, SampleDir()); };
const Write kSealed = [](StateBytes& w) { w.Sealed(0, 0, 0); };
const Write kChunk = [](StateBytes& w) { w.Chunk(0, {0, 1}); };
const Write kDone = [](StateBytes& w) { w.WithDone(0); };
const Write kFailed = [](StateBytes& w) { w.Failed(0, Status::Errno(5, "read", "/s/a")); };
const Write kCanceled = [](StateBytes& w) { w.Canceled(); };
const Write kResumed = [](StateBytes& w) { w.Resumed(); };
const Write kRenounced = [](StateBytes& w) { w.Renounced(0); };
const Write kSettled = [](StateBytes& w) { w.Settled(); };
const Write kConfirmed = [](StateBytes& w) { w.Confirmed(); };
const Write kPublished = [](StateBytes& w) { w.Published(0); };
const Write kFinal = [](StateBytes& w) { w.Final(Outcome::kPublished); };
const Write kGivenUp = [](StateBytes& w) { w.Final(Outcome::kRolledBack); };

TEST(TransferIsTheFirstRecordAndTheOnlyOne) {
  CORRUPT_AFTER(StateBytes(), kFile, kDir, kSealed, kChunk, kDone, kFailed, kCanceled, kResumed, kRenounced, kSettled,
                kConfirmed, kPublished, kFinal);
  CORRUPT_AFTER(StateBytes().Begun(), [](StateBytes& w) { w.Transfer(SampleInfo()); });
}

TEST(NothingButFilesAndDirectoriesComesBeforeSealed) {
  StateBytes w;
  w.Begun();
  w.File(0, SampleFile());
  w.Dir(0, SampleDir());
  CORRUPT_AFTER(w, kChunk, kDone, kFailed, kCanceled, kResumed, kRenounced, kSettled, kConfirmed, kPublished, kFinal,
                kGivenUp);
}

TEST(FilesAndDirectoriesAreNumberedInOrder) {
  CORRUPT_AFTER(
      StateBytes().Begun(), [](StateBytes& w) { w.File(1, SampleFile()); },
      [](StateBytes& w) { w.Dir(1, SampleDir()); },
      [](StateBytes& w) {
        w.File(0, SampleFile("a"));
        w.File(0, SampleFile("b"));
      });
}

TEST(SealedCountsWhatStandsBeforeIt) {
  StateBytes w;
  w.Begun();
  w.File(0, SampleFile());
  CORRUPT_AFTER(
      w, [](StateBytes& b) { b.Sealed(0, 0, 5); }, [](StateBytes& b) { b.Sealed(2, 0, 5); },
      [](StateBytes& b) { b.Sealed(1, 1, 5); }, [](StateBytes& b) { b.Sealed(1, 0, 4); },
      [](StateBytes& b) { b.Sealed(1, 0, 6); });
}

TEST(NothingIsAddedAfterSealed) {
  CORRUPT_AFTER(
      StateBytes().Dispatched(), [](StateBytes& w) { w.File(1, SampleFile("b")); },
      [](StateBytes& w) { w.Dir(1, SampleDir("/e")); }, [](StateBytes& w) { w.Sealed(1, 1, 5); });
}

TEST(AFinalPathOccursOnce) {
  for (bool as_dir : {false, true}) {
    StateBytes w;
    w.Begun();
    w.File(0, SampleFile());
    if (as_dir)
      w.Dir(0, SampleDir("/d/a"));
    else
      w.File(1, SampleFile());
    CORRUPT_AFTER(w, [&](StateBytes& b) { b.Sealed(as_dir ? 1 : 2, as_dir ? 1 : 0, as_dir ? 5 : 10); });
  }
}

TEST(WhatIsSaidOfAFileIsSaidOfOneThatExists) {
  CORRUPT_AFTER(
      StateBytes().Dispatched(),
      [](StateBytes& w) {
        w.Chunk(1, {0, 1});
      },
      [](StateBytes& w) { w.WithDone(1); }, [](StateBytes& w) { w.Failed(1, Status::Errno(5, "read", "/s/a")); },
      [](StateBytes& w) { w.Renounced(1); },
      [](StateBytes& w) {
        w.Chunk(0, {2, 1});
      },
      [](StateBytes& w) { w.Done(0, 20, 6, 1); });
  CORRUPT_AFTER(StateBytes().Committed(), [](StateBytes& w) { w.Published(1); });
}

TEST(AFileIsDoneOrFailedOnce) {
  StateBytes done, failed;
  done.Dispatched().WithDone(0);
  failed.Dispatched();
  kFailed(failed);
  CORRUPT_AFTER(done, kDone);
  CORRUPT_AFTER(failed, kDone, kFailed);
}

TEST(SettledNeedsEveryFileDone) {
  StateBytes w;
  w.Dispatched(2).WithDone(0);
  CORRUPT_AFTER(w, kSettled);
  kFailed(w);
  CORRUPT_AFTER(w, kSettled);
}

TEST(PublishedConfirmedAndFinalPublishedNeedSettled) {
  CORRUPT_AFTER(StateBytes().Dispatched().WithDone(0), kPublished, kConfirmed, kFinal);
}

TEST(ConfirmedSaysNothingOfWhatFollowsIt) {
  const auto confirmed = [](const std::string& file) {
    Replay r;
    CHECK_OK(Read(file, &r));
    return r.state.confirmed;
  };
  StateBytes w;
  w.Committed();
  CHECK(!confirmed(w.File()));
  w.Confirmed();
  CHECK(confirmed(w.File()));
  CHECK(confirmed(w.File() + "a torn tail"));
  w.Published(0);
  CHECK(!confirmed(w.File()));
}

TEST(AfterSettledNothingIsCopiedAnyMore) {
  CORRUPT_AFTER(StateBytes().Committed(), kChunk, kDone, kFailed, kCanceled, kResumed, kSettled);
}

TEST(FinalIsTheLastRecord) {
  for (Outcome outcome : {Outcome::kPublished, Outcome::kRolledBack}) {
    StateBytes w;
    w.Committed();
    w.Final(outcome);
    CORRUPT_AFTER(w, kRenounced, kPublished, kFinal, kGivenUp);
  }
}

TEST(AnUnknownRecordThatIsRequiredIsOfALaterVersion) {
  for (int type : {0, 27, 127})
    CHECK_CODE(Read(StateBytes().Dispatched().File() + RawRecord(static_cast<uint8_t>(type), 4, "?")),
               Code::kStateVersion);
}

TEST(AnUnknownRecordThatIsOptionalIsSkippedAndConfirmsNothing) {
  for (int type : {128, 130, 255}) {
    StateBytes w;
    w.Committed();
    w.Confirmed();
    StateBytes behind(kUuid, w.sequence() + 1);
    behind.Published(0);
    Replay r;
    const std::string optional = RawRecord(static_cast<uint8_t>(type), w.sequence(), "?");
    CHECK_OK(Read(w.File() + optional, &r));
    CHECK(!r.torn && !r.state.confirmed && r.state.settled && r.next_sequence == w.sequence() + 1);
    Replay more;
    CHECK_OK(Read(w.File() + optional + behind.bytes(), &more));
    CHECK(more.state.progress[0].published);
  }
}

template <class R>
Write Record1(R record) {
  return [=](StateBytes& w) { w.Write(record); };
}

TEST(WhatLaterReleasesWriteHasAnOrderToo) {
  StateBytes dispatched, settled, forward, begun_step, expecting;
  dispatched.Dispatched();
  settled.Committed();
  forward.Dispatched();
  forward.Write(DirectionRecord{Direction::kForward});
  begun_step.Dispatched();
  begun_step.Write(StagedRecord{0, Step::kIntent, {}});
  begun_step.Write(StagedRecord{0, Step::kStaged, {}});
  CORRUPT_AFTER(StateBytes().Begun(), Record1(SubmittedRecord{}), Record1(StagedRecord{}), Record1(DirectionRecord{}),
                Record1(ContentRecord{}), Record1(ExpectRecord{}), Record1(ReplacesRecord{}), Record1(PhaseRecord{}),
                Record1(RetireRecord{0, {"/x", {}, 0, 0, false}}), Record1(RetiredRecord{}),
                Record1(AnchorRecord{1, {"/", {}}}), Record1(AnchorRecord{0, {"a", {}}}));
  CORRUPT_AFTER(dispatched, Record1(AnchorRecord{0, {"/", {}}}), Record1(SubmittedRecord{{"m", "t", {1}}}),
                Record1(StagedRecord{1, Step::kIntent, {}}), Record1(StagedRecord{0, Step::kBegun, {}}),
                Record1(ContentRecord{}), Record1(ExpectRecord{1, 1}), Record1(ReplacesRecord{1, {}}),
                Record1(PhaseRecord{}), Record1(RetireRecord{1, {"/x", {}, 0, 0, false}}),
                Record1(RetireRecord{0, {"x", {}, 0, 0, false}}));
  CORRUPT_AFTER(settled, Record1(SubmittedRecord{}), Record1(ExpectRecord{0, 1}), Record1(RetiredRecord{}),
                Record1(PhaseRecord{Phase::kCommit}));
  expecting.Dispatched();
  expecting.Write(ExpectRecord{0, 1});
  CORRUPT_AFTER(expecting, Record1(DoneRecord{0, {.inode = 20}, 5, 2, 1000, 100, 0640, 0}));
  CORRUPT_AFTER(forward, Record1(DirectionRecord{Direction::kForward}), Record1(DirectionRecord{Direction::kBack}));
  CORRUPT_AFTER(begun_step, Record1(StagedRecord{0, Step::kBegun, {}}));
}

TEST(APathIsAbsoluteAndCanonical) {
  const std::string paths[] = {"",
                               "a",
                               "/",
                               "/d/",
                               "//d",
                               "/d//a",
                               "/d/./a",
                               "/d/../a",
                               "/d/..",
                               "../d/a",
                               "/d/a/.",
                               std::string("/d\0a", 4),
                               "/" + std::string(4095, 'a')};
  for (const std::string& path : paths) {
    CORRUPT_AFTER(
        StateBytes().Begun(), [&](StateBytes& w) { w.Dir(0, SampleDir(path)); },
        [&](StateBytes& w) {
          FileEntry file = SampleFile();
          file.source = path;
          w.File(0, file);
        },
        [&](StateBytes& w) {
          FileEntry file = SampleFile();
          file.dest = path;
          w.File(0, file);
        });
  }
}

Write WithFile(std::function<void(FileEntry&)> change) {
  return [=](StateBytes& w) {
    FileEntry file = SampleFile();
    change(file);
    w.File(0, file);
  };
}

TEST(TheFieldsOfAFileAreBounded) {
  CORRUPT_AFTER(StateBytes().Begun(), WithFile([](FileEntry& f) { f.kind = static_cast<FileKind>(0); }),
                WithFile([](FileEntry& f) { f.kind = static_cast<FileKind>(5); }),
                WithFile([](FileEntry& f) { f.size = 1ull << 63; }),
                WithFile([](FileEntry& f) { f.meta.mode = 010000; }),
                WithFile([](FileEntry& f) { f.meta.mtime.nsec = 1'000'000'000; }),
                WithFile([](FileEntry& f) { f.source_ctime.nsec = 0xffffffff; }), WithFile([](FileEntry& f) {
                  f.kind = FileKind::kSymlink;
                  f.link_target = std::string("a\0b", 3);
                }),
                WithFile([](FileEntry& f) {
                  f.meta.xattrs = {{"trusted.k", "v"}};
                }),
                WithFile([](FileEntry& f) {
                  f.meta.xattrs = {{std::string("user.\0k", 7), "v"}};
                }));
}

Write WithInfo(std::function<void(TransferInfo&)> change) {
  return [=](StateBytes& w) {
    TransferInfo info = SampleInfo();
    change(info);
    w.Transfer(info);
  };
}

TEST(TheFieldsOfATransferAreBounded) {
  CORRUPT_AFTER(StateBytes(), WithInfo([](TransferInfo& i) { i.size = 0; }),
                WithInfo([](TransferInfo& i) { i.rank = 1; }), WithInfo([](TransferInfo& i) { i.chunk_size = 0; }),
                WithInfo([](TransferInfo& i) { i.chunk_size = 4095; }),
                WithInfo([](TransferInfo& i) { i.durability = static_cast<Durability>(0); }),
                WithInfo([](TransferInfo& i) { i.durability = static_cast<Durability>(3); }),
                WithInfo([](TransferInfo& i) { i.keep.owner = static_cast<OwnerPolicy>(4); }));
}

TEST(AFailureHasACodeOfOurs) {
  CORRUPT_AFTER(
      StateBytes().Dispatched(), [](StateBytes& w) { w.Failed(0, Status::Ok()); },
      [](StateBytes& w) { w.Failed(0, Status::Make(static_cast<Code>(static_cast<uint8_t>(kLastCode) + 1), "")); });
}

// Payloads of every type that are cut, too long, or count what is not there.
TEST(APayloadIsExactlyWhatItsTypeSays) {
  const std::string file = StateBytes().Dispatched().File();
  for (uint8_t type = 1; type <= 13; type++) {
    for (const std::string& payload : {std::string(1, '\1'), std::string(2, '\0'), std::string(200, '\0'),
                                       std::string(200, '\xff'), Put32(0xffffffff), Put32(0) + Put32(0x7fffffff)}) {
      CHECK_CODE(Read(JournalWriter::Header(kUuid) + RawRecord(type, 0, payload)), Code::kStateCorrupt);
      CHECK_CODE(Read(file + RawRecord(type, 4, payload)), Code::kStateCorrupt);
    }
  }
}

TEST(ALengthBeyondTheLimitIsNoRecord) {
  const std::string good = StateBytes().Dispatched().File();
  Replay r;
  CHECK_OK(Read(good + RawRecord(8, 4, std::string(kMaxRecord + 1, 'x')), &r));
  CHECK(r.torn);
}

}  // namespace
}  // namespace axl::test
