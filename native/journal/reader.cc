// Parses bytes that anybody may have written: every length is checked against the bytes present before it is used.
#include "journal/reader.h"

#include <cstring>
#include <string_view>
#include <unordered_set>

#include "base/crc32c.h"
#include "base/names.h"
#include "journal/format.h"

namespace axl {

namespace {

uint32_t Get32(const uint8_t* p) {
  return p[0] | static_cast<uint32_t>(p[1]) << 8 | static_cast<uint32_t>(p[2]) << 16 |
         static_cast<uint32_t>(p[3]) << 24;
}

// Takes fields off a payload. After the first field that does not fit, everything is zero and ok() is false.
class Cursor {
 public:
  Cursor(const uint8_t* data, size_t n) : p_(data), left_(n) {}

  uint8_t U8() { return Take(1) ? p_[-1] : 0; }
  uint32_t U32() { return Take(4) ? Get32(p_ - 4) : 0; }
  uint64_t U64() {
    const uint64_t low = U32();
    return low | static_cast<uint64_t>(U32()) << 32;
  }
  std::string String() {
    const uint32_t n = U32();
    return Take(n) ? std::string(reinterpret_cast<const char*>(p_ - n), n) : std::string();
  }
  Time Times() {
    Time t;
    t.sec = static_cast<int64_t>(U64());
    t.nsec = U32();
    if (t.nsec >= 1'000'000'000) ok_ = false;
    return t;
  }
  Identity Known() {
    Identity i;
    Identity::More more;
    const uint8_t bits = U8();
    if (bits & 1) i.inode = U64();
    if (bits & 2) i.ctime = Times();
    if (bits & 4) more.birth = Times();
    if (bits & 8) more.handle = String();
    const bool all = (!(bits & 1) || i.inode != 0) && (!(bits & 2) || i.ctime != Time{}) &&
                     (!(bits & 4) || more.birth != Time{}) && (!(bits & 8) || !more.handle.empty());
    if (bits > 15 || !all) ok_ = false;
    i.more = more;
    return i;
  }
  Uuid Id() {
    Uuid id{};
    if (Take(id.size())) std::memcpy(id.data(), p_ - id.size(), id.size());
    return id;
  }
  Metadata Meta() {
    Metadata m;
    m.mode = U32();
    m.uid = U32();
    m.gid = U32();
    m.atime = Times();
    m.mtime = Times();
    const uint32_t count = U32();
    if (m.mode > 07777 || count > left_ / 8) ok_ = false;
    for (uint32_t i = 0; ok_ && i < count; i++) {
      std::string name = String();
      if (!name.starts_with("user.") || name.find('\0') != std::string::npos) ok_ = false;
      m.xattrs.push_back({std::move(name), String()});
    }
    return m;
  }
  bool ok() const { return ok_; }
  bool Finished() const { return ok_ && left_ == 0; }

 private:
  bool Take(size_t n) {
    if (!ok_ || n > left_) return ok_ = false;
    p_ += n;
    left_ -= n;
    return true;
  }
  const uint8_t* p_;
  size_t left_;
  bool ok_ = true;
};

// Applies records one after the other, and refuses what the page's rules of order forbid.
class Replayer {
 public:
  explicit Replayer(TransferState* state) : s_(*state) {}

  // nullptr, or the rule that the record breaks.
  const char* Apply(RecordType type, Cursor c) {
    if (s_.outcome != Outcome::kNone) return "a record after FINAL";
    if ((type == RecordType::kTransfer) != !have_transfer_)
      return "TRANSFER is not the first record, or not the only one";
    s_.confirmed = false;  // this record is not
    return Dispatch(type, c);
  }

