// How far a finalizer is with the bytes that it copies and verifies, for people who watch it: no decision rests on it.
// Any thread, any time.
#pragma once

#include <cstdint>

namespace axl {

struct Metering {
  uint64_t expected = 0;  // of all work that has begun
  uint64_t done = 0;
};

// Of this process, since its start.
Metering MeteredSoFar();

// A piece of work: its bytes are expected while it lives, and count as done one by one. What was not done when it ends
// is not expected any more. What this thread sums meanwhile counts for it.
class Metered {
 public:
  explicit Metered(uint64_t expected);
  ~Metered();
  Metered(const Metered&) = delete;
  Metered& operator=(const Metered&) = delete;
  void Add(uint64_t bytes);

 private:
  uint64_t left_;
  Metered* const outer_;
};

// So many bytes were summed on this thread: they count for the piece of work that it is about, if there is one.
void MeterSum(uint64_t bytes);

}  // namespace axl
