// The floor of axl-verify: threads that read all files below a directory and compute their CRC-32C with the library's own
// function, so that what remains of a difference is not the sum. No manifest, no comparison, no care for errors.
//
//   verify sum DIR THREADS     prints seconds as JSON; files beyond 8 MiB are shared by pieces
//   verify manifest DIR        prints a manifest of DIR
#include <fcntl.h>
#include <ftw.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/crc32c.h"

namespace {

constexpr off_t kPiece = 8 << 20;
constexpr size_t kBuffer = 256 << 10;

struct Piece {
  std::string path;
  off_t at, size;
};
std::vector<Piece> pieces;
std::atomic<size_t> next{0};
std::atomic<uint32_t> sums{0};
bool whole = false;

int Found(const char* path, const struct stat* st, int kind, struct FTW* walk) {
  if (kind != FTW_F || std::strncmp(path + walk->base, ".axl-", 5) == 0) return 0;
  for (off_t at = 0; at == 0 || at < st->st_size; at += whole ? st->st_size + 1 : kPiece)
    pieces.push_back({path, at, whole || st->st_size - at < kPiece ? st->st_size - at : kPiece});
  return 0;
}

uint32_t Sum(const Piece& piece) {
  thread_local std::unique_ptr<char[]> buffer(new char[kBuffer]);
  const int fd = open(piece.path.c_str(), O_RDONLY);
  uint32_t crc = 0;
  ssize_t n = 1;
  for (off_t at = 0; at < piece.size && n > 0; at += n) {
    const size_t most = static_cast<size_t>(piece.size - at);
    n = pread(fd, buffer.get(), most < kBuffer ? most : kBuffer, piece.at + at);
    if (n > 0) crc = axl::Crc32c(crc, buffer.get(), static_cast<size_t>(n));
  }
  close(fd);
  if (fd >= 0 && n > 0) return crc;
  std::perror(piece.path.c_str());
  std::exit(1);
}

void Work() {
  for (size_t i; (i = next++) < pieces.size();) sums ^= Sum(pieces[i]);
}

}  // namespace

int main(int n, char** args) {
  whole = n == 3;
  if (n < 3 || nftw(args[2], Found, 64, FTW_PHYS) != 0) return 2;
  if (whole) {
    for (const Piece& p : pieces)
      std::printf("# %lld 0.000000000\nCRC32C (%s) = %08x\n", static_cast<long long>(p.size),
                  p.path.c_str() + std::strlen(args[2]) + 1, Sum(p));
    return 0;
  }
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < std::atoi(args[3]); i++) threads.emplace_back(Work);
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("{\"seconds\": %.6f, \"sums\": %u}\n", seconds.count(), sums.load());
}
