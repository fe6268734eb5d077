// Looks at state files without touching them: what `inspect`, `list` and the verdict on a dataset are made of.
// Takes no lasting lock, so what it says of a live transfer is true for that moment only.
#pragma once

#include <string>
#include <vector>

#include "base/answer.h"
#include "base/engine.h"
#include "base/record.h"
#include "base/status.h"
#include "journal/liveness.h"
#include "journal/reader.h"
#include "os/os.h"

namespace axl {

enum class Standing : uint8_t {
  kComplete = 0,  // every file is DONE: it can be published
  kIncomplete,    // dispatched, and some file is not DONE
  kNeverDispatched,
  kPublished,   // FINAL
  kRolledBack,  // FINAL
  kNotState,
  kGone,
  kCorrupt,  // corrupt or of another version; what could be read is there
  kUnreadable,
  kCopy,  // of a state file; what it says is there
};

struct Surveyed {
  std::string state_file;
  Standing standing = Standing::kUnreadable;
  Answer alive = Answer::kNo;  // its writer, a finalizer, or a mover?
  Status why;                  // unless that is no
  Status status;
  Uuid uuid{};
  std::string name;
  bool axl = false;  // a state file of the C library AXL
  uint32_t rank = 0;
  uint32_t size = 0;
  uint32_t uid = 0;  // owner of the state file
  Time modified;     // of the state file
  uint64_t files = 0;
  uint64_t files_done = 0;
  uint64_t files_failed = 0;
  uint64_t files_published = 0;
  std::vector<uint64_t> files_of_phase = {0, 0, 0};  // data, commit, pointer
  uint64_t bytes = 0;
  uint64_t bytes_done = 0;  // of files that are DONE, and of chunks of others
  Lacking lacking;          // of files that are DONE
  bool canceled = false;
  bool settled = false;
  std::string host;
  uint32_t pid = 0;
  bool all_ranks = false;  // to be published only with all ranks of its dataset
  Uuid dataset{};
  uint64_t attempt = 0;
  std::string job;
  std::vector<Submitted> jobs;  // that may run
  bool in_phases = false;       // there are files of other phases than data
  bool replaces_data = false;   // perhaps
  bool old_commit = false;      // an old commit file may stand where one of it is to stand
  uint8_t phases = 0;           // how many are published; with FINAL all of them
  Time dispatched;
  std::string home;  // where its dataset's verdict lives; empty: the directory of the state file
};

// One state file; *replay, if given, holds all that could be read.
Surveyed Survey(Os& os, const std::string& path, const Word& word = {}, Replay* replay = nullptr);
std::vector<Surveyed> SurveyBatch(Os& os, Engine& engine, const std::vector<std::string>& paths, unsigned jobs,
                                  const Word& word);

struct Meetings {
  // For each path, the first of those that belong together; itself, if none does.
  std::vector<uint32_t> first;
  // Is it a transfer of AXL that shares a destination with another one, so that both have one temporary name there? See
  // RefuseSharedByAxl. Hashes are compared: who acts on it looks at the paths.
  std::vector<bool> shared;
};
// Which transfers have final names in common, be it through others. What cannot be read meets none.
Meetings FindMeetings(Os& os, Engine& engine, const std::vector<std::string>& paths, unsigned jobs);

// What a name in a directory stands for, seen without opening it.
struct Owned {
  enum class Kind : uint8_t { kAbsent = 0, kFile, kOther, kUnseen };
  Kind kind = Kind::kAbsent;
  uint32_t uid = 0;
};

// `dir` is canonical: no link in it is followed. kUnseen: it cannot be looked at.
std::vector<Owned> SurveyOwners(Os& os, Engine& engine, const std::string& dir, const std::vector<std::string>& names,
                                unsigned jobs);

}  // namespace axl
