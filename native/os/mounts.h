// The mounts of this process, as /proc/self/mountinfo has them.
#pragma once

#include <string>

namespace axl {

// The type of a file system (with FUSE's subtype), and the options of its mount and of itself. Empty: not known.
struct Mount {
  std::string type;
  std::string options;
};

Mount MountOf(int fd);
// Of a line of /proc/self/mountinfo.
Mount ParseMount(const std::string& line);

}  // namespace axl
