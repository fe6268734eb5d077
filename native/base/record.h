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
enum class OwnerPolicy : uint8_t { kFail = 1, kWarn = 2, kSkip = 3 };

struct Time {
  int64_t sec = 0;
  uint32_t nsec = 0;
  friend bool operator==(const Time&, const Time&) = default;
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
  uint64_t start_time = 0;  // of the writing process, in clock ticks after boot; field 22 of /proc/PID/stat
  Durability durability = Durability::kFull;
  OwnerPolicy owner = OwnerPolicy::kWarn;
  uint32_t chunk_size = 0;  // bytes
  std::string job;          // of the scheduler or launcher; empty: none is known
  uint32_t local_rank = kNoLocalRank;
  bool all_ranks = false;  // to be published only with all ranks of its dataset
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
