// A FUSE file system of disk images that writes down what reaches them: every write, every flush, in order, and marks
// of the test. A loop device on /diskN makes a disk of an image.
//   recorder LOG MOUNT IMAGE...   files /disk0, /disk1 ... and /mark
// The log: {u8 op, u8 disk, u16 0, u32 length, u64 offset} and the bytes of a write (op 1) or a mark (op 3); op 2 is a
// flush.
#define FUSE_USE_VERSION 35
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kWrite = 1, kFlush = 2, kMark = 3, kMaxDisks = 4 };

static int images[kMaxDisks];
static int disks;
static FILE* record_file;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

struct entry {
  uint8_t op, disk;
  uint16_t zero;
  uint32_t length;
  uint64_t offset;
};

static void record(int op, int disk, const void* data, size_t length, off_t offset) {
  const struct entry e = {(uint8_t)op, (uint8_t)disk, 0, (uint32_t)length, (uint64_t)offset};
  pthread_mutex_lock(&mutex);
  if (fwrite(&e, sizeof e, 1, record_file) != 1 || fwrite(data, 1, length, record_file) != length) abort();
  if (fflush(record_file) != 0) abort();
  pthread_mutex_unlock(&mutex);
}

static int disk_of(const char* path) {
  if (strncmp(path, "/disk", 5) != 0) return -1;
  const int disk = atoi(path + 5);
  return disk < disks ? disk : -1;
}

static int get_attributes(const char* path, struct stat* st, struct fuse_file_info* info) {
  (void)info;
  memset(st, 0, sizeof *st);
  st->st_nlink = 1;
  if (strcmp(path, "/") == 0) {
    st->st_mode = S_IFDIR | 0755;
    return 0;
  }
  st->st_mode = S_IFREG | 0600;
  if (strcmp(path, "/mark") == 0) return 0;
  const int disk = disk_of(path);
  if (disk < 0) return -ENOENT;
  struct stat image;
  if (fstat(images[disk], &image) < 0) return -errno;
  st->st_size = image.st_size;
  return 0;
}

static int open_file(const char* path, struct fuse_file_info* info) {
  (void)path;
  info->direct_io = 1;  // no cache between the loop device and us
  return 0;
}

static int read_file(const char* path, char* data, size_t n, off_t at, struct fuse_file_info* info) {
  (void)info;
  const int disk = disk_of(path);
  if (disk < 0) return 0;
  const ssize_t got = pread(images[disk], data, n, at);
  return got < 0 ? -errno : (int)got;
}

static int write_file(const char* path, const char* data, size_t n, off_t at, struct fuse_file_info* info) {
  (void)info;
  const int disk = disk_of(path);
  if (disk < 0) {
    record(kMark, 0, data, n, 0);
    return (int)n;
  }
  const ssize_t written = pwrite(images[disk], data, n, at);
  if (written < 0) return -errno;
  record(kWrite, disk, data, (size_t)written, at);
  return (int)written;
}

static int flush_disk(const char* path, int data_only, struct fuse_file_info* info) {
  (void)data_only;
  (void)info;
  if (disk_of(path) >= 0) record(kFlush, disk_of(path), "", 0, 0);
  return 0;
}

static int truncate_file(const char* path, off_t size, struct fuse_file_info* info) {
  (void)path;
  (void)size;
  (void)info;
  return 0;  // of /mark, before it is written
}

static const struct fuse_operations operations = {.getattr = get_attributes,
                                                  .open = open_file,
                                                  .read = read_file,
                                                  .write = write_file,
                                                  .fsync = flush_disk,
                                                  .truncate = truncate_file};

int main(int argc, char** argv) {
  if (argc < 4 || argc > 3 + kMaxDisks) return 2;
  record_file = fopen(argv[1], "wb");
  if (record_file == NULL) return 1;
  for (; disks < argc - 3; disks++) {
    images[disks] = open(argv[3 + disks], O_RDWR | O_CLOEXEC);
    if (images[disks] < 0) return 1;
  }
  char* arguments[] = {argv[0], argv[2], NULL};
  return fuse_main(2, arguments, &operations, NULL);
}
