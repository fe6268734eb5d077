#include "base/pace.h"

#include <algorithm>

namespace axl {

namespace {

// Who was held up by something else may catch up on so much.
constexpr auto kBurst = std::chrono::milliseconds(50);

std::chrono::nanoseconds TimeFor(uint64_t bytes, uint64_t rate) {
  return std::chrono::nanoseconds(static_cast<int64_t>(static_cast<double>(bytes) * 1e9 / static_cast<double>(rate)));
}

}  // namespace

void Pace::Set(uint64_t bytes_per_second) {
  std::lock_guard lock(mutex_);
  rate_.store(bytes_per_second, std::memory_order_relaxed);
  next_ = Clock::now();
  changes_++;
}

void Pace::PauseAfter(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  left_ = bytes;
  pauses_.store(true, std::memory_order_relaxed);
  changes_++;
}

uint64_t Pace::BeforePause(uint64_t bytes) {
  if (!pauses_.load(std::memory_order_relaxed)) return bytes;
  std::lock_guard lock(mutex_);
  return std::min(bytes, std::max<uint64_t>(left_, 1));
}

Pace::Clock::time_point Pace::Reserve(uint64_t bytes) {
  const Clock::time_point now = Clock::now();
  std::lock_guard lock(mutex_);
  if (pauses_.load(std::memory_order_relaxed)) {
    if (left_ == 0) return Clock::time_point::max();
    left_ -= std::min(left_, bytes);
  }
  if (rate() == 0) return now;
  const Clock::time_point mine = std::max(next_, now - kBurst);
  next_ = mine + TimeFor(bytes, rate());
  return mine;
}

Pace& PaceOfProcess() {
  static Pace pace;
  return pace;
}

}  // namespace axl
