// What the file system of a directory does with locks, inode numbers, times, xattrs, names and links, tried in a
// directory that is made for it and removed.
#pragma once

#include <cstdint>
#include <string>

#include "base/answer.h"
#include "base/status.h"
#include "os/os.h"
#include "upkeep/file_system.h"

namespace axl {

struct Probed {
  FileSystem file_system;
  uint64_t name_max = 0;                  // 0: not told
  int lock = 0;                           // 0, or the errno of flock
  Answer excludes = Answer::kCannotTell;  // does the lock keep out another process of this host?
  // Is the inode number of a file the same after a rename, under a second name, in a listing, when it is opened again?
  Answer renamed = Answer::kCannotTell, linked = Answer::kCannotTell;
  Answer listed = Answer::kCannotTell, reopened = Answer::kCannotTell;
  Answer directory = Answer::kCannotTell;  // and that of a directory after a rename
  bool birth = false;                      // is there a time of birth?
  uint64_t granularity = 0;                // of times, in nanoseconds; 0: they do not come back
  int xattr = 0;                           // errno of setting one
  uint64_t xattr_max = 0;                  // bytes, up to 65536
  int rename_new = 0;                      // errno of RENAME_NOREPLACE
  bool link_new = false;                   // do link and unlink do instead?
  int fsync_directory = 0;                 // errno
  int acl = 0;                             // errno of setting an access control list
  bool links = false;                      // do owner and times reach a symbolic link?
};

Status Probe(Os& os, const std::string& dir, Probed* out);

}  // namespace axl
