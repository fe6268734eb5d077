// What each record changes, and which rule of order it may break. No I/O, no codec.
#include "journal/apply.h"

#include <string_view>
#include <unordered_set>

#include "base/names.h"
#include "journal/needs.h"

namespace axl {

namespace {

bool IsPath(const std::string& path) { return IsCanonical(path) || IsUri(path); }

bool IsSource(const FileEntry& f) {
  const bool may_lack = f.kind == FileKind::kGenerated || (f.kind == FileKind::kSymlink && f.phase == Phase::kPointer);
  return f.source.empty() ? may_lack : f.kind != FileKind::kGenerated && IsPath(f.source);
}

// nullptr, or what is wrong.
const char* CheckMetadata(const Metadata& m) {
  if (m.mode > 07777) return "a mode of more than its bits";
  for (const Xattr& x : m.xattrs) {
    if (x.name.find('\0') != std::string::npos) return "an xattr with an impossible name";
    if (!IsCopiedXattr(x.name)) return "an xattr that no file is given";
  }
  return nullptr;
}

bool FinalPathsAreUnique(const TransferState& s) {
  std::unordered_set<std::string_view> seen;
  seen.reserve(s.files.size() + s.dirs.size());
  for (const auto& f : s.files)
    if (!seen.insert(f.dest).second) return false;
  for (const auto& d : s.dirs)
    if (!seen.insert(d.path).second) return false;
  return true;
}

// What a FILE asks of whoever goes on with it.
uint32_t NeedsOf(const FileEntry& f) {
  const auto bit = [](bool is, Need need) { return is ? static_cast<uint32_t>(need) : 0; };
  return bit(!IsCanonical(f.dest) || IsUri(f.source), Need::kUri);
}

// The progress of a file of which copies may tell; nullptr if it is none.
FileProgress* InFlight(TransferState& s, uint32_t file) {
  return s.sealed && !s.settled && file < s.files.size() ? &s.progress[file] : nullptr;
}

bool IsOpen(const TransferState& s, uint32_t file) {
  return !s.settled && file < s.files.size() && s.progress[file].state != FileState::kDone;
}

// Are these the bytes that somebody has asked for?
bool IsExpected(const TransferState& s, uint32_t file, uint32_t crc) {
  const auto expected = s.expected.find(file);
  return expected == s.expected.end() || expected->second == crc;
}

void VoidFailures(TransferState* s) {
  for (auto& p : s->progress) {
    if (p.state != FileState::kFailed) continue;
    p.state = FileState::kPending;
    p.failure = {};
  }
}

class Applier {
 public:
  explicit Applier(TransferState* state) : s_(*state) {}

  const char* operator()(TransferRecord& r) {
    TransferInfo& i = r.info;
    if (i.rank >= i.size || i.chunk_size == 0 || i.chunk_size % 4096 != 0) return "a TRANSFER with impossible numbers";
    if (!i.home.empty() && !IsCanonicalDirectory(i.home)) return "a TRANSFER with an unsafe path";
    if (i.dataset == Uuid{}) return "a TRANSFER without a dataset";
    if (i.backend != "native" && !i.axl.is) Needs(Need::kBackend);
    if (i.axl.vendor) Needs(Need::kVendor);
    s_.info = std::move(i);
    return nullptr;
  }

  const char* operator()(FileRecord& r) {
    FileEntry& f = r.file;
    if (s_.sealed || r.id != s_.files.size()) return "a FILE out of order";
    if (!IsPath(f.dest) || !IsSource(f)) return "a FILE with an unsafe path";
    if (f.link_target.find('\0') != std::string::npos || f.size >= 1ull << 63) return "a malformed FILE";
    if (f.kind == FileKind::kHardLink && (f.linked >= r.id || s_.files[f.linked].kind != FileKind::kRegular))
      return "a hard link to no file before it";
    if (const char* broken = CheckMetadata(f.meta)) return broken;
    s_.needs |= NeedsOf(f);
    s_.files.push_back(std::move(f));
    s_.progress.emplace_back();
    return nullptr;
  }

  const char* operator()(DirRecord& r) {
    if (s_.sealed || r.id != s_.dirs.size()) return "a DIR out of order";
    if (!IsCanonical(r.dir.path)) return "a DIR with an unsafe path";
    if (const char* broken = CheckMetadata(r.dir.meta)) return broken;
    s_.dirs.push_back(std::move(r.dir));
    s_.renounced.push_back(false);
    return nullptr;
  }

