// Which renames are refused although the directory can be written: found out before the first one, since those that
// are done cannot be taken back. Changes nothing.
#pragma once

#include <string>

#include "base/status.h"
#include "os/os.h"

namespace axl {

struct Renaming {
  const Seen& directory;
  const Seen& temporary;
  const Seen* there;  // what is to be replaced; nullptr: nothing
  const std::string& dest;
};

// kConflict with the file, the reason and the remedy: an attribute of chattr, a mount point, another user's file in a
// directory with the sticky bit, a socket, FIFO or device. What the kernel does not tell is not refused here.
Status RefusalOf(Os& os, const Renaming& renaming);

}  // namespace axl
