// A library that does not do what it is told: fsync of directories (NOSYNC=directories), of files whose name holds
// ._AXL (temporaries) or of everything else (journals) returns at once. A harness that does not notice proves nothing.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char* kind_of(int fd) {
  struct stat st;
  char link[32], path[4096];
  if (fstat(fd, &st) < 0) return "";
  if (S_ISDIR(st.st_mode)) return "directories";
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, sizeof path - 1);
  path[n < 0 ? 0 : n] = '\0';
  return strstr(path, "._AXL") != NULL ? "temporaries" : "journals";
}

int fsync(int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  const char* skipped = getenv("NOSYNC");
  return skipped != NULL && strcmp(skipped, kind_of(fd)) == 0 ? 0 : real(fd);
}
