// A file system that has used an inode number again: what has a name now shows the number that another file had.
#pragma once

#include <string>

#include "world.h"

namespace axl::test {

struct NumberedOs : QuickOs {
  int Look(int dir, const char* path, Seen* seen) override {
    const int r = to_.Look(dir, path, seen);
    const std::string at = *path == '\0' ? PathOf(dir) : PathAt(dir, path);
    if (r == 0 && S_ISREG(seen->st.st_mode) && at == name) seen->st.st_ino = inode;
    if (!births) seen->birth = {};
    return r;
  }
  std::string name;
  ino_t inode = 0;
  bool births = true;
};

}  // namespace axl::test
