// Fuzzes the reader of state files. Its inputs are state files; what it reads has to be safe to act on, to survive the
// writer, and to claim no more when the file is cut short. See docs/state-format.md, "Rules of order".
#include <random>

#include "base/names.h"
#include "check.h"
#include "frames.h"
#include "journal/needs.h"
#include "journal/reader.h"
#include "journal/writer.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace axl::fuzz {
namespace {

Status Read(const std::string& bytes, Replay* replay) {
  return ReplayJournal(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), replay);
}

// Whatever a state file says: only these names can be deleted or renamed (invariant 8).
void CheckNames(const TransferState& s) {
  for (const FileEntry& f : s.files) {
    PROPERTY(f.source.empty() || IsCanonical(f.source) || IsUri(f.source));
    PROPERTY(f.link_target.find('\0') == std::string::npos && f.size < 1ull << 63);
    if (IsUri(f.dest)) continue;  // of a store: nothing of the file system is named by it
    PROPERTY(IsCanonical(f.dest));
    const std::string temporary = TemporaryPath(f.dest, s.uuid);
    const std::string_view name = BaseOf(temporary);
    PROPERTY(ParentOf(temporary) == ParentOf(f.dest) && name.find('/') == std::string_view::npos);
    PROPERTY(name.ends_with("._AXL" + Hex(s.uuid.data(), 8)));
    PROPERTY(BaseOf(f.dest).size() > 255 || name.size() <= 255);
  }
  for (const DirEntry& d : s.dirs) PROPERTY(IsCanonical(d.path));
}

void CheckProgress(const TransferState& s) {
  PROPERTY(s.progress.size() == s.files.size() && s.renounced.size() == s.dirs.size());
  PROPERTY(!s.settled || (s.sealed && s.AllDone() && !s.canceled));
  PROPERTY(s.outcome != Outcome::kPublished || s.settled);
  for (size_t i = 0; i < s.files.size(); i++) {
    const FileProgress& p = s.progress[i];
    PROPERTY((p.state == FileState::kFailed) == !p.failure->ok());
    PROPERTY(s.settled || !(p.published || p.kept));
    for (const ChunkSum& c : p.chunks) PROPERTY(c.index <= s.files[i].size / s.info.chunk_size);
  }
}

// What is read does not depend on anything but the bytes.
void CheckRepeats(const uint8_t* data, const Replay& r) {
  Replay again;
  PROPERTY(ReplayJournal(data, r.valid_bytes, &again).ok());
  PROPERTY(!again.torn && again.valid_bytes == r.valid_bytes && again.state == r.state);
}

// The plan is written again as it was read. ADOPTED changes what TRANSFER says, DONE the size of a generated file.
void CheckWritten(const uint8_t* data, const Replay& r) {
  const TransferState& s = r.state;
  const auto records = Split(data, r.valid_bytes).records;
  const auto adopted = [](const auto& record) { return record.type == static_cast<uint8_t>(RecordType::kAdopted); };
  if (std::any_of(records.begin(), records.end(), adopted)) return;
  uint32_t sequence = 0, files = 0, dirs = 0, anchors = 0;
  for (const auto& [type, payload] : records) {
    JournalWriter w(s.uuid, sequence++);
    const bool generated = type == 2 && s.files[files].kind == FileKind::kGenerated;
    if (type == 1) w.Write(TransferRecord{s.info});
    if (type == 2) w.Write(FileRecord{files, s.files[files]}), files++;
    if (type == 3) w.Write(DirRecord{dirs, s.dirs[dirs]}), dirs++;
    if (type == 16) w.Write(AnchorRecord{anchors, s.anchors[anchors]}), anchors++;
    if (!w.bytes().empty() && !generated) PROPERTY(w.bytes().substr(9, payload.size()) == payload);
  }
}

// Does a record with a right CRC stand in the bytes [from, n) of a payload? No writer can do that: it knows no UUID
// before it is chosen.
bool HoldsRecord(const uint8_t* data, size_t from, size_t n, const Uuid& uuid) {
  const uint32_t seed = Crc32c(0, uuid.data(), uuid.size());
  for (size_t at = from; at + kRecordOverhead <= n; at++) {
    const size_t length = Get32(data + at), body = kRecordOverhead - 4 + length;
    if (length > n - at - kRecordOverhead) continue;
    if (Crc32c(seed, data + at, body) == Get32(data + at + body)) return true;
  }
  return false;
}

// A kill may cut the file anywhere; then it is as good as before, and says no more than the whole did.
void CheckPrefix(const uint8_t* data, size_t cut, const Replay& whole) {
  Replay part;
  if (!ReplayJournal(data, cut, &part).ok()) {
    PROPERTY(HoldsRecord(data, part.valid_bytes + 1, cut, whole.state.uuid));
    return;
  }
  PROPERTY(part.valid_bytes <= whole.valid_bytes && part.next_sequence <= whole.next_sequence);
  const TransferState &p = part.state, &w = whole.state;
  PROPERTY(p.files.size() <= w.files.size() && p.dirs.size() <= w.dirs.size());
  PROPERTY(p.sealed <= w.sealed && p.settled <= w.settled);
  PROPERTY(p.outcome == Outcome::kNone || p.outcome == w.outcome);
  for (size_t i = 0; i < p.files.size(); i++)
    PROPERTY(p.progress[i].published <= w.progress[i].published && p.progress[i].kept <= w.progress[i].kept);
}

