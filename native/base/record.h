// What a state file says, as plain structs: the transfer, its files and directories, and how far it came.
// No I/O, no codec. Paths are bytes: absolute, canonical, without an embedded NUL.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/status.h"

namespace axl {

using Uuid = std::array<uint8_t, 16>;

enum class Durability : uint8_t { kFull = 1, kNone = 2 };
// What to do where the system refuses an owner (a mode, times ...).
enum class OwnerPolicy : uint8_t { kFail = 1, kWarn = 2, kSkip = 3 };
// One for each part of the metadata. Capabilities, setuid and setgid are the owner's. `acls` kSkip: a file gets what
// its directory gives to new files.
struct Policies {
  OwnerPolicy owner = OwnerPolicy::kWarn;
  OwnerPolicy mode = OwnerPolicy::kFail;
  OwnerPolicy times = OwnerPolicy::kFail;
  OwnerPolicy xattrs = OwnerPolicy::kFail;
  OwnerPolicy acls = OwnerPolicy::kFail;
  friend bool operator==(const Policies&, const Policies&) = default;
};
// What inode numbers are worth on the file system of the destinations.
enum class Inodes : uint8_t { kStable = 1, kMeanNothing = 2, kNotProbed = 3 };

// A value that few have: the others do not pay for it. Copies share it.
template <class T>
class Rare {
 public:
  Rare() = default;
  Rare(T value) : value_(value == T{} ? nullptr : std::make_shared<const T>(std::move(value))) {}
  operator const T&() const { return **this; }
  const T* operator->() const { return &**this; }
  const T& operator*() const {
    static const T none{};
    return value_ ? *value_ : none;
  }
  explicit operator bool() const { return value_ != nullptr; }
  friend bool operator==(const Rare& a, const Rare& b) { return a.value_ == b.value_ || *a == *b; }

