// Preloaded while the finalize trial makes thousands of state files of durability "full": every sync succeeds at once.
// One syncfs makes all of them durable before anything is measured.
int fsync(int fd) { return (void)fd, 0; }
int fdatasync(int fd) { return (void)fd, 0; }
int syncfs(int fd) { return (void)fd, 0; }
int sync_file_range(int fd, long long from, long long n, unsigned flags) {
  return (void)fd, (void)from, (void)n, (void)flags, 0;
}
