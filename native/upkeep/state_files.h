// Which transfers have a state file below a directory: by the header alone, so that corrupt state files and those of
// other versions count, too. Touches nothing, takes no lock.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/answer.h"
#include "base/engine.h"
#include "base/record.h"
#include "base/status.h"
#include "os/os.h"

namespace axl {

struct Identified {
  Answer is = Answer::kNo;  // a state file?
  Status why;               // it cannot be told
  Uuid uuid{};              // if it is one, or may be one
  std::string name;         // of its transfer, if that could be read
};

// The regular file at `path`; nothing else is a state file. What is empty, cut short, compressed, zeroed or unreadable
// may have been one.
Identified Identify(Os& os, const std::string& path);

// The bytes with the header and all of TRANSFER.
Status ReadBeginning(Os& os, int fd, const std::string& path, std::string* bytes);

struct StateFiles {
  uint64_t count = 0;  // that are state files
  std::vector<Uuid> uuids;
  std::vector<Status> unclear;  // what could not be read, or may be a state file
};

// Below `dir`, a canonical path, with its subdirectories.
StateFiles FindStateFiles(Os& os, Engine& engine, const std::string& dir, unsigned jobs);

}  // namespace axl