 private:
  std::shared_ptr<const T> value_;
};

struct Time {
  int64_t sec = 0;
  uint32_t nsec = 0;
  friend auto operator<=>(const Time&, const Time&) = default;
};

// How a file is known again. What is zero, or empty, is not known.
struct Identity {
  uint64_t inode = 0;
  Time ctime = {};
  Time birth = {};
  Rare<std::string> handle = {};  // of name_to_handle_at, with its generation
  friend bool operator==(const Identity&, const Identity&) = default;
};

// A user or a group that the writer's user namespace has no number for: nobody can be given that.
inline constexpr uint32_t kUnknownId = UINT32_MAX;

struct Xattr {
  std::string name;
  std::string value;
  friend bool operator==(const Xattr&, const Xattr&) = default;
};

// Everything that publishing needs to make a file like its source, which may be gone by then.
struct Metadata {
  uint32_t mode = 0;  // the permission bits, with setuid, setgid and sticky
  uint32_t uid = 0;
  uint32_t gid = 0;
  Time atime;
  Time mtime;
  std::vector<Xattr> xattrs;
  friend bool operator==(const Metadata&, const Metadata&) = default;
};

enum class FileKind : uint8_t { kRegular = 1, kSymlink = 2, kHardLink = 3, kGenerated = 4 };
// When a file gets its final name: those of a phase once all of the phase before have theirs, of all ranks.
enum class Phase : uint8_t { kData = 1, kCommit = 2, kPointer = 3 };
// What stood at the final name when the file was added.
enum class Stood : uint8_t { kNothing = 1, kSomething = 2, kNotLooked = 3 };

struct FileEntry {  // its id is its index
  FileKind kind = FileKind::kRegular;
  Phase phase = Phase::kData;
  Stood stood = Stood::kNotLooked;
  uint32_t linked = 0;  // of a hard link: the file whose inode it shares
  std::string source;   // empty for what the transfer generates
  std::string dest;     // the final path; the temporary name follows from it and the UUID, see names.h
  std::string link_target;
  uint64_t size = 0;
  uint64_t source_inode = 0;
  Time source_ctime;
  Metadata meta;
  Rare<Identity> there;  // what stood at the final name
  friend bool operator==(const FileEntry&, const FileEntry&) = default;
};

// A directory that the transfer makes, parents before children. Its id is its index.
struct DirEntry {
  std::string path;
  bool described = false;  // has a source whose metadata it gets; false for a parent made on the way
  Metadata meta;
  friend bool operator==(const DirEntry&, const DirEntry&) = default;
};

// A directory that the transfer did not make, and that it puts something into: that what is below it is not there may
// be believed only if it is the same. Its id is its index.
struct Anchor {
  std::string path;
  Identity identity;
  friend bool operator==(const Anchor&, const Anchor&) = default;
};

inline constexpr uint32_t kNoLocalRank = UINT32_MAX;

// Of a transfer of the C library AXL, which its KVTree file tells of: see docs/reference/kvtree.md. No record holds it.
struct OfAxl {
  bool is = false;
  std::string suffix;                 // of its temporary names; empty: it copied to the final names
  bool completed = false;             // it said that every file has its final name
  bool undone = false;                // it was canceled, or failed: whatever is there counts for nothing
  bool vendor = false;                // something else moved the bytes, and may do so still
  std::vector<uint32_t> failed = {};  // files, ascending
  friend bool operator==(const OfAxl&, const OfAxl&) = default;
};

struct TransferInfo {
  std::string name;
  std::string backend = "native";
  uint32_t rank = 0;
  uint32_t size = 1;
  std::string host;
  std::string boot_id;
  uint32_t pid = 0;
  uint64_t start_time = 0;     // of the writing process, in clock ticks after boot; field 22 of /proc/PID/stat
  uint64_t pid_namespace = 0;  // of that process: the inode of /proc/self/ns/pid; 0: unknown
  Durability durability = Durability::kFull;
  Policies keep;
  uint32_t chunk_size = 0;  // bytes
  std::string job;          // of the scheduler or launcher; empty: none is known
  uint32_t local_rank = kNoLocalRank;
  bool all_ranks = false;  // to be published only with all ranks of its dataset
  Uuid dataset{};          // the same for all its ranks, and for no other; see DatasetId in names.h
  uint64_t attempt = 0;    // how often the job was started again
  std::string home;        // canonical: where the dataset's verdict lives; empty: the directory of the state file
  Identity home_identity;
  Identity self;       // of the state file
  Identity directory;  // of its directory
  Inodes inodes = Inodes::kNotProbed;
  uint32_t heartbeat_ms = 0;  // 0: the writer writes none
  OfAxl axl = {};
  friend bool operator==(const TransferInfo&, const TransferInfo&) = default;
};

// Is what was written lost, whatever a later fsync says? Then no chunk of the file is kept (invariant 5).
inline bool LosesBytes(const Status& s) { return s.call == "fsync" || s.call == "close"; }

enum class FileState : uint8_t { kPending, kDone, kFailed };

struct ChunkSum {
  uint32_t index = 0;
  uint32_t crc = 0;
  friend bool operator==(const ChunkSum&, const ChunkSum&) = default;
};

// What a file could not be given: bits of FileProgress::lacking.
inline constexpr uint8_t kLacksOwner = 1, kLacksMode = 2, kLacksTimes = 4, kLacksXattrs = 8, kLacksAcls = 16,
                         kLacksCapabilities = 32;
inline constexpr uint8_t kLackable = 63;  // all of them

// How many files and directories lack something, and what any of them lacks.
struct Lacking {
  uint64_t count = 0;
  uint8_t bits = 0;
  void Add(uint8_t lacks) {
    count += lacks != 0;
    bits |= lacks;
  }
};

struct FileProgress {
  FileState state = FileState::kPending;
  uint8_t lacking = 0;
  bool published = false;
  bool kept = false;                    // its destination existed, and was to stay: there is nothing to publish
  bool by_axl = false;                  // AXL has brought it, to a temporary name of its own
  bool partial = false;                 // a destination that AXL has begun to write
  uint32_t crc = 0;                     // of the whole file, once DONE, as the next four
  uint32_t uid = 0, gid = 0, mode = 0;  // that the temporary file has
  Identity temporary;
  std::vector<ChunkSum> chunks;
  Rare<Status> failure;                                              // the first one: invariant 6
  bool owner_given() const { return (lacking & kLacksOwner) == 0; }  // if not, setuid and setgid are masked
  friend bool operator==(const FileProgress&, const FileProgress&) = default;
};

enum class Outcome : uint8_t { kNone = 0, kPublished = 1, kRolledBack = 2 };
enum class Direction : uint8_t { kNone = 0, kForward = 1, kBack = 2 };
enum class Step : uint8_t { kNone = 0, kIntent = 1, kBegun = 2, kStaged = 3 };

// Who moves bytes of this transfer, and what the mover calls that.
struct Submitted {
  std::string mover, token;
  std::vector<uint32_t> files;  // none: every file
  friend bool operator==(const Submitted&, const Submitted&) = default;
};

struct Pair {
  std::string key, value;
  friend bool operator==(const Pair&, const Pair&) = default;
};

// What a store calls the temporary form of a file.
struct Staged {
  Step step = Step::kNone;
  std::vector<Pair> pairs;  // of all steps since the intent
  friend bool operator==(const Staged&, const Staged&) = default;
};

// Something older that is deleted once the transfer is published.
struct Retire {
  std::string path;
  Identity identity;
  uint64_t size = 0;
  uint32_t crc = 0;  // of its listing
  bool retired = false;
  friend bool operator==(const Retire&, const Retire&) = default;
};

// Only journal/apply.cc changes one.
struct TransferState {
  Uuid uuid{};
  TransferInfo info;
  std::vector<FileEntry> files;
  std::vector<FileProgress> progress;  // parallel to files
  std::vector<DirEntry> dirs;
  std::vector<bool> renounced;  // parallel to dirs: somebody else made it, so it is not ours to remove
  std::vector<Anchor> anchors;
  Time dispatched;
  bool sealed = false;     // dispatched
  bool settled = false;    // every file is DONE and every name of it durable: from here on it can be published
  bool confirmed = false;  // the journal ends with the word that all of it is on the disk
  bool canceled = false;
  Outcome outcome = Outcome::kNone;

  uint32_t needs = 0;  // what this program does not do: bits of Need, see journal/needs.h
  std::vector<Submitted> submitted;
  std::map<uint32_t, Staged> staged;         // by file, as the next three
  std::map<uint32_t, std::string> contents;  // of generated files
  std::map<uint32_t, uint32_t> expected;     // CRC
  std::map<uint32_t, std::vector<Identity>> replaces;
  Direction direction = Direction::kNone;
  uint8_t phases = 0;  // how many phases are published
  std::vector<Retire> retire;
  Time heartbeat;

  bool AllDone() const {
    for (const auto& p : progress)
      if (p.state != FileState::kDone) return false;
    return true;
  }
  // Of all files.
  uint64_t Bytes() const {
    uint64_t bytes = 0;
    for (const auto& file : files) bytes += file.size;
    return bytes;
  }
  friend bool operator==(const TransferState&, const TransferState&) = default;
};

// Was `a` dispatched before `b`? Of two at the same moment one is.
inline bool IsOlder(const TransferState& a, const TransferState& b) {
  const auto when = [](const TransferState& s) { return std::tie(s.dispatched.sec, s.dispatched.nsec, s.uuid); };
  return when(a) < when(b);
}

}  // namespace axl
