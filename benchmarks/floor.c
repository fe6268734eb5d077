// The C floors that the library is measured against, and a stop watch for other programs. No journal, no checksum, no
// care for errors beyond stopping: what remains is the price of the system calls themselves.
//
//   floor run PROGRAM ARGUMENT...            prints seconds, CPU seconds and peak memory of the program, as JSON
//   floor copy FROM TO THREADS HOW           FROM: a file or a tree; HOW: letters, see copy_main
//   floor finalize STATE_DIR THREADS HOW     STATE_DIR: files that hold pairs of names, see rename_all
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 256 << 10, CHUNK = 8 << 20, GROUP = 24, STATES = 64, DIRECTORIES = 1 << 17 };

static void check(int ok, const char* what, const char* path) {
  if (ok) return;
  fprintf(stderr, "floor: %s %s: %s\n", what, path, strerror(errno));
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double seconds(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec * 1e-6; }

static void on_threads(int n, void* (*work)(void*)) {
  pthread_t threads[256];
  for (int i = 0; i < n; i++) check(pthread_create(&threads[i], NULL, work, NULL) == 0, "pthread_create", "");
  for (int i = 0; i < n; i++) pthread_join(threads[i], NULL);
}

static void sync_directory(const char* path) {
  const int fd = open(path, O_RDONLY | O_DIRECTORY);
  check(fd >= 0 && fsync(fd) == 0, "fsync", path);
  close(fd);
}

// ---------------------------------------------------------------------------------------------------------------- copy

struct file {
  char *from, *to, *temporary;
  struct stat st;
  atomic_int chunks_left;
};

static struct piece {
  size_t file;   // the first, or the only one
  size_t small;  // so many small files; if none, the chunk of a large file that begins at
  off_t offset;
} * pieces;

static struct file** files;
static size_t file_count, piece_count;
static char* directories[DIRECTORIES];
static size_t directory_count;
static atomic_size_t next_piece;
static struct { int metadata, rename, sync_each, sync_all, preallocate, write_behind; } how;
static const char *tree_from, *tree_to;

static int found(const char* path, const struct stat* st, int kind, struct FTW* walk) {
  (void)walk;
  char to[PATH_MAX];
  snprintf(to, sizeof to, "%s%s", tree_to, path + strlen(tree_from));
  if (kind == FTW_D) {
    check(mkdir(to, 0777) == 0 && directory_count < DIRECTORIES, "mkdir", to);
    directories[directory_count++] = strdup(to);
    return 0;
  }
  struct file* f = calloc(1, sizeof *f);
  f->from = strdup(path);
  f->to = strdup(to);
  check(asprintf(&f->temporary, "%s%s", to, how.rename ? "._floor0123456789abcdef" : "") > 0, "asprintf", to);
  f->st = *st;
  atomic_init(&f->chunks_left, (int)((st->st_size + CHUNK - 1) / CHUNK));
  if (file_count % 4096 == 0) files = realloc(files, (file_count + 4096) * sizeof *files);
  files[file_count++] = f;
  return 0;
}

static void add_piece(size_t file, size_t small, off_t offset) {
  if (piece_count % 4096 == 0) pieces = realloc(pieces, (piece_count + 4096) * sizeof *pieces);
  pieces[piece_count++] = (struct piece){file, small, offset};
}

static void plan(void) {
  for (size_t i = 0; i < file_count; i++) {
    const off_t size = files[i]->st.st_size;
    struct piece* last = piece_count ? &pieces[piece_count - 1] : NULL;
    if (size <= CHUNK && last && last->small && last->small < GROUP)
      last->small++;
    else if (size <= CHUNK)
      add_piece(i, 1, 0);
    else
      for (off_t at = 0; at < size; at += CHUNK) add_piece(i, 0, at);
  }
}

static void copy_bytes(struct file* f, int from, int to, off_t at, off_t end) {
  static _Thread_local char* buffer;
  if (!buffer) buffer = malloc(BUFFER);
  const off_t start = at;
  while (at < end) {
    const ssize_t n = pread(from, buffer, (size_t)(end - at < BUFFER ? end - at : BUFFER), at);
    check(n > 0, "read", f->from);
    check(pwrite(to, buffer, (size_t)n, at) == n, "write", f->temporary);
    at += n;
  }
  if (how.write_behind) sync_file_range(to, start, end - start, SYNC_FILE_RANGE_WRITE);
}

// What must be done to a whole file before it may be named: its fsync is the caller's.
static void describe(struct file* f, int fd) {
  if (!how.metadata) return;
  const struct timespec times[2] = {f->st.st_atim, f->st.st_mtim};
  check(fchown(fd, f->st.st_uid, f->st.st_gid) == 0, "fchown", f->temporary);
  check(fchmod(fd, f->st.st_mode & 07777) == 0, "fchmod", f->temporary);
  check(futimens(fd, times) == 0, "futimens", f->temporary);
}

static int create(struct file* f, int flags) {
  const int fd = open(f->temporary, O_RDWR | O_CREAT | O_NOFOLLOW | flags, 0600);
  check(fd >= 0, "open", f->temporary);
  return fd;
}

static void copy_group(struct file** group, size_t n) {
  int to[GROUP];
  for (size_t i = 0; i < n; i++) {
    struct file* f = group[i];
    const int from = open(f->from, O_RDONLY);
    check(from >= 0, "open", f->from);
    to[i] = create(f, O_EXCL);
    copy_bytes(f, from, to[i], 0, f->st.st_size);
    describe(f, to[i]);
    close(from);
  }
  for (size_t i = 0; i < n; i++) {
    if (how.sync_each) check(fsync(to[i]) == 0, "fsync", group[i]->temporary);
    close(to[i]);
  }
}

static void copy_chunk(struct file* f, off_t at) {
  const int from = open(f->from, O_RDONLY), to = create(f, 0);
  check(from >= 0, "open", f->from);
  if (at == 0 && how.preallocate) (void)fallocate(to, 0, 0, f->st.st_size);
  copy_bytes(f, from, to, at, at + CHUNK < f->st.st_size ? at + CHUNK : f->st.st_size);
  if (atomic_fetch_sub(&f->chunks_left, 1) == 1) {
    describe(f, to);
    if (how.sync_each) check(fsync(to) == 0, "fsync", f->temporary);
  }
  close(from);
  close(to);
}

static void* copier(void* unused) {
  for (size_t i; (i = atomic_fetch_add(&next_piece, 1)) < piece_count;) {
    const struct piece* p = &pieces[i];
    if (p->small)
      copy_group(&files[p->file], p->small);
    else
      copy_chunk(files[p->file], p->offset);
  }
  return unused;
}

static void sync_file_system(const char* path) {
  const int fd = open(path, O_RDONLY);
  check(fd >= 0 && syncfs(fd) == 0, "syncfs", path);
  close(fd);
}

// m: owner, mode, times; r: temporary name, then rename; e: fsync each file and directory; s: one syncfs at the end;
// p: preallocate; w: begin write-back after each chunk
static int copy_main(const char* from, const char* to, int threads, const char* letters) {
  how.metadata = strchr(letters, 'm') != NULL;
  how.rename = strchr(letters, 'r') != NULL;
  how.sync_each = strchr(letters, 'e') != NULL;
  how.sync_all = strchr(letters, 's') != NULL;
  how.preallocate = strchr(letters, 'p') != NULL;
  how.write_behind = strchr(letters, 'w') != NULL;
  tree_from = from;
  tree_to = to;
  const double start = now();
  check(nftw(from, found, 64, FTW_PHYS) == 0, "walk", from);
  plan();
  on_threads(threads, copier);
  if (how.sync_all) sync_file_system(directory_count ? to : files[0]->temporary);
  for (size_t i = 0; how.rename && i < file_count; i++)
    check(rename(files[i]->temporary, files[i]->to) == 0, "rename", files[i]->to);
  for (size_t i = 0; (how.sync_each || how.sync_all) && i < directory_count; i++) sync_directory(directories[i]);
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  printf("{\"seconds\":%.6f,\"cpu\":%.6f}\n", now() - start, seconds(use.ru_utime) + seconds(use.ru_stime));
  return 0;
}

// ------------------------------------------------------------------------------------------------------------ finalize

static const char* state_dir;
static char** names;
static size_t name_count;
static atomic_size_t next_name;
static int sync_each_state, sync_batch, careful;

static char* last_directory(const char* path) {
  char* directory = strdup(path);
  *strrchr(directory, '/') = 0;
  return directory;
}

// What axl-finalize asks before it believes a state file: whose it is, what it is, and once it is locked, again.
static void question(int fd, const char* path, int locked) {
  struct stat st;
  char magic[8];
  check(fstat(fd, &st) == 0, "stat", path);
  if (locked)
    check(fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_uid == geteuid(), "stat", path);
  else
    check(pread(fd, magic, sizeof magic, 0) == sizeof magic, "read", path);
}

static int open_state(const char* path) {
  struct stat st;
  if (careful) check(fstatat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) == 0, "stat", path);
  const int fd = open(path, O_RDWR | O_NOFOLLOW);
  check(fd >= 0, "open", path);
  if (careful) question(fd, path, 0);
  check(flock(fd, LOCK_EX | LOCK_NB) == 0, "flock", path);
  if (careful) question(fd, path, 1);
  if (sync_each_state) check(fsync(fd) == 0, "fsync", path);
  return fd;
}

