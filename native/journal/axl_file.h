// A state file of AXL on the disk, read into the same state as our own journal. Writes nothing.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "journal/reader.h"
#include "os/os.h"

namespace axl {

// Is it a name that SCR gives the state files of AXL? An empty file of that name is one that AXL was writing.
bool IsAxlName(std::string_view name);
// Is this what ReplayAxl is for: does the file begin like KVTree's, or is it an empty one of such a name?
bool IsOfAxl(const uint8_t* data, size_t n, std::string_view name);

// Where links lead to, each asked once: for the state files of one batch, which most often have one directory. What is
// made of it is opened without following links. Thread-safe.
class RealPaths {
 public:
  explicit RealPaths(Os& os) : os_(os) {}
  // As it is, if that cannot be told.
  std::string Of(std::string_view dir);

 private:
  Os& os_;
  std::mutex mutex_;  // guards known_
  std::map<std::string, std::string, std::less<>> known_;
};

// `sources`: they are looked at, because they are to be copied again. *is_axl: false for a KVTree file of another
// program. Directories of destinations are those that links lead to now, or led to when `real` was asked before.
Status ReplayAxl(Os& os, int fd, uint64_t size, bool sources, RealPaths* real, Replay* out, bool* is_axl);
// The final names alone, if that can be read. *at_work: it has a temporary name for each, and AXL has not completed it.
// False: it is none of AXL's, or says nothing.
bool ReadAxlNames(Os& os, int fd, uint64_t size, RealPaths* real, std::vector<std::string>* names, bool* at_work);
// The same of bytes, without a look at the disk.
Status ReplayAxl(const uint8_t* data, size_t n, Replay* out, bool* is_axl);

}  // namespace axl
