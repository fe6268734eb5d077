// Parses bytes that anybody may have written: every length is checked against the bytes present before it is used.
#include "journal/reader.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>

#include "base/crc32c.h"
#include "journal/apply.h"
#include "journal/record_values.h"

namespace axl {

namespace {

uint32_t Get32(const uint8_t* p) {
  return p[0] | static_cast<uint32_t>(p[1]) << 8 | static_cast<uint32_t>(p[2]) << 16 |
         static_cast<uint32_t>(p[3]) << 24;
}

// nullptr, or what is wrong; *known: is it a type of ours?
template <class R>
const char* DecodeAs(const uint8_t* data, size_t n, Record* out) {
  Decoder decoder(data, n);
  R::Fields(out->emplace<R>(), decoder);
  return decoder.Finished() ? nullptr : "a malformed record";
}
template <class... R>
const char* Decode(uint8_t type, const uint8_t* data, size_t n, std::variant<R...>* out, bool* known) {
  const char* broken = nullptr;
  const auto is = [&]<class T>(T*) {
    if constexpr (!std::is_same_v<T, SkippedRecord>) {
      if (type != static_cast<uint8_t>(T::kType)) return false;
      broken = DecodeAs<T>(data, n, out);
      return true;
    }
    return false;
  };
  *known = (is(static_cast<R*>(nullptr)) || ...);
  if (!*known && (type & kOptional) != 0) *known = std::holds_alternative<SkippedRecord>(*out = SkippedRecord());
  return broken;
}

// A source, a piece of which is in memory.
class Window {
 public:
  Window(JournalSource& source, uint64_t size)
      : source_(source), size_(size), piece_(new uint8_t[std::min<uint64_t>(size, kPiece)]) {}
  // What is known to be there.
  uint64_t size() const { return size_; }
  int error() const { return error_; }
  // The bytes from `at`: `n` of them or more, or all that there are. They stay until the next call.
  std::span<const uint8_t> From(uint64_t at, size_t n) {
    if (at < begin_ || std::min(at + n, size_) > begin_ + length_) Fill(at);
    const uint64_t skipped = std::min<uint64_t>(at - begin_, length_);
    return {piece_.get() + skipped, length_ - skipped};
  }
  uint64_t SkipHole(uint64_t at) { return std::min(source_.SkipHole(at), size_); }

 private:
  static constexpr size_t kPiece = 4 << 20;
  static_assert(kPiece >= kMaxRecord + kRecordOverhead);

  void Fill(uint64_t at) {
    const size_t wanted = std::min<uint64_t>(kPiece, size_ - std::min(at, size_));
    const ssize_t n = source_.Read(piece_.get(), wanted, at);
    if (n < 0) error_ = static_cast<int>(-n);
    begin_ = at;
    length_ = n < 0 ? 0 : static_cast<size_t>(n);
    if (length_ < wanted) size_ = at + length_;  // it has become shorter
  }

  JournalSource& source_;
  uint64_t size_;
  const std::unique_ptr<uint8_t[]> piece_;
  uint64_t begin_ = 0;
  size_t length_ = 0;
  int error_ = 0;
};

class MemorySource final : public JournalSource {
 public:
  MemorySource(const uint8_t* data, size_t n) : data_(data), n_(n) {}
  ssize_t Read(void* out, size_t n, uint64_t at) override {
    const size_t there = std::min<uint64_t>(n, n_ - std::min<uint64_t>(at, n_));
    if (there > 0) std::memcpy(out, data_ + at, there);
    return static_cast<ssize_t>(there);
  }
  uint64_t SkipHole(uint64_t at) override { return at; }

 private:
  const uint8_t* data_;
  size_t n_;
};

// The payload's length if a record with a right CRC begins at `at`; -1 if not.
int64_t RecordAt(Window& w, uint64_t at, uint32_t seed) {
  std::span<const uint8_t> bytes = w.From(at, kRecordOverhead);
  if (bytes.size() < kRecordOverhead) return -1;
  const uint32_t length = Get32(bytes.data());
  if (length > kMaxRecord) return -1;
  bytes = w.From(at, kRecordOverhead + length);
  if (bytes.size() < kRecordOverhead + length) return -1;
  const size_t body = kRecordOverhead - 4 + length;
  return Crc32c(seed, bytes.data(), body) == Get32(bytes.data() + body) ? static_cast<int64_t>(length) : -1;
}

// Copies append these without an fsync (and any optional record may be one), so their pages reach the disk in any
// order. All others are fsynced before anything relies on them: behind a bad record they tell of more than a power cut
// while files were copied.
bool IsProgress(uint8_t type) {
  const auto t = static_cast<RecordType>(type);
  if ((type & kOptional) != 0) return true;
  return t == RecordType::kChunk || t == RecordType::kDone || t == RecordType::kFailed || t == RecordType::kCanceled;
}

// Invariant 7: a bad tail is a torn append only if nothing valid follows it, or, of a transfer that was copying,
// nothing but progress.
class Tail {
 public:
  Tail(Window& window, uint32_t seed, uint32_t next_sequence, bool copying)
      : w_(window), seed_(seed), next_sequence_(next_sequence), copying_(copying) {}

