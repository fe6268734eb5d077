// Temporary files that no state file names: found, and deleted. Which of those that are found are orphans is the
// caller's to say: it must list them before it looks for state files, which are made first.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/record.h"
#include "base/status.h"
#include "os/os.h"

namespace axl {

struct TemporaryFile {
  std::string path;
  std::string digits;      // the first of its transfer's UUID
  std::string final_path;  // empty: the temporary name does not hold all of it
  bool symlink = false;
  uint64_t bytes = 0;
  uint32_t uid = 0;
  Time modified;  // contents
  Time changed;   // contents, or owner, mode, times, names
};

struct TemporaryFiles {
  std::vector<TemporaryFile> files;
  std::vector<Status> unreadable;
};

// In `dir`, a canonical path. No link is followed, snapshots are not entered.
TemporaryFiles FindTemporaryFiles(Os& os, const std::string& dir, bool recursive);

struct Removal {
  bool open = false;  // left: a process has the file open
  Status status;      // why it was not deleted, or may come back
};

// Deletes what still is the file that was found, in their order, then fsyncs the directories. kUnsafePath: a directory
// has become a link; kConflict: something else stands there now. What is gone counts as deleted.
std::vector<Removal> RemoveTemporaryFiles(Os& os, const std::vector<TemporaryFile>& files);

}  // namespace axl
