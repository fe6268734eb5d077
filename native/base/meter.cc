// Two counters.
#include "base/meter.h"

#include <algorithm>
#include <atomic>

namespace axl {

namespace {

std::atomic<uint64_t> expected{0}, done{0};
thread_local Metered* current = nullptr;

}  // namespace

// `done` first: it is never more than what was expected at any later moment.
Metering MeteredSoFar() {
  const uint64_t d = done.load();
  return {expected.load(), d};
}

Metered::Metered(uint64_t bytes) : left_(bytes), outer_(current) {
  expected += bytes;
  current = this;
}

Metered::~Metered() {
  expected -= left_;
  current = outer_;
}

void Metered::Add(uint64_t bytes) {
  const uint64_t n = std::min(bytes, left_);
  left_ -= n;
  done += n;
}

void MeterSum(uint64_t bytes) {
  if (current != nullptr) current->Add(bytes);
}

}  // namespace axl