  // The sequence number is compared first, which makes a look at every offset affordable; a tail made to defeat that is
  // not torn, but corrupt. No record has the type 0, so none begins among zeros.
  bool AnyRecordAfter(uint64_t at) {
    uint64_t budget = 16 * w_.size() + kMaxRecord;  // bytes to sum
    for (uint64_t i = NextAfter(at); i + kRecordOverhead <= w_.size(); i = NextAfter(i)) {
      const uint32_t length = Get32(w_.From(i, kRecordOverhead).data());
      if (length > budget || RecordAt(w_, i, seed_) >= 0) return true;
      budget -= length;
    }
    return false;
  }

 private:
  // Where the next thing begins that looks like a record; the size of the source if there is none.
  uint64_t NextAfter(uint64_t at) {
    for (uint64_t i = at + 1; i + kRecordOverhead <= w_.size();) {
      i = std::max(i, w_.SkipHole(i + kType) - kType);
      const std::span<const uint8_t> bytes = w_.From(i, kRecordOverhead);
      for (size_t n = 0; n + kRecordOverhead <= bytes.size(); n++)
        if (bytes[n + kType] != 0 && IsLike(bytes.data() + n, w_.size() - i - n)) return i + n;
      if (bytes.size() < kRecordOverhead) break;
      i += bytes.size() - kRecordOverhead + 1;
    }
    return w_.size();
  }

  bool IsLike(const uint8_t* p, uint64_t left) const {
    const uint32_t length = Get32(p), sequence = Get32(p + 5);
    if (sequence < next_sequence_ || sequence - next_sequence_ > w_.size() / kRecordOverhead) return false;
    return length <= kMaxRecord && length <= left - kRecordOverhead && !(copying_ && IsProgress(p[kType]));
  }