static const char* second_pair(const char* bytes) {
  const char* final = bytes + strlen(bytes) + 1;
  return final + strlen(final) + 1;
}

// A state file holds pairs of names, each with its NUL: the temporary one, the final one; then zeros.
static void rename_all(int fd, const char* path, char** directory) {
  struct stat st;
  check(fstat(fd, &st) == 0, "stat", path);
  char* bytes = calloc(1, (size_t)st.st_size + 1);
  check(pread(fd, bytes, (size_t)st.st_size, 0) == st.st_size, "read", path);
  if (!*directory) *directory = last_directory(bytes);
  const int dir = open(*directory, O_PATH | O_DIRECTORY);
  const int several = careful && *second_pair(bytes) != 0;
  for (char* p = bytes; several && *p; p += strlen(p) + 1) {
    p += strlen(p) + 1;  // all final names, before the first rename
    check(fstatat(dir, strrchr(p, '/') + 1, &st, AT_SYMLINK_NOFOLLOW) != 0, "stat", p);
  }
  for (char* p = bytes; *p;) {
    const char* temporary = strrchr(p, '/') + 1;
    p += strlen(p) + 1;
    const char* final = strrchr(p, '/') + 1;
    check(fstatat(dir, temporary, &st, AT_SYMLINK_NOFOLLOW) == 0, "stat", temporary);
    check(renameat(dir, temporary, dir, final) == 0, "rename", p);
    p += strlen(p) + 1;
  }
  close(dir);
  free(bytes);
}

