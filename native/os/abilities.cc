// System calls that the Os does not have, as no transfer needs them.
#include "os/abilities.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace axl {

int RenameWithFlag(int dir, const char* from, const char* to) {
#ifndef RENAME_NOREPLACE
  constexpr unsigned RENAME_NOREPLACE = 1;
#endif
  return syscall(SYS_renameat2, dir, from, dir, to, RENAME_NOREPLACE) == 0 ? 0 : -errno;
}

int AddName(int dir, const char* file, const char* name) { return linkat(dir, file, dir, name, 0) == 0 ? 0 : -errno; }

uint64_t ListedInode(int dir, const std::string& name) {
  const int own = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* list = own < 0 ? nullptr : fdopendir(own);
  if (list == nullptr) return own < 0 ? 0 : (close(own), 0);
  uint64_t inode = 0;
  while (const dirent* entry = readdir(list))
    if (name == entry->d_name) inode = entry->d_ino;
  closedir(list);
  return inode;
}

// Between fork and _exit only what is safe in a process with threads.
int LockFromAnotherProcess(int dir, const char* name) {
  const pid_t child = fork();
  if (child < 0) return -errno;
  if (child == 0) {
    const int fd = openat(dir, name, O_RDWR | O_NOFOLLOW);
    const bool granted = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
    _exit(granted ? 0 : errno);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return -errno;
  return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

}  // namespace axl
