// What a file system can do that no other call of ours shows: asked of the kernel directly, for probes only.
#pragma once

#include <cstdint>
#include <string>

namespace axl {

// renameat2 with RENAME_NOREPLACE, and nothing in its place. 0 or -errno.
int RenameWithFlag(int dir, const char* from, const char* to);

// A second name for a file. 0 or -errno.
int AddName(int dir, const char* file, const char* name);

// The inode number that a listing of the directory shows for a name; 0: it shows none.
uint64_t ListedInode(int dir, const std::string& name);

// What another process of this host gets that asks for the lock of a file: 0 or -errno.
int LockFromAnotherProcess(int dir, const char* name);

}  // namespace axl
