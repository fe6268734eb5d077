// For LD_PRELOAD: each metadata call of the addon waits first, for as many microseconds as AXL_BENCH_LATENCY says, as on
// a file system whose metadata are on another machine. Node's own start is left alone: it makes none of these calls.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static void wait_first(void) {
  const char* text = getenv("AXL_BENCH_LATENCY");
  if (text) usleep((useconds_t)atoi(text));
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int renameat(int from, const char* a, int to, const char* b) {
  REAL(renameat);
  wait_first();
  return real(from, a, to, b);
}

int unlinkat(int dir, const char* name, int flags) {
  REAL(unlinkat);
  wait_first();
  return real(dir, name, flags);
}

int flock(int fd, int operation) {
  REAL(flock);
  wait_first();
  return real(fd, operation);
}

int fstatat(int dir, const char* name, struct stat* out, int flags) {
  REAL(fstatat);
  if (flags & AT_SYMLINK_NOFOLLOW) wait_first();
  return real(dir, name, out, flags);
}

int openat(int dir, const char* name, int flags, ...) {
  REAL(openat);
  va_list more;
  va_start(more, flags);
  mode_t mode = va_arg(more, mode_t);
  va_end(more);
  if (flags & O_NOFOLLOW) wait_first();
  return real(dir, name, flags, mode);
}