 private:
  const char* Dispatch(RecordType type, Cursor& c) {
    switch (type) {
      case RecordType::kTransfer:
        return Transfer(c);
      case RecordType::kFile:
        return File(c);
      case RecordType::kDir:
        return Dir(c);
      case RecordType::kSealed:
        return Sealed(c);
      case RecordType::kChunk:
        return Chunk(c);
      case RecordType::kDone:
        return Done(c);
      case RecordType::kFailed:
        return Failed(c);
      case RecordType::kCanceled:
        return Mark(c, &s_.canceled, true);
      case RecordType::kResumed:
        return Resumed(c);
      case RecordType::kRenounced:
        return Renounced(c);
      case RecordType::kSettled:
        return Settled(c);
      case RecordType::kPublished:
        return AfterSettled(c, &FileProgress::published);
      case RecordType::kKept:
        return AfterSettled(c, &FileProgress::kept);
      case RecordType::kConfirmed:
        return Confirmed(c);
      case RecordType::kFinal:
        return Final(c);
    }
    return "a record of unknown type";
  }

  const char* Transfer(Cursor& c) {
    have_transfer_ = true;
    TransferInfo& i = s_.info;
    i.name = c.String();
    i.backend = c.String();
    i.rank = c.U32();
    i.size = c.U32();
    i.host = c.String();
    i.boot_id = c.String();
    i.pid = c.U32();
    i.start_time = c.U64();
    i.pid_namespace = c.U64();
    const uint8_t durability = c.U8();
    for (OwnerPolicy* policy : {&i.owner, &i.mode, &i.times, &i.xattrs, &i.acls}) {
      *policy = static_cast<OwnerPolicy>(c.U8());
      if (*policy < OwnerPolicy::kFail || *policy > OwnerPolicy::kSkip) return "a malformed TRANSFER";
    }
    i.chunk_size = c.U32();
    i.job = c.String();
    i.local_rank = c.U32();
    const uint8_t all_ranks = c.U8();
    i.dataset = c.Id();
    i.attempt = c.U64();
    i.home = c.String();
    for (Identity* identity : {&i.home_identity, &i.self, &i.directory}) *identity = c.Known();
    const uint8_t inodes = c.U8();
    i.heartbeat_ms = c.U32();
    if (!c.Finished() || durability < 1 || durability > 2 || all_ranks < 1 || all_ranks > 2 || inodes < 1 || inodes > 3)
      return "a malformed TRANSFER";
    if (!i.home.empty() && !IsCanonicalDirectory(i.home)) return "a TRANSFER with an unsafe path";
    if (i.dataset == Uuid{}) return "a TRANSFER without a dataset";
    if (i.rank >= i.size || i.chunk_size == 0 || i.chunk_size % 4096 != 0) return "a TRANSFER with impossible numbers";
    i.durability = static_cast<Durability>(durability);
    i.inodes = static_cast<Inodes>(inodes);
    i.all_ranks = all_ranks == 2;
    return nullptr;
  }

  const char* File(Cursor& c) {
    const uint32_t id = c.U32();
    FileEntry f;
    const uint8_t kind = c.U8();
    f.source = c.String();
    f.dest = c.String();
    f.link_target = c.String();
    f.size = c.U64();
    f.source_inode = c.U64();
    f.source_ctime = c.Times();
    f.meta = c.Meta();
    if (!c.Finished() || kind < 1 || kind > 2) return "a malformed FILE";
    if (s_.sealed || id != s_.files.size()) return "a FILE out of order";
    if (!IsCanonical(f.source) || !IsCanonical(f.dest)) return "a FILE with an unsafe path";
    if (f.link_target.find('\0') != std::string::npos || f.size >= 1ull << 63) return "a malformed FILE";
    f.kind = static_cast<FileKind>(kind);
    s_.files.push_back(std::move(f));
    s_.progress.emplace_back();
    return nullptr;
  }

  const char* Dir(Cursor& c) {
    const uint32_t id = c.U32();
    DirEntry d;
    d.path = c.String();
    d.described = c.U8() != 0;
    if (d.described) d.meta = c.Meta();
    if (!c.Finished()) return "a malformed DIR";
    if (s_.sealed || id != s_.dirs.size()) return "a DIR out of order";
    if (!IsCanonical(d.path)) return "a DIR with an unsafe path";
    s_.dirs.push_back(std::move(d));
    s_.renounced.push_back(false);
    return nullptr;
  }

