// The thread of all heartbeats is started by the first, and never ends: it sleeps while there is none.
#include "journal/heartbeat.h"

#include <algorithm>
#include <condition_variable>
#include <thread>

#include "os/metadata.h"

namespace axl {
namespace {

using Clock = Silences::Clock;
constexpr std::chrono::milliseconds kLeast(60'000);
constexpr int kBeats = 3;

struct Beating {
  Os* os;
  int fd;
  std::chrono::milliseconds every;
  Clock::time_point next;
};

class Heart {
 public:
  static Heart& Instance() {
    static Heart* heart = new Heart;  // outlives every thread
    return *heart;
  }

  void Add(const Heartbeat* of, const Beating& beating) {
    const std::lock_guard lock(mutex_);
    beats_[of] = beating;
    if (!std::exchange(started_, true)) std::thread([this] { Run(); }).detach();
    changed_.notify_one();
  }

  // No touch of it is under way afterwards.
  void Remove(const Heartbeat* of) {
    const std::lock_guard lock(mutex_);
    beats_.erase(of);
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      const auto now = Clock::now();
      auto next = now + std::chrono::hours(1);
      for (auto& [of, beating] : beats_) next = std::min(next, Touch(&beating, now));
      changed_.wait_until(lock, next);
    }
  }

  static Clock::time_point Touch(Beating* beating, Clock::time_point now) {
    if (beating->next > now) return beating->next;
    const struct timespec times[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
    (void)beating->os->SetTimes(beating->fd, times);
    return beating->next = now + beating->every;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<const Heartbeat*, Beating> beats_;
  bool started_ = false;
};

}  // namespace

Heartbeat::Heartbeat(Os& os, int fd, uint32_t every_ms) {
  const std::chrono::milliseconds every(every_ms);
  Heart::Instance().Add(this, {&os, fd, every, Clock::now() + every});
}

Heartbeat::~Heartbeat() { Heart::Instance().Remove(this); }

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
