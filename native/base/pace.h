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
  // When the next `bytes` may go: after all that were reserved before.
  Clock::time_point Reserve(uint64_t bytes);

 private:
  std::atomic<uint64_t> rate_{0}, changes_{0};
  std::mutex mutex_;
  Clock::time_point next_;
};

// Of all copies of this process.
Pace& PaceOfProcess();

}  // namespace axl