  const char* Sealed(Cursor& c) {
    const uint32_t files = c.U32(), dirs = c.U32();
    uint64_t bytes = c.U64();
    if (!c.Finished() || s_.sealed) return "a malformed or second SEALED";
    if (files != s_.files.size() || dirs != s_.dirs.size()) return "a SEALED with other counts";
    for (const auto& f : s_.files) bytes -= f.size;
    if (bytes != 0) return "a SEALED with another number of bytes";
    s_.sealed = true;
    return FinalPathsAreUnique() ? nullptr : "a final path that occurs twice";
  }

  bool FinalPathsAreUnique() const {
    std::unordered_set<std::string_view> seen;
    seen.reserve(s_.files.size() + s_.dirs.size());
    for (const auto& f : s_.files)
      if (!seen.insert(f.dest).second) return false;
    for (const auto& d : s_.dirs)
      if (!seen.insert(d.path).second) return false;
    return true;
  }

  FileProgress* InFlight(uint32_t file) {
    return s_.sealed && !s_.settled && file < s_.files.size() ? &s_.progress[file] : nullptr;
  }

  const char* Chunk(Cursor& c) {
    const uint32_t file = c.U32();
    const ChunkSum chunk{c.U32(), c.U32()};
    FileProgress* p = InFlight(file);
    if (!c.Finished() || p == nullptr) return "a malformed or misplaced CHUNK";
    const uint64_t chunks = s_.files[file].size / s_.info.chunk_size + 1;
    if (chunk.index >= chunks) return "a CHUNK beyond its file";
    p->chunks.push_back(chunk);
    return nullptr;
  }

  const char* Done(Cursor& c) {
    const uint32_t file = c.U32();
    const uint64_t inode = c.U64(), size = c.U64();
    const uint32_t crc = c.U32();
    const uint8_t owner_given = c.U8();
    FileProgress* p = InFlight(file);
    if (!c.Finished() || p == nullptr || size != s_.files[file].size) return "a malformed or misplaced DONE";
    if (p->state != FileState::kPending) return "a DONE of a file that has DONE or FAILED";
    p->state = FileState::kDone;
    p->inode = inode;
    p->crc = crc;
    p->owner_given = owner_given != 0;
    p->chunks = {};
    return nullptr;
  }

  const char* Failed(Cursor& c) {
    const uint32_t file = c.U32();
    Status failure;
    const uint8_t code = c.U8();
    failure.err = static_cast<int>(c.U32());
    failure.call = c.String();
    failure.path = c.String();
    failure.dest = c.String();
    failure.detail = c.String();
    FileProgress* p = InFlight(file);
    if (!c.Finished() || p == nullptr || code == 0 || code > static_cast<uint8_t>(Code::kConflict))
      return "a malformed or misplaced FAILED";
    if (p->state == FileState::kFailed) return "a second FAILED of a file";
    failure.code = static_cast<Code>(code);
    p->state = FileState::kFailed;
    if (LosesBytes(failure)) p->chunks = {};
    p->failure = std::move(failure);
    return nullptr;
  }

  const char* Mark(Cursor& c, bool* flag, bool value) {
    if (!c.Finished() || !s_.sealed || s_.settled) return "a misplaced CANCELED";
    *flag = value;
    return nullptr;
  }

  const char* Resumed(Cursor& c) {
    if (!c.Finished() || !s_.sealed || s_.settled) return "a misplaced RESUMED";
    s_.canceled = false;
    for (auto& p : s_.progress) {
      if (p.state != FileState::kFailed) continue;
      p.state = FileState::kPending;
      p.failure = {};
    }
    return nullptr;
  }

  const char* Renounced(Cursor& c) {
    const uint32_t dir = c.U32();
    if (!c.Finished() || !s_.sealed || dir >= s_.dirs.size()) return "a malformed or misplaced RENOUNCED";
    s_.renounced[dir] = true;
    return nullptr;
  }

  const char* Settled(Cursor& c) {
    if (!c.Finished() || !s_.sealed || s_.settled) return "a misplaced SETTLED";
    if (!s_.AllDone()) return "a SETTLED before every file is DONE";
    s_.settled = true;
    s_.canceled = false;
    return nullptr;
  }

