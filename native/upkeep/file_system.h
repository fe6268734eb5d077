// What is known of the file system of a directory, by the tables that liveness and identity go by.
#pragma once

#include <string>

#include "base/status.h"
#include "os/locks.h"
#include "os/mounts.h"
#include "os/os.h"
#include "os/same.h"

namespace axl {

struct FileSystem {
  long magic = 0;  // f_type of statfs(2)
  Mount mount;
  LockReach locks = LockReach::kUnknown;
  Worth inodes;
};

Status DescribeFileSystem(Os& os, const std::string& dir, FileSystem* out);

}  // namespace axl
