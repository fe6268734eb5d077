// The records of a state file as values, in the order of the page: each with its type, and with its fields in the order
// in which they are written. The reader and the writer both go through Fields; what a record means is apply.cc's.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/codec.h"
#include "base/record.h"
#include "base/status.h"
#include "journal/format.h"

namespace axl {

struct TransferRecord {
  static constexpr RecordType kType = RecordType::kTransfer;
  TransferInfo info;
  static void Fields(auto& r, auto& v) {
    auto& i = r.info;
    v(i.name, i.backend, i.rank, i.size, i.host, i.boot_id, i.pid, i.start_time, i.pid_namespace, i.durability);
    v(i.keep.owner, i.keep.mode, i.keep.times, i.keep.xattrs, i.keep.acls);
    v(i.chunk_size, i.job, i.local_rank, i.all_ranks, i.dataset, i.attempt);
    v(i.home, i.home_identity, i.self, i.directory, i.inodes, i.heartbeat_ms);
  }
};

struct FileRecord {
  static constexpr RecordType kType = RecordType::kFile;
  uint32_t id = 0;
  FileEntry file;
  static void Fields(auto& r, auto& v) {
    auto& f = r.file;
    v(r.id, f.kind, f.phase, f.source, f.dest, f.size, f.source_inode, f.source_ctime, f.meta, f.stood);
    if (f.stood == Stood::kSomething) v(f.there);
    if (f.kind == FileKind::kSymlink) v(f.link_target);
    if (f.kind == FileKind::kHardLink) v(f.linked);
  }
};

struct DirRecord {
  static constexpr RecordType kType = RecordType::kDir;
  uint32_t id = 0;
  DirEntry dir;
  static void Fields(auto& r, auto& v) {
    v(r.id, r.dir.path, r.dir.described);
    if (r.dir.described) v(r.dir.meta);
  }
};

struct SealedRecord {
  static constexpr RecordType kType = RecordType::kSealed;
  uint32_t files = 0, dirs = 0, anchors = 0;
  uint64_t bytes = 0;
  Time dispatched;
  static void Fields(auto& r, auto& v) { v(r.files, r.dirs, r.anchors, r.bytes, r.dispatched); }
};

struct ChunkRecord {
  static constexpr RecordType kType = RecordType::kChunk;
  uint32_t file = 0;
  ChunkSum chunk;
  static void Fields(auto& r, auto& v) { v(r.file, r.chunk.index, r.chunk.crc); }
};

struct DoneRecord {
  static constexpr RecordType kType = RecordType::kDone;
  uint32_t file = 0;
  Identity temporary;
  uint64_t size = 0;
  uint32_t crc = 0, uid = 0, gid = 0, mode = 0;
  uint8_t lacking = 0;
  bool by_axl = false, published = false;  // never written: where AXL has put it
  static void Fields(auto& r, auto& v) { v(r.file, r.temporary, r.size, r.crc, r.uid, r.gid, r.mode, r.lacking); }
};

struct FailedRecord {
  static constexpr RecordType kType = RecordType::kFailed;
  uint32_t file = 0;
  Status failure;
  bool partial = false;  // never written
  static void Fields(auto& r, auto& v) {
    auto& f = r.failure;
    v(r.file, f.code, f.err, f.call, f.path, f.dest, f.detail);
  }
};

// A record without fields.
template <RecordType type>
struct MarkRecord {
  static constexpr RecordType kType = type;
  static void Fields(auto&, auto&) {}
};
using CanceledRecord = MarkRecord<RecordType::kCanceled>;
using ResumedRecord = MarkRecord<RecordType::kResumed>;
using SettledRecord = MarkRecord<RecordType::kSettled>;
using ConfirmedRecord = MarkRecord<RecordType::kConfirmed>;

// A record that names one of something.
template <RecordType type>
struct NumberRecord {
  static constexpr RecordType kType = type;
  uint32_t id = 0;
  static void Fields(auto& r, auto& v) { v(r.id); }
};
using RenouncedRecord = NumberRecord<RecordType::kRenounced>;  // a directory
using PublishedRecord = NumberRecord<RecordType::kPublished>;  // a file
using KeptRecord = NumberRecord<RecordType::kKept>;            // a file
using RetiredRecord = NumberRecord<RecordType::kRetired>;      // a RETIRE

struct FinalRecord {
  static constexpr RecordType kType = RecordType::kFinal;
  Outcome outcome = Outcome::kPublished;
  static void Fields(auto& r, auto& v) { v(r.outcome); }
};

struct AnchorRecord {
  static constexpr RecordType kType = RecordType::kAnchor;
  uint32_t id = 0;
  Anchor anchor;
  static void Fields(auto& r, auto& v) { v(r.id, r.anchor.path, r.anchor.identity); }
};

struct SubmittedRecord {
  static constexpr RecordType kType = RecordType::kSubmitted;
  Submitted submitted;
  static void Fields(auto& r, auto& v) { v(r.submitted.mover, r.submitted.token, r.submitted.files); }
};

struct StagedRecord {
  static constexpr RecordType kType = RecordType::kStaged;
  uint32_t file = 0;
  Step step = Step::kIntent;
  std::vector<Pair> pairs;
  static void Fields(auto& r, auto& v) { v(r.file, r.step, r.pairs); }
};

struct DirectionRecord {
  static constexpr RecordType kType = RecordType::kDirection;
  Direction direction = Direction::kForward;
  static void Fields(auto& r, auto& v) { v(r.direction); }
};

struct ContentRecord {
  static constexpr RecordType kType = RecordType::kContent;
  uint32_t file = 0;
  std::string bytes;
  static void Fields(auto& r, auto& v) { v(r.file, r.bytes); }
};

struct ExpectRecord {
  static constexpr RecordType kType = RecordType::kExpect;
  uint32_t file = 0, crc = 0;
  static void Fields(auto& r, auto& v) { v(r.file, r.crc); }
};

struct ReplacesRecord {
  static constexpr RecordType kType = RecordType::kReplaces;
  uint32_t file = 0;
  Identity identity;
  static void Fields(auto& r, auto& v) { v(r.file, r.identity); }
};

struct PhaseRecord {
  static constexpr RecordType kType = RecordType::kPhase;
  Phase phase = Phase::kData;
  static void Fields(auto& r, auto& v) { v(r.phase); }
};

struct RetireRecord {
  static constexpr RecordType kType = RecordType::kRetire;
  uint32_t id = 0;
  Retire retire;
  static void Fields(auto& r, auto& v) { v(r.id, r.retire.path, r.retire.identity, r.retire.size, r.retire.crc); }
};

struct AdoptedRecord {
  static constexpr RecordType kType = RecordType::kAdopted;
  Identity self, directory;
  static void Fields(auto& r, auto& v) { v(r.self, r.directory); }
};

struct HeartbeatRecord {
  static constexpr RecordType kType = RecordType::kHeartbeat;
  Time time;
  static void Fields(auto& r, auto& v) { v(r.time); }
};

// An optional record of a later release: there, and nothing more is known.
struct SkippedRecord {};

using Record = std::variant<TransferRecord, FileRecord, DirRecord, SealedRecord, ChunkRecord, DoneRecord, FailedRecord,
                            CanceledRecord, ResumedRecord, RenouncedRecord, SettledRecord, PublishedRecord, FinalRecord,
                            KeptRecord, ConfirmedRecord, AnchorRecord, SubmittedRecord, StagedRecord, DirectionRecord,
                            ContentRecord, ExpectRecord, ReplacesRecord, PhaseRecord, RetireRecord, RetiredRecord,
                            AdoptedRecord, HeartbeatRecord, SkippedRecord>;

}  // namespace axl