  const char* AfterSettled(Cursor& c, bool FileProgress::*flag) {
    const uint32_t file = c.U32();
    if (!c.Finished() || !s_.settled || file >= s_.files.size()) return "a malformed or misplaced PUBLISHED or KEPT";
    s_.progress[file].*flag = true;
    return nullptr;
  }

  const char* Confirmed(Cursor& c) {
    if (!c.Finished() || !s_.settled) return "a misplaced CONFIRMED";
    s_.confirmed = true;
    return nullptr;
  }

  const char* Final(Cursor& c) {
    const uint8_t outcome = c.U8();
    if (!c.Finished() || outcome < 1 || outcome > 2 || !s_.sealed) return "a malformed or misplaced FINAL";
    s_.outcome = static_cast<Outcome>(outcome);
    return s_.outcome == Outcome::kPublished && !s_.settled ? "a FINAL published without SETTLED" : nullptr;
  }

  TransferState& s_;
  bool have_transfer_ = false;
};

// The payload's length if a record with a right CRC begins at `at`; -1 if not.
int64_t RecordAt(const uint8_t* data, size_t n, size_t at, uint32_t seed) {
  if (n - at < kRecordOverhead) return -1;
  const uint32_t length = Get32(data + at);
  if (length > kMaxRecord || length > n - at - kRecordOverhead) return -1;
  const size_t body = kRecordOverhead - 4 + length;
  return Crc32c(seed, data + at, body) == Get32(data + at + body) ? static_cast<int64_t>(length) : -1;
}

// Copies append these without an fsync, so their pages reach the disk in any order. All others are fsynced before
// anything relies on them: behind a bad record they tell of more than a power cut while files were copied.
bool IsProgress(uint8_t type) {
  const auto t = static_cast<RecordType>(type);
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
  if (n < kHeaderSize) return Corrupt("a state file shorter than its header", n);
  if (std::memcmp(data, kJournalMagic, sizeof kJournalMagic) != 0) return Corrupt("not a state file: no magic", 0);
  if (Get32(data + kHeaderSize - 4) != Crc32c(0, data, kHeaderSize - 4)) return Corrupt("a bad header", 0);
  const uint32_t version = Get32(data + 8);
  if (version != kJournalVersion || Get32(data + 12) != kHeaderSize)
    return Status::Make(Code::kStateVersion, "format version " + std::to_string(version) +
                                                 "; this program reads version " + std::to_string(kJournalVersion));
  if (const uint32_t edition = Get32(data + 32); edition == 0)
    return Status::Make(Code::kStateVersion,
                        "written by a pre-release of axl-transfer, whose format this program does not read: finalize "
                        "it with the release that wrote it, or delete it together with its temporary files");
  else if (edition != kJournalEdition)
    return Status::Make(Code::kStateVersion, "format edition " + std::to_string(edition) +
                                                 "; this program reads edition " + std::to_string(kJournalEdition));
  for (size_t at = 36; at < kHeaderSize - 4; at++)
    if (data[at] != 0) return Status::Make(Code::kStateVersion, "a header that a later version has written");
  std::memcpy(uuid->data(), data + 16, uuid->size());
  return Status::Ok();
}

}  // namespace

Status ReplayJournal(const uint8_t* data, size_t n, Replay* out) {
  if (Status s = CheckHeader(data, n, &out->state.uuid); !s.ok()) return s;
  const uint32_t seed = Crc32c(0, out->state.uuid.data(), out->state.uuid.size());
  Replayer replayer(&out->state);
  size_t at = kHeaderSize;
  out->valid_bytes = at;
  while (at < n) {
    const int64_t length = RecordAt(data, n, at, seed);
    if (length < 0 || Get32(data + at + 5) != out->next_sequence) break;
    const Cursor payload(data + at + kRecordOverhead - 4, static_cast<size_t>(length));
    if (const char* broken = replayer.Apply(static_cast<RecordType>(data[at + 4]), payload)) return Corrupt(broken, at);
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
