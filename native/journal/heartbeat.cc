// See heartbeat.h.
#include "journal/heartbeat.h"

#include <algorithm>

#include "base/pool.h"
#include "os/metadata.h"

namespace axl {
namespace {

constexpr std::chrono::milliseconds kLeast(60'000);
constexpr int kBeats = 3;

}  // namespace

Heartbeat::Heartbeat(Os& os, int fd, uint32_t every_ms) {
  (void)StartThread(&threads_, [this, &os, fd, every_ms] { Run(os, fd, std::chrono::milliseconds(every_ms)); });
}

Heartbeat::~Heartbeat() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_one();
  for (auto& thread : threads_) thread.join();
}

void Heartbeat::Run(Os& os, int fd, std::chrono::milliseconds every) {
  const struct timespec times[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, every, [this] { return ended_; })) {
    lock.unlock();
    (void)os.SetTimes(fd, times);
    lock.lock();
  }
}

std::chrono::milliseconds Silences::Wanted(uint32_t heartbeat_ms) {
  return std::max(kLeast, kBeats * std::chrono::milliseconds(heartbeat_ms));
}

bool Silences::IsDead(const std::string& path, const struct stat& st, uint32_t heartbeat_ms, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const Seen seen{st.st_ino, st.st_size, TimeOf(st.st_mtim), now};
  Seen& first = seen_.try_emplace(path, seen).first->second;
  const bool is_same = first.inode == seen.inode && first.size == seen.size && first.mtime == seen.mtime;
  if (!is_same) first = seen;
  return now - first.since >= Wanted(heartbeat_ms);
}

Silences& Silences::OfThisProcess() {
  static auto* silences = new Silences;
  return *silences;
}

}  // namespace axl
