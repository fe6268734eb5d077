// The floor of axl-verify: what verifying is by definition, and nothing else. It reads the manifest of a directory;
// then threads look at each file that it names, for its kind and size, open it, read all of it, sum that with the
// library's own function, so that what remains of a difference is not the sum, and compare. Large files are shared by
// pieces when no other is left. Any error, and any difference, ends it with status 1.
//
//   verify check DIR THREADS   prints seconds as JSON
//   verify open DIR THREADS    the same, but opens a file before it asks what that is, which axl-verify may not do: a
//   file
//                              may be a FIFO or a device by now
//   verify manifest DIR        prints a manifest of DIR
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/crc32c.h"

namespace {

constexpr off_t kPiece = 8 << 20;
constexpr off_t kBuffer = 256 << 10;

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

struct File {
  const char* name;
  off_t size;
  uint32_t crc;
};

struct Large {
  const File* file;
  int fd;
  std::atomic<off_t> next{0}, left;
  std::atomic<uint32_t> sum{0};
};

int directory;
bool looks = true;
std::string text;  // of the manifest
std::vector<File> files;
std::atomic<size_t> next_file{0};
std::mutex mutex;
std::deque<std::shared_ptr<Large>> large_files;  // guarded by mutex

void ReadManifest(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY);
  struct stat st;
  if (fd < 0 || fstat(fd, &st) < 0) Die(path.c_str());
  text.resize(static_cast<size_t>(st.st_size));
  for (size_t at = 0; at < text.size();) {
    const ssize_t n = read(fd, &text[at], text.size() - at);
    if (n <= 0) Die(path.c_str());
    at += static_cast<size_t>(n);
  }
  close(fd);
  off_t size = 0;
  for (char *line = text.data(), *end; (end = std::strchr(line, '\n')) != nullptr; line = end + 1) {
    *end = '\0';
    if (std::strncmp(line, "CRC32C (", 8) != 0) {
      size = std::strtoll(line + 2, nullptr, 10);
      continue;
    }
    end[-12] = '\0';  // ") = " and 8 digits
    files.push_back({line + 8, size, static_cast<uint32_t>(std::strtoul(end - 8, nullptr, 16))});
  }
}

uint32_t Sum(int fd, const char* name, off_t at, off_t size) {
  thread_local std::unique_ptr<char[]> buffer(new char[kBuffer]);
  uint32_t crc = 0;
  for (const off_t end = at + size; at < end;) {
    const ssize_t n = pread(fd, buffer.get(), static_cast<size_t>(end - at < kBuffer ? end - at : kBuffer), at);
    if (n <= 0) Die(name);
    crc = axl::Crc32c(crc, buffer.get(), static_cast<size_t>(n));
    at += n;
  }
  return crc;
}

void Compare(const File& file, uint32_t crc) {
  if (crc == file.crc) return;
  std::fprintf(stderr, "%s: its CRC-32C is %08x\n", file.name, crc);
  std::exit(1);
}

void ReadOn(Large& large) {
  const off_t size = large.file->size;
  for (off_t at; (at = large.next.fetch_add(kPiece)) < size;) {
    const off_t n = size - at < kPiece ? size - at : kPiece;
    const uint32_t sum = Sum(large.fd, large.file->name, at, n);
    large.sum ^= axl::Crc32cCombine(sum, 0, static_cast<uint64_t>(size - at - n));
    if (large.left.fetch_sub(n) != n) continue;
    Compare(*large.file, large.sum);
    close(large.fd);
  }
}

void Check(const File& file) {
  struct stat st;
  if (looks && fstatat(directory, file.name, &st, AT_SYMLINK_NOFOLLOW) < 0) Die(file.name);
  const int fd = looks && !S_ISREG(st.st_mode) ? -1 : openat(directory, file.name, O_RDONLY | O_NOFOLLOW);
  if (fd < 0 || (!looks && fstat(fd, &st) < 0) || !S_ISREG(st.st_mode) || st.st_size != file.size) Die(file.name);
  if (file.size <= kPiece) {
    Compare(file, Sum(fd, file.name, 0, file.size));
    close(fd);
    return;
  }
  const auto large = std::make_shared<Large>();
  large->file = &file;
  large->fd = fd;
  large->left = file.size;
  {
    const std::lock_guard lock(mutex);
    large_files.push_back(large);
  }
  ReadOn(*large);
}

std::shared_ptr<Large> Unfinished() {
  const std::lock_guard lock(mutex);
  while (!large_files.empty() && large_files.front()->next >= large_files.front()->file->size) large_files.pop_front();
  return large_files.empty() ? nullptr : large_files.front();
}

void Work() {
  for (size_t i; (i = next_file++) < files.size();) Check(files[i]);
  while (const auto large = Unfinished()) ReadOn(*large);
}

void CheckAll(const char* dir, int count) {
  const auto start = std::chrono::steady_clock::now();
  directory = open(dir, O_RDONLY | O_DIRECTORY);
  if (directory < 0) Die(dir);
  ReadManifest(std::string(dir) + "/.axl-manifest.0");
  std::vector<std::thread> threads;
  for (int i = 0; i < count; i++) threads.emplace_back(Work);
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("{\"seconds\": %.6f, \"files\": %zu}\n", seconds.count(), files.size());
}

std::vector<std::pair<std::string, off_t>> found;

int Found(const char* path, const struct stat* st, int kind, struct FTW* walk) {
  if (kind == FTW_F && std::strncmp(path + walk->base, ".axl-", 5) != 0) found.emplace_back(path, st->st_size);
  return 0;
}

void PrintManifest(const char* dir) {
  if (nftw(dir, Found, 64, FTW_PHYS) != 0) Die(dir);
  std::printf("# axl-manifest 1\n# rank 0 of 1\n# files %zu\n", found.size());
  for (const auto& [path, size] : found) {
    const int fd = open(path.c_str(), O_RDONLY);
    if (fd < 0) Die(path.c_str());
    std::printf("# %lld 0.000000000\nCRC32C (%s) = %08x\n", static_cast<long long>(size),
                path.c_str() + std::strlen(dir) + 1, Sum(fd, path.c_str(), 0, size));
    close(fd);
  }
}

}  // namespace

int main(int n, char** args) {
  looks = std::strcmp(n > 1 ? args[1] : "", "open") != 0;
  if (n == 4 && (!looks || std::strcmp(args[1], "check") == 0))
    CheckAll(args[2], std::atoi(args[3]));
  else if (n == 3 && std::strcmp(args[1], "manifest") == 0)
    PrintManifest(args[2]);
  else
    return 2;
  return 0;
}