  const char* operator()(SealedRecord& r) {
    if (s_.sealed) return "a second SEALED";
    if (r.files != s_.files.size() || r.dirs != s_.dirs.size() || r.anchors != s_.anchors.size())
      return "a SEALED with other counts";
    for (const auto& f : s_.files) r.bytes -= f.size;
    if (r.bytes != 0) return "a SEALED with another number of bytes";
    s_.sealed = true;
    s_.dispatched = r.dispatched;
    return FinalPathsAreUnique(s_) ? nullptr : "a final path that occurs twice";
  }

  const char* operator()(ChunkRecord& r) {
    FileProgress* p = InFlight(s_, r.file);
    if (p == nullptr) return "a misplaced CHUNK";
    if (r.chunk.index >= s_.files[r.file].size / s_.info.chunk_size + 1) return "a CHUNK beyond its file";
    p->chunks.push_back(r.chunk);
    return nullptr;
  }

  const char* operator()(DoneRecord& r) {
    FileProgress* p = InFlight(s_, r.file);
    if (p == nullptr || r.mode > 07777 || r.lacking > kLackable) return "a malformed or misplaced DONE";
    FileEntry& file = s_.files[r.file];
    if (r.size != file.size && file.kind != FileKind::kGenerated) return "a DONE with another size";
    if (p->state != FileState::kPending) return "a DONE of a file that has DONE or FAILED";
    if (!IsExpected(s_, r.file, r.crc)) return "a DONE with another CRC than EXPECT says";
    p->state = FileState::kDone;
    p->temporary = std::move(r.temporary);
    p->crc = r.crc;
    p->uid = r.uid, p->gid = r.gid, p->mode = r.mode;
    p->lacking = r.lacking;
    if (r.by_axl) p->by_axl = true;  // only then: other threads read it meanwhile
    if (r.published) p->published = true;
    p->chunks = {};
    // Only then: other threads read the sizes of files meanwhile.
    if (file.kind == FileKind::kGenerated) file.size = r.size;
    return nullptr;
  }

  const char* operator()(FailedRecord& r) {
    FileProgress* p = InFlight(s_, r.file);
    if (p == nullptr) return "a misplaced FAILED";
    if (p->state == FileState::kFailed) return "a second FAILED of a file";
    p->state = FileState::kFailed;
    if (p->by_axl) p->by_axl = false;  // it is copied again
    if (LosesBytes(r.failure)) p->chunks = {};
    p->failure = std::move(r.failure);
    if (r.partial) p->partial = true;
    return nullptr;
  }

  const char* operator()(CanceledRecord&) {
    if (!s_.sealed || s_.settled) return "a misplaced CANCELED";
    s_.canceled = true;
    return nullptr;
  }

  const char* operator()(ResumedRecord&) {
    if (!s_.sealed || s_.settled) return "a misplaced RESUMED";
    s_.canceled = false;
    s_.submitted.clear();  // whoever resumes knows that those jobs have ended
    VoidFailures(&s_);
    return nullptr;
  }

  const char* operator()(RenouncedRecord& r) {
    if (!s_.sealed || r.id >= s_.dirs.size()) return "a misplaced RENOUNCED";
    s_.renounced[r.id] = true;
    return nullptr;
  }

  const char* operator()(SettledRecord&) {
    if (!s_.sealed || s_.settled) return "a misplaced SETTLED";
    if (!s_.AllDone()) return "a SETTLED before every file is DONE";
    s_.settled = true;
    s_.canceled = false;
    return nullptr;
  }

  const char* operator()(PublishedRecord& r) {
    if (!s_.settled || r.id >= s_.files.size()) return "a misplaced PUBLISHED";
    s_.progress[r.id].published = true;
    return nullptr;
  }

  const char* operator()(FinalRecord& r) {
    if (!s_.sealed) return "a misplaced FINAL";
    s_.outcome = r.outcome;
    return r.outcome == Outcome::kPublished && !s_.settled ? "a FINAL published without SETTLED" : nullptr;
  }

  const char* operator()(KeptRecord& r) {
    if (!s_.settled || r.id >= s_.files.size()) return "a misplaced KEPT";
    s_.progress[r.id].kept = true;
    return nullptr;
  }

