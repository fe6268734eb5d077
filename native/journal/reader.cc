// Parses bytes that anybody may have written: every length is checked against the bytes present before it is used.
#include "journal/reader.h"

#include <cstring>

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

// The payload's length if a record with a right CRC begins at `at`; -1 if not.
int64_t RecordAt(const uint8_t* data, size_t n, size_t at, uint32_t seed) {
  if (n - at < kRecordOverhead) return -1;
  const uint32_t length = Get32(data + at);
  if (length > kMaxRecord || length > n - at - kRecordOverhead) return -1;
  const size_t body = kRecordOverhead - 4 + length;
  return Crc32c(seed, data + at, body) == Get32(data + at + body) ? static_cast<int64_t>(length) : -1;
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
// nothing but progress. The sequence number is compared first, which makes a look at every offset affordable; a tail
// made to defeat that is not torn, but corrupt.
bool AnyRecordAfter(const uint8_t* data, size_t n, size_t at, uint32_t seed, uint32_t next_sequence, bool copying) {
  uint64_t budget = 16 * static_cast<uint64_t>(n) + kMaxRecord;  // bytes to sum
  for (size_t i = at + 1; i + kRecordOverhead <= n; i++) {
    const uint32_t sequence = Get32(data + i + 5);
    if (sequence < next_sequence || sequence - next_sequence > n / kRecordOverhead) continue;
    if (copying && IsProgress(data[i + 4])) continue;
    const uint32_t length = Get32(data + i);
    if (length > kMaxRecord || length > n - i - kRecordOverhead) continue;
    if (length > budget || RecordAt(data, n, i, seed) >= 0) return true;
    budget -= length;
  }
  return false;
}

Status Corrupt(const std::string& what, size_t at) {
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
  return RecordAt(data, n, kHeaderSize, Crc32c(0, out->data(), out->size())) >= 0;
}

Status ReplayJournal(const uint8_t* data, size_t n, Replay* out) {
  if (Status s = CheckHeader(data, n, &out->state.uuid); !s.ok()) return s;
  const uint32_t seed = Crc32c(0, out->state.uuid.data(), out->state.uuid.size());
  size_t at = kHeaderSize;
  out->valid_bytes = at;
  while (at < n) {
    const int64_t length = RecordAt(data, n, at, seed);
    if (length < 0 || Get32(data + at + 5) != out->next_sequence) break;
    Record record;
    bool known = false;
    const uint8_t type = data[at + 4];
    const char* broken = Decode(type, data + at + kRecordOverhead - 4, static_cast<size_t>(length), &record, &known);
    if (!known)
      return Status::Make(Code::kStateVersion, "a record of type " + std::to_string(type) +
                                                   ", which a later release has written; finalize it with that one");
    if (broken == nullptr) broken = Apply(std::move(record), &out->state);
    if (broken != nullptr) return Corrupt(broken, at);
    at += kRecordOverhead + static_cast<size_t>(length);
    out->valid_bytes = at;
    out->next_sequence++;
  }
  if (at == n) return Status::Ok();
  out->torn = true;
  if (RecordAt(data, n, at, seed) >= 0) return Corrupt("a record out of sequence", at);
  const TransferState& s = out->state;
  const bool copying = s.sealed && !s.settled && s.outcome == Outcome::kNone;
  if (AnyRecordAfter(data, n, at, seed, out->next_sequence, copying))
    return Corrupt("a bad record before good ones", at);
  return Status::Ok();
}

}  // namespace axl