static void finalize_batch(size_t at, size_t n) {
  int fds[STATES];
  char path[STATES][PATH_MAX], *directory = NULL;
  for (size_t i = 0; i < n; i++) {
    snprintf(path[i], PATH_MAX, "%s/%s", state_dir, names[at + i]);
    fds[i] = open_state(path[i]);
  }
  if (sync_batch) sync_file_system(state_dir);
  for (size_t i = 0; i < n; i++) rename_all(fds[i], path[i], &directory);
  if (sync_batch || sync_each_state) sync_directory(directory);
  for (size_t i = 0; i < n; i++) {
    struct stat st;
    if (careful) check(fstatat(AT_FDCWD, path[i], &st, AT_SYMLINK_NOFOLLOW) == 0, "stat", path[i]);
    check(unlink(path[i]) == 0, "unlink", path[i]);
    close(fds[i]);
  }
  if (sync_batch || sync_each_state) sync_directory(state_dir);
  free(directory);
}

static void* finalizer(void* unused) {
  for (size_t at; (at = atomic_fetch_add(&next_name, STATES)) < name_count;)
    finalize_batch(at, name_count - at < STATES ? name_count - at : STATES);
  return unused;
}

// c: asks all that axl-finalize asks, too. e or s make every step durable. First what the state files say: e with an fsync each, s with one syncfs a batch.
// REQUIRES: all files of a batch lie in one directory.
static int finalize_main(const char* dir, int threads, const char* letters) {
  state_dir = dir;
  sync_each_state = strchr(letters, 'e') != NULL;
  sync_batch = strchr(letters, 's') != NULL;
  careful = strchr(letters, 'c') != NULL;
  DIR* d = opendir(dir);
  check(d != NULL, "opendir", dir);
  for (struct dirent* e; (e = readdir(d));) {
    if (e->d_name[0] == '.') continue;
    if (name_count % 4096 == 0) names = realloc(names, (name_count + 4096) * sizeof *names);
    names[name_count++] = strdup(e->d_name);
  }
  closedir(d);
  on_threads(threads, finalizer);
  return 0;
}

// ----------------------------------------------------------------------------------------------------------------- run

// Its standard output goes to /dev/null. Forked from this small process, so that its peak memory is its own.
static int run_main(char** command) {
  const double start = now();
  const pid_t pid = fork();
  if (pid == 0) {
    const int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    execvp(command[0], command);
    _exit(127);
  }
  int status;
  struct rusage use;
  check(pid > 0 && wait4(pid, &status, 0, &use) == pid, "run", command[0]);
  const double wall = now() - start;
  printf("{\"seconds\":%.6f,\"cpu\":%.6f,\"rss\":%ld,\"status\":%d}\n", wall,
         seconds(use.ru_utime) + seconds(use.ru_stime), use.ru_maxrss * 1024L,
         WIFEXITED(status) ? WEXITSTATUS(status) : 128);
  return 0;
}

int main(int n, char** args) {
  if (n >= 3 && strcmp(args[1], "run") == 0) return run_main(args + 2);
  if (n == 6 && strcmp(args[1], "copy") == 0) return copy_main(args[2], args[3], atoi(args[4]), args[5]);
  if (n == 5 && strcmp(args[1], "finalize") == 0) return finalize_main(args[2], atoi(args[3]), args[4]);
  fprintf(stderr, "usage: floor run|copy|finalize ... (see the head of floor.c)\n");
  return 2;
}