  const char* operator()(ConfirmedRecord&) {
    if (!s_.settled) return "a misplaced CONFIRMED";
    s_.confirmed = true;
    return nullptr;
  }

  const char* operator()(AnchorRecord& r) {
    if (s_.sealed || r.id != s_.anchors.size()) return "an ANCHOR out of order";
    if (!IsCanonicalDirectory(r.anchor.path)) return "an ANCHOR with an unsafe path";
    s_.anchors.push_back(std::move(r.anchor));
    return nullptr;
  }

  const char* operator()(SubmittedRecord& r) {
    if (!s_.sealed || s_.settled) return "a misplaced SUBMITTED";
    for (const uint32_t file : r.submitted.files)
      if (file >= s_.files.size()) return "a SUBMITTED of no file";
    s_.submitted.push_back(std::move(r.submitted));
    return nullptr;
  }

  const char* operator()(StagedRecord& r) {
    if (!s_.sealed || r.file >= s_.files.size()) return "a misplaced STAGED";
    Staged& staged = s_.staged[r.file];
    if (r.step == Step::kIntent) staged = {};
    if (r.step < staged.step || (r.step != Step::kIntent && staged.step == Step::kNone)) return "a STAGED out of order";
    staged.step = r.step;
    staged.pairs.insert(staged.pairs.end(), r.pairs.begin(), r.pairs.end());
    return Needs(Need::kStaged);
  }

  const char* operator()(DirectionRecord& r) {
    if (!s_.sealed || s_.direction != Direction::kNone) return "a misplaced or second DIRECTION";
    s_.direction = r.direction;
    return r.direction == Direction::kBack ? Needs(Need::kDirection) : nullptr;
  }

  const char* operator()(ContentRecord& r) {
    if (!IsOpen(s_, r.file) || s_.files[r.file].kind != FileKind::kGenerated) return "a misplaced CONTENT";
    s_.contents[r.file] += r.bytes;
    return nullptr;
  }

  const char* operator()(ExpectRecord& r) {
    if (!IsOpen(s_, r.file)) return "a misplaced EXPECT";
    const FileKind kind = s_.files[r.file].kind;
    if (kind != FileKind::kRegular && kind != FileKind::kHardLink) return "an EXPECT of no regular file";
    s_.expected[r.file] = r.crc;
    return nullptr;
  }

  const char* operator()(ReplacesRecord& r) {
    if (!s_.sealed || r.file >= s_.files.size()) return "a misplaced REPLACES";
    s_.replaces[r.file].push_back(std::move(r.identity));
    return nullptr;
  }

  const char* operator()(PhaseRecord& r) {
    if (!s_.settled || static_cast<uint8_t>(r.phase) != s_.phases + 1) return "a misplaced PHASE";
    s_.phases++;
    return nullptr;
  }

  const char* operator()(RetireRecord& r) {
    if (!s_.sealed || r.id != s_.retire.size() || !IsPath(r.retire.path)) return "a malformed or misplaced RETIRE";
    s_.retire.push_back(std::move(r.retire));
    return IsUri(s_.retire.back().path) ? Needs(Need::kUri) : nullptr;
  }

  const char* operator()(RetiredRecord& r) {
    if (!s_.settled || r.id >= s_.retire.size()) return "a misplaced RETIRED";
    s_.retire[r.id].retired = true;
    return nullptr;
  }

  const char* operator()(AdoptedRecord& r) {
    s_.info.self = std::move(r.self);
    s_.info.directory = std::move(r.directory);
    return nullptr;
  }

  const char* operator()(HeartbeatRecord& r) {
    s_.heartbeat = r.time;
    return nullptr;
  }

  const char* operator()(SkippedRecord&) { return nullptr; }

 private:
  const char* Needs(Need need) {
    s_.needs |= static_cast<uint32_t>(need);
    return nullptr;
  }

  TransferState& s_;
};

}  // namespace

const char* Apply(Record&& record, TransferState* state) {
  if (state->outcome != Outcome::kNone) return "a record after FINAL";
  const bool begun = state->info.chunk_size != 0;
  if (std::holds_alternative<TransferRecord>(record) == begun)
    return "TRANSFER is not the first record, or not the only one";
  state->confirmed = false;  // this record is not
  return std::visit(Applier(state), record);
}

}  // namespace axl
