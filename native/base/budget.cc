// Counts, and wakes all who wait: they want different amounts.
#include "base/budget.h"

#include <malloc.h>

#include <utility>

namespace axl {

namespace {

constexpr uint64_t kMuch = 1 << 20;

void Trim() {
#ifdef __GLIBC__
  (void)malloc_trim(0);
#endif
}

}  // namespace

Budget::Share::Share(Share&& o) noexcept : of_(std::exchange(o.of_, nullptr)), bytes_(o.bytes_) {}

Budget::Share& Budget::Share::operator=(Share&& o) noexcept {
  std::swap(of_, o.of_);
  std::swap(bytes_, o.bytes_);
  return *this;
}

Budget::Share::~Share() {
  if (of_ != nullptr) of_->GiveBack(bytes_);
}

Budget::Share Budget::Wait(uint64_t bytes) {
  if (bytes <= kSmall) return {};
  std::unique_lock lock(mutex_);
  freed_.wait(lock, [&] { return HasRoom(bytes); });
  used_ += bytes;
  return {this, bytes};
}

std::optional<Budget::Share> Budget::Try(uint64_t bytes) {
  if (bytes <= kSmall) return Share();
  std::lock_guard lock(mutex_);
  if (!HasRoom(bytes)) return std::nullopt;
  used_ += bytes;
  return Share(this, bytes);
}

void Budget::GiveBack(uint64_t bytes) {
  // Each thread's heap would keep what was freed in it.
  if (bytes > kMuch) Trim();
  std::lock_guard lock(mutex_);
  used_ -= bytes;
  freed_.notify_all();
}

}  // namespace axl
