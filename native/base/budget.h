// Bytes of files that a process has in memory at a time: who comes when they are used up waits, or is told so.
// Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

namespace axl {

class Budget {
 public:
  explicit Budget(uint64_t limit) : limit_(limit) {}

  // Given back when it goes away.
  class Share {
   public:
    Share() = default;
    Share(Share&& o) noexcept;
    Share& operator=(Share&& o) noexcept;
    ~Share();

   private:
    friend class Budget;
    Share(Budget* of, uint64_t bytes) : of_(of), bytes_(bytes) {}
    Budget* of_ = nullptr;
    uint64_t bytes_ = 0;
  };

  // Waits for room. What is more than all there is has it when nobody else has any. REQUIRES: the caller holds no
  // share, or two callers might wait for each other.
  Share Wait(uint64_t bytes);
  // Nothing, if there is no room now.
  std::optional<Share> Try(uint64_t bytes);

 private:
  // What is so small never waits, and is not counted: a big one that is at work for hours holds up big ones alone.
  static constexpr uint64_t kSmall = 64 << 10;
  bool HasRoom(uint64_t bytes) const { return used_ == 0 || (bytes <= limit_ && used_ <= limit_ - bytes); }
  void GiveBack(uint64_t bytes);

  const uint64_t limit_;
  std::mutex mutex_;  // guards used_
  std::condition_variable freed_;
  uint64_t used_ = 0;
};

}  // namespace axl
