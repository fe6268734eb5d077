// The mounts of this process, as /proc/self/mountinfo has them, and what is known of their file systems.
#pragma once

#include <string>

#include "os/os.h"

namespace axl {

// The type of a file system (with FUSE's subtype), and the options of its mount and of itself. Empty: not known.
struct Mount {
  std::string type;
  std::string options;
};

Mount MountOf(int fd);
// Of a line of /proc/self/mountinfo.
Mount ParseMount(const std::string& line);

inline constexpr long kFuseMagic = 0x65735546;  // f_type of statfs(2)

// Is it known that owner and times that a symbolic link is given reach the link, and not what it points to?
bool ReachesLinks(long magic, const std::string& type);
// On the file system of an open file.
bool ReachesLinks(Os& os, int fd);

}  // namespace axl
