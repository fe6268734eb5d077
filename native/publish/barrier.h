// Fsyncs directories, each once for however many files and transfers asked: invariant 4's "the rename is durable".
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/status.h"
#include "journal/journal.h"
#include "os/os.h"
#include "publish/made.h"

namespace axl {

class DirectoryBarrier {
 public:
  explicit DirectoryBarrier(Os& os) : os_(os) {}
  void Need(std::string_view dir);
  // Fsyncs all that were needed. Results stay readable.
  void Run();
  // Of one directory that was needed; a directory that was not is an error.
  Status Result(std::string_view dir) const;
  // The first failure of any.
  Status First() const;

 private:
  Status Sync(const std::string& dir);

  Os& os_;
  std::map<std::string, Status, std::less<>> wanted_;
};

// Rehearses what directories get, makes the names of all temporary files durable, then SETTLED: from here on the
// transfer is committed. REQUIRES: every file is DONE.
Status Settle(Os& os, Journal& journal, const MadeDirectories& made);

}  // namespace axl
