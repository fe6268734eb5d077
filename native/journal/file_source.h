// The bytes of a state file that is open.
#pragma once

#include "journal/reader.h"
#include "os/os.h"

namespace axl {

class FileSource final : public JournalSource {
 public:
  FileSource(Os& os, int fd) : os_(os), fd_(fd) {}
  ssize_t Read(void* data, size_t n, uint64_t at) override;
  uint64_t SkipHole(uint64_t at) override;

 private:
  Os& os_;
  const int fd_;
  bool asked_ = false, holes_ = false;
};

}  // namespace axl