// A resume goes on at valid_bytes, over a torn tail.
void CheckAppend(const uint8_t* data, const Replay& r) {
  const TransferState& s = r.state;
  if (!s.sealed || s.settled || s.outcome != Outcome::kNone) return;
  JournalWriter w(s.uuid, r.next_sequence);
  w.Write(CanceledRecord());
  Replay longer;
  PROPERTY(Read(std::string(reinterpret_cast<const char*>(data), r.valid_bytes) + w.bytes(), &longer).ok());
  PROPERTY(longer.state.canceled && longer.next_sequence == r.next_sequence + 1 && !longer.torn);
}

// What is cut off as torn holds nothing that a power cut while files were copied does not explain.
void CheckTail(const uint8_t* data, size_t n, const Replay& r) {
  if (!r.torn) return;
  const TransferState& s = r.state;
  const uint32_t seed = Crc32c(0, s.uuid.data(), s.uuid.size());
  const bool copying = s.sealed && !s.settled && s.outcome == Outcome::kNone;
  for (size_t at = r.valid_bytes; at + kRecordOverhead <= n; at++) {
    const size_t length = Get32(data + at), body = kRecordOverhead - 4 + length;
    if (length > n - at - kRecordOverhead || Get32(data + at + 5) - r.next_sequence > n / kRecordOverhead) continue;
    if (Crc32c(seed, data + at, body) != Get32(data + at + body)) continue;
    const uint8_t type = data[at + 4];
    if (type == 0 && at > r.valid_bytes) continue;  // which no record has
    PROPERTY(copying && at > r.valid_bytes && ((type >= 5 && type <= 8) || (type & kOptional) != 0));
  }
}

void Change(Frames* frames, std::mt19937* random) {
  auto& records = frames->records;
  const auto any = [&](size_t n) { return (*random)() % n; };
  if (records.empty()) return records.push_back({1, {}});
  const size_t at = any(records.size());
  const size_t choice = any(16);
  if (choice == 0) records.insert(records.begin() + static_cast<ptrdiff_t>(any(records.size())), records[at]);
  if (choice == 1) records.erase(records.begin() + static_cast<ptrdiff_t>(at));
  if (choice == 2) std::swap(records[at], records[any(records.size())]);
  if (choice == 3) records[at].type = static_cast<uint8_t>(any(30) < 28 ? any(28) : any(256));
  if (choice == 4) records.push_back({static_cast<uint8_t>(5 + any(22)), records[at].payload});
  if (choice < 5) return;
  std::string& payload = records[at].payload;
  const size_t size = payload.size();
  payload.resize(size + 64);
  payload.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(payload.data()), size, size + 64));
}

size_t Fill(const std::string& bytes, uint8_t* data, size_t max) {
  const size_t n = std::min(bytes.size(), max);
  std::memcpy(data, bytes.data(), n);
  return n;
}

void Lose(uint8_t* data, size_t n, std::mt19937* random) {
  if (n <= kHeaderSize) return;
  const size_t from = kHeaderSize + (*random)() % (n - kHeaderSize);
  std::memset(data + from, 0, std::min<size_t>(n - from, 1 + (*random)() % 64));
}

}  // namespace
}  // namespace axl::fuzz

// Records are changed and framed again; one in 16 inputs is spoiled as it is, one in 16 cut, and of one in 8 some bytes
// are lost, as a page is in a power cut.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max, unsigned seed) {
  using namespace axl::fuzz;
  std::mt19937 random(seed);
  if (random() % 16 == 0) return LLVMFuzzerMutate(data, size, max);
  Frames frames = Split(data, size);
  for (unsigned n = 1 + random() % 3; n > 0; n--) Change(&frames, &random);
  const size_t n = Fill(Whole(frames), data, max);
  if (random() % 8 == 0) Lose(data, n, &random);
  return random() % 16 == 0 ? n - random() % 40 : n;
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* a, size_t a_size, const uint8_t* b, size_t b_size,
                                            uint8_t* out, size_t max, unsigned seed) {
  using namespace axl::fuzz;
  Frames frames = Split(a, a_size);
  const Frames other = Split(b, b_size);
  if (other.records.empty()) return Fill(Whole(frames), out, max);
  const size_t from = seed % other.records.size();
  frames.records.resize(seed / 256 % (frames.records.size() + 1));
  frames.records.insert(frames.records.end(), other.records.begin() + static_cast<ptrdiff_t>(from),
                        other.records.end());
  return Fill(Whole(frames), out, max);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t n) {
  using namespace axl;
  using namespace axl::fuzz;
  Replay r;
  const Status s = ReplayJournal(data, n, &r);
  PROPERTY(s.ok() || s.code == Code::kStateCorrupt || s.code == Code::kStateVersion);
  PROPERTY(r.valid_bytes <= n);
  CheckNames(r.state);  // also of what cannot be believed: `list` and `inspect` show it
  if (!s.ok()) return 0;
  PROPERTY(r.torn == (r.valid_bytes < n));
  CheckProgress(r.state);
  CheckTail(data, n, r);
  CheckRepeats(data, r);
  CheckWritten(data, r);
  CheckPrefix(data, kHeaderSize + (n == kHeaderSize ? 0 : Crc32c(0, data, n) % (n - kHeaderSize)), r);
  CheckAppend(data, r);
  return 0;
}
