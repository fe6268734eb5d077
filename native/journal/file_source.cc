// Holes are believed only where one kernel has the whole file: GlusterFS calls a hole what another host has not
// flushed.
#include "journal/file_source.h"

#include <unistd.h>

#include <cerrno>

#include "os/locks.h"

namespace axl {

ssize_t FileSource::Read(void* data, size_t n, uint64_t at) {
  return ReadFull(os_, fd_, data, n, static_cast<off_t>(at));
}

uint64_t FileSource::SkipHole(uint64_t at) {
  if (!asked_) holes_ = LocksOf(os_, fd_).reach == LockReach::kThisHost;
  asked_ = true;
  const off_t data = holes_ ? os_.Seek(fd_, static_cast<off_t>(at), SEEK_DATA) : -EINVAL;
  if (data == -ENXIO) return UINT64_MAX;  // zeros to the end
  return data < 0 ? at : static_cast<uint64_t>(data);
}

}  // namespace axl
