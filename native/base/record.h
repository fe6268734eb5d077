// What a state file says, as plain structs: the transfer, its files and directories, and how far it came.
// No I/O, no codec. Paths are bytes: absolute, canonical, without an embedded NUL.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"

namespace axl {

using Uuid = std::array<uint8_t, 16>;

enum class Durability : uint8_t { kFull = 1, kNone = 2 };
// What to do where the system refuses an owner (a mode, times ...).
enum class OwnerPolicy : uint8_t { kFail = 1, kWarn = 2, kSkip = 3 };
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
  friend bool operator==(const Time&, const Time&) = default;
};

// How a file is known again. What is zero, or empty, is not known; `more` is what only few file systems tell.
struct Identity {
  struct More {
    Time birth;
    std::string handle;  // of name_to_handle_at, with its generation
    friend bool operator==(const More&, const More&) = default;
  };
  uint64_t inode = 0;
  Time ctime;
  Rare<More> more;
  friend bool operator==(const Identity&, const Identity&) = default;
};

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

enum class FileKind : uint8_t { kRegular = 1, kSymlink = 2 };

struct FileEntry {  // its id is its index
  FileKind kind = FileKind::kRegular;
  std::string source;
  std::string dest;  // the final path; the temporary name follows from it and the UUID, see names.h
  std::string link_target;
  uint64_t size = 0;
  uint64_t source_inode = 0;
  Time source_ctime;
  Metadata meta;
};

// A directory that the transfer makes, parents before children. Its id is its index.
struct DirEntry {
  std::string path;
  bool described = false;  // has a source whose metadata it gets; false for a parent made on the way
  Metadata meta;
};

inline constexpr uint32_t kNoLocalRank = UINT32_MAX;

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
  OwnerPolicy owner = OwnerPolicy::kWarn;
  OwnerPolicy mode = OwnerPolicy::kFail;  // this and the next three are recorded for who comes; kFail is what is done
  OwnerPolicy times = OwnerPolicy::kFail;
  OwnerPolicy xattrs = OwnerPolicy::kFail;
  OwnerPolicy acls = OwnerPolicy::kFail;
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
};

// Is what was written lost, whatever a later fsync says? Then no chunk of the file is kept (invariant 5).
inline bool LosesBytes(const Status& s) { return s.call == "fsync" || s.call == "close"; }

enum class FileState : uint8_t { kPending, kDone, kFailed };

struct ChunkSum {
  uint32_t index = 0;
  uint32_t crc = 0;
};

// Why a file failed. Few do: the others do not pay for four strings each.
class Failure {
 public:
  Failure() = default;
  Failure(Status status) : status_(status.ok() ? nullptr : std::make_shared<const Status>(std::move(status))) {}
  bool ok() const { return status_ == nullptr; }
  operator const Status&() const {
    static const Status none;
    return status_ ? *status_ : none;
  }

 private:
  std::shared_ptr<const Status> status_;
};

struct FileProgress {
  FileState state = FileState::kPending;
  uint64_t inode = 0;       // of the temporary file, once DONE
  uint32_t crc = 0;         // of the whole file, once DONE
  bool owner_given = true;  // false: chown was refused or skipped, so setuid and setgid are masked
  bool published = false;
  bool kept = false;  // its destination existed, and was to stay: there is nothing to publish
  std::vector<ChunkSum> chunks;
  Failure failure;  // the first one: invariant 6
};

enum class Outcome : uint8_t { kNone = 0, kPublished = 1, kRolledBack = 2 };

struct TransferState {
  Uuid uuid{};
  TransferInfo info;
  std::vector<FileEntry> files;
  std::vector<FileProgress> progress;  // parallel to files
  std::vector<DirEntry> dirs;
  std::vector<bool> renounced;  // parallel to dirs: somebody else made it, so it is not ours to remove
  bool sealed = false;          // dispatched
  bool settled = false;         // every file is DONE and every name of it durable: from here on it can be published
  bool confirmed = false;       // the journal ends with the word that all of it is on the disk
  bool canceled = false;
  Outcome outcome = Outcome::kNone;

  bool AllDone() const {
    for (const auto& p : progress)
      if (p.state != FileState::kDone) return false;
    return true;
  }
};

}  // namespace axl