  static constexpr size_t kType = 4;  // where in a record it is
  Window& w_;
  const uint32_t seed_, next_sequence_;
  const bool copying_;
};

Status Corrupt(const std::string& what, uint64_t at) {
  return Status::Make(Code::kStateCorrupt, what + " at byte " + std::to_string(at));
}

Status CheckHeader(const uint8_t* data, size_t n, Uuid* uuid) {
  if (n < kHeaderSize) return Corrupt("the state file is shorter than its header", n);
  if (std::memcmp(data, kJournalMagic, sizeof kJournalMagic) != 0)
    return Corrupt("this is not a state file: its magic is missing", 0);
  if (Get32(data + kHeaderSize - 4) != Crc32c(0, data, kHeaderSize - 4))
    return Corrupt("the CRC of the header is wrong", 0);
  const uint32_t version = Get32(data + 8);
  if (version != kJournalVersion || Get32(data + 12) != kHeaderSize)
    return Status::Make(Code::kStateVersion, "format version " + std::to_string(version) +
                                                 "; this program reads version " + std::to_string(kJournalVersion));
  if (const uint32_t edition = Get32(data + 32); edition == 0)
    return Status::Make(Code::kStateVersion,
                        "written by a pre-release of axl-transfer, whose format this program does not read: finalize "
                        "it with the release that wrote it, or remove it with axl-finalize forget");
  else if (edition != kJournalEdition)
    return Status::Make(Code::kStateVersion, "format edition " + std::to_string(edition) +
                                                 "; this program reads edition " + std::to_string(kJournalEdition));
  for (size_t at = 36; at < kHeaderSize - 4; at++)
    if (data[at] != 0)
      return Status::Make(Code::kStateVersion, "a later version has written the header: finalize it with that version");
  std::memcpy(uuid->data(), data + 16, uuid->size());
  return Status::Ok();
}

}  // namespace

// By the magic; without it by the rest of the header, or by a first record that can only be TRANSFER.
bool Recognize(const uint8_t* data, size_t n) {
  if (n >= sizeof kJournalMagic && std::memcmp(data, kJournalMagic, sizeof kJournalMagic) == 0) return true;
  if (n < kHeaderSize) return false;
  if (Get32(data + 8) == kJournalVersion && Get32(data + 12) == kHeaderSize) return true;
  constexpr size_t kName = kHeaderSize + kRecordOverhead - 4;
  if (n < kName + 4) return false;
  const uint32_t length = Get32(data + kHeaderSize), name = Get32(data + kName);
  return length <= kMaxRecord && data[kHeaderSize + 4] == static_cast<uint8_t>(RecordType::kTransfer) &&
         Get32(data + kHeaderSize + 5) == 0 && name > 0 && name < length;
}

bool ReadUuid(const uint8_t* data, size_t n, Uuid* out) {
  if (n < kHeaderSize) return false;
  std::memcpy(out->data(), data + 16, out->size());
  if (Get32(data + kHeaderSize - 4) == Crc32c(0, data, kHeaderSize - 4)) return true;
  MemorySource source(data, n);
  Window window(source, n);
  return RecordAt(window, kHeaderSize, Crc32c(0, out->data(), out->size())) >= 0;
}

namespace {

// Applies the record of `bytes`, which begin with it.
Status Replay1(std::span<const uint8_t> bytes, size_t length, uint64_t at, TransferState* state) {
  Record record;
  bool known = false;
  const uint8_t type = bytes[4];
  const char* broken = Decode(type, bytes.data() + kRecordOverhead - 4, length, &record, &known);
  if (!known)
    return Status::Make(Code::kStateVersion, "a record of type " + std::to_string(type) +
                                                 ", which a later release has written; finalize it with that one");
  if (broken == nullptr) broken = Apply(std::move(record), state);
  return broken == nullptr ? Status::Ok() : Corrupt(broken, at);
}

// All good records from the beginning.
Status ReplayRecords(Window& w, uint32_t seed, Replay* out, std::vector<uint8_t>* valid) {
  for (uint64_t at = kHeaderSize; at < w.size();) {
    const int64_t length = RecordAt(w, at, seed);
    if (length < 0) break;
    const size_t whole = kRecordOverhead + static_cast<size_t>(length);
    const std::span<const uint8_t> bytes = w.From(at, whole);
    if (Get32(bytes.data() + 5) != out->next_sequence) break;
    if (Status s = Replay1(bytes, static_cast<size_t>(length), at, &out->state); !s.ok()) return s;
    if (valid != nullptr) valid->insert(valid->end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(whole));
    at += whole;
    out->valid_bytes = at;
    out->next_sequence++;
  }
  return Status::Ok();
}

// What may follow the last good record.
Status CheckTail(Window& w, uint32_t seed, Replay* out) {
  const uint64_t at = out->valid_bytes;
  if (at == w.size()) return Status::Ok();
  out->torn = true;
  if (RecordAt(w, at, seed) >= 0) return Corrupt("a record out of sequence", at);
  const TransferState& s = out->state;
  const bool copying = s.sealed && !s.settled && s.outcome == Outcome::kNone;
  if (Tail(w, seed, out->next_sequence, copying).AnyRecordAfter(at))
    return Corrupt("a bad record before good ones", at);
  return Status::Ok();
}

}  // namespace

Status ReplayJournal(JournalSource& source, uint64_t size, Replay* out, std::vector<uint8_t>* valid) {
  Window w(source, size);
  const std::span<const uint8_t> header = w.From(0, kHeaderSize);
  const auto unless_unread = [&](Status s) { return w.error() != 0 ? Status::Errno(w.error(), "read", "") : s; };
  if (Status s = CheckHeader(header.data(), header.size(), &out->state.uuid); !s.ok()) return unless_unread(s);
  const uint32_t seed = Crc32c(0, out->state.uuid.data(), out->state.uuid.size());
  out->valid_bytes = kHeaderSize;
  if (valid != nullptr) valid->assign(header.begin(), header.begin() + kHeaderSize);
  Status s = ReplayRecords(w, seed, out, valid);
  if (s.ok()) s = CheckTail(w, seed, out);
  return unless_unread(std::move(s));
}

Status ReplayJournal(const uint8_t* data, size_t n, Replay* out) {
  MemorySource source(data, n);
  return ReplayJournal(source, n, out);
}

}  // namespace axl
