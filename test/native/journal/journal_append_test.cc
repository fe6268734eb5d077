// Appends: all or none, on a full disk, after a torn tail, after an fsync that failed.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "forwarding_os.h"
#include "journal/journal.h"
#include "state_bytes.h"
#include "test.h"

namespace axl::test {
namespace {

using Owned = std::unique_ptr<Journal>;

// A disk that is full after `room` bytes more; an fsync or a cut that fails when told to.
struct FullOs : ForwardingOs {
  size_t room = SIZE_MAX;
  bool no_fsync = false, no_cut = false;
  int fsyncs = 0;
  std::string rewritten;  // by writes that begin at the first byte
  ssize_t Write(int fd, const void* data, size_t n, off_t at) override {
    if (at == 0) rewritten.assign(static_cast<const char*>(data), n);
    if (room == 0) return -ENOSPC;
    const ssize_t written = to_.Write(fd, data, std::min(n, room), at);
    if (room != SIZE_MAX) room -= static_cast<size_t>(written);
    return written;
  }
  int Fsync(int fd) override {
    fsyncs++;
    return no_fsync ? -EIO : to_.Fsync(fd);
  }
  int Truncate(int fd, off_t size) override { return no_cut ? -EIO : to_.Truncate(fd, size); }
};

struct Fixture {
  explicit Fixture(Durability durability = Durability::kFull) {
    TransferInfo info = SampleInfo();
    info.durability = durability;
    REQUIRE_OK(Journal::Create(os, path, info, &journal));
  }
  Replay Now() {
    Replay r;
    CHECK_OK(Read(ReadFile(path), &r));
    return r;
  }
  void Reopen() {
    journal.reset();
    REQUIRE_OK(Journal::Open(os, path, {}, &journal));
  }
  TempDir dir;
  FullOs os;
  std::string path = dir / "state";
  Owned journal;
};

const Record kSealed = SealedRecord(), kCanceled = CanceledRecord();

Status AppendBoth(Journal& journal) {
  Record both[] = {CanceledRecord(), ResumedRecord()};
  return journal.Append(both);
}

TEST(AnAppendOnAFullDiskLeavesNothingOfItself) {
  Fixture f;
  REQUIRE_OK(f.journal->Append(kSealed));
  const std::string before = ReadFile(f.path);
  for (size_t room = 0; room < 2 * kRecordOverhead; room++) {
    f.os.room = room;
    CHECK_ERRNO(AppendBoth(*f.journal), ENOSPC);
    CHECK(ReadFile(f.path) == before);
  }
  f.os.room = SIZE_MAX;
  CHECK_OK(f.journal->Append(kCanceled));
  CHECK(f.Now().state.canceled);
}

TEST(AJournalThatCannotBeCutTakesNoMore) {
  Fixture f;
  REQUIRE_OK(f.journal->Append(kSealed));
  f.os.room = 3;
  f.os.no_cut = true;
  CHECK_ERRNO(f.journal->Append(kCanceled), ENOSPC);
  f.os.room = SIZE_MAX;
  f.os.no_cut = false;
  CHECK_ERRNO(f.journal->Append(kCanceled), ENOSPC);
  CHECK_ERRNO(f.journal->Sync(), ENOSPC);
  CHECK(f.Now().torn);
}

TEST(AFailedFsyncCutsBackToWhatIsDurableAndIsFinal) {
  Fixture f;
  REQUIRE_OK(f.journal->Append(kSealed));
  REQUIRE_OK(f.journal->Sync());
  REQUIRE_OK(f.journal->Append(kCanceled));
  f.os.no_fsync = true;
  CHECK_ERRNO(f.journal->Sync(), EIO);
  CHECK(f.Now().state.sealed && !f.Now().state.canceled && !f.Now().torn);
  f.os.no_fsync = false;
  const int fsyncs = f.os.fsyncs;
  CHECK_ERRNO(f.journal->Sync(), EIO);
  CHECK_ERRNO(f.journal->Append(kCanceled), EIO);
  CHECK_EQ(f.os.fsyncs, fsyncs);
}

// An fsync that failed leaves pages that count as clean: the next one would say yes, and mean nothing.
TEST(WhatADeadProcessWroteIsWrittenAgainBeforeItsFsyncIsBelieved) {
  Fixture f;
  REQUIRE_OK(f.journal->Append(kSealed));
  const std::string bytes = ReadFile(f.path);
  WriteFile(f.path, bytes + "a torn tail");
  f.Reopen();
  f.os.rewritten.clear();
  f.os.fsyncs = 0;
  CHECK_OK(f.journal->Sync());
  CHECK(f.os.rewritten == bytes);
  CHECK_EQ(f.os.fsyncs, 1);
  f.os.rewritten.clear();
  CHECK_OK(f.journal->Sync());
  CHECK(f.os.rewritten.empty());
  CHECK_EQ(f.os.fsyncs, 1);
}

TEST(AConfirmedJournalNeedsNoFsyncAndOneThatWasAppendedToDoes) {
  Fixture f;
  REQUIRE_OK(f.journal->Append(kSealed));
  REQUIRE_OK(f.journal->Append(SettledRecord()));
  REQUIRE_OK(f.journal->Sync());
  f.journal->Confirm();
  f.Reopen();
  f.os.rewritten.clear();
  f.os.fsyncs = 0;
  CHECK_OK(f.journal->Sync());
  CHECK_EQ(f.os.fsyncs, 0);
  REQUIRE_OK(f.journal->Append(FinalRecord{Outcome::kPublished}));
  CHECK_OK(f.journal->Sync());
  CHECK_EQ(f.os.fsyncs, 1);
  CHECK(f.os.rewritten.empty());
  f.Reopen();
  CHECK_OK(f.journal->Sync());
  CHECK(!f.os.rewritten.empty());
}

TEST(ATornTailIsCutOffBeforeTheNextRecord) {
  Fixture f;
  REQUIRE_OK(f.journal->Append(kSealed));
  f.journal.reset();
  StateBytes next(f.Now().state.uuid, 2);
  next.Canceled();
  // All of a record but its last byte, then enough to reach past the next append.
  WriteFile(f.path, ReadFile(f.path) + next.bytes().substr(0, next.bytes().size() - 1) + std::string(100, '\xee'));
  f.Reopen();
  CHECK(f.journal->torn());
  CHECK_OK(f.journal->Append(kCanceled));
  CHECK(f.Now().state.canceled && !f.Now().torn);
}

TEST(ARecordAfterAReopenContinuesTheSequence) {
  Fixture f;
  REQUIRE_OK(f.journal->Append(kSealed));
  f.Reopen();
  REQUIRE_OK(AppendBoth(*f.journal));
  f.Reopen();
  REQUIRE_OK(f.journal->Append(kCanceled));
  CHECK(f.Now().state.canceled);
  CHECK_EQ(f.Now().next_sequence, 5u);
}

TEST(WhatIsCutBackIsAsIfItHadNotBeenAppended) {
  Fixture f;
  const Journal::Mark mark = f.journal->mark();
  const std::string before = ReadFile(f.path);
  REQUIRE_OK(f.journal->Append(kSealed));
  REQUIRE_OK(f.journal->CutBack(mark));
  CHECK(ReadFile(f.path) == before);
  CHECK_OK(f.journal->Append(kSealed));
  CHECK(f.Now().state.sealed);
}

TEST(DurabilityNoneSyncsNothing) {
  Fixture f(Durability::kNone);
  REQUIRE_OK(f.journal->Append(kSealed));
  CHECK_OK(f.journal->Sync());
  CHECK_EQ(f.os.fsyncs, 0);
}

TEST(ARecordThatNoReaderWouldTakeIsNotWritten) {
  Fixture f;
  FileEntry file = SampleFile();
  file.meta.xattrs.clear();
  for (int i = 0; i < 20; i++) file.meta.xattrs.push_back({"user." + std::to_string(i), std::string(64 << 10, 'x')});
  const std::string before = ReadFile(f.path);
  CHECK_CODE(f.journal->Append(FileRecord{0, file}), Code::kNotSupported);
  CHECK(ReadFile(f.path) == before);
  CHECK_OK(f.journal->Append(kSealed));
}

}  // namespace
}  // namespace axl::test
