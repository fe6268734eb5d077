// What a path says by its spelling, read before anything of it is tidied away. Pure functions, no system call.
#pragma once

#include <string>
#include <string_view>

namespace axl {

struct Meaning {
  std::string path;        // absolute; no empty and "." components, no slash at the end. ".." stays: it is the disk's
  bool directory = false;  // it ends with "/", "/." or "/..": as for the kernel, it can only be a directory
  bool contents = false;   // it ends with "/.": of a source, what is in the directory
};

// REQUIRES: `path` begins with a slash.
Meaning MeaningOf(std::string_view path);

// Is there a ".." component? REQUIRES: the path of a Meaning.
bool HasDotDot(std::string_view path);
// Does it look like a pattern of a shell?
bool HasWildcard(std::string_view path);

}  // namespace axl
