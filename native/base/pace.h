// A limit of bytes a second, for several threads. Knows neither files nor threads. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

namespace axl {

class Pace {
 public:
  using Clock = std::chrono::steady_clock;

  // 0: no limit. What was reserved before counts no more: see changes().
  void Set(uint64_t bytes_per_second);
  uint64_t rate() const { return rate_.load(std::memory_order_relaxed); }
  // How often it was set.
  uint64_t changes() const { return changes_.load(); }
  // For tests of what becomes of a copy that does not end: once so many bytes have gone, no more ever may.
  void PauseAfter(uint64_t bytes);
  // Of `bytes`, how many may go before the pause, but one at least: that one waits.
  uint64_t BeforePause(uint64_t bytes);
  // Does anything hold bytes up?
  bool limits() const { return rate() > 0 || pauses_.load(std::memory_order_relaxed); }
  // When the next `bytes` may go: after all that were reserved before; time_point::max(): never.
  Clock::time_point Reserve(uint64_t bytes);

 private:
  std::atomic<uint64_t> rate_{0}, changes_{0};
  std::atomic<bool> pauses_{false};
  std::mutex mutex_;
  uint64_t left_ = 0;  // until the pause
  Clock::time_point next_;
};

// Of all copies of this process.
Pace& PaceOfProcess();

}  // namespace axl
