// How fast a transfer may copy: by its own limit, and by that of the process, of which every transfer gets the same
// share, however many threads copy for it. Thread-safe.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "base/engine.h"
#include "base/pace.h"

namespace axl {

class Throttle {
 public:
  explicit Throttle(Engine& engine) : engine_(engine) {}
  // Bytes a second, 0: no limit of its own. While copies run, too.
  void Set(uint64_t bytes_per_second) {
    own_.Set(bytes_per_second);
    engine_.Wake();
  }
  bool limits() const { return own_.limits() || PaceOfProcess().limits(); }
  // Waits until some may be copied, and says how many, at most so many. Meanwhile other transfers have the worker's
  // turn.
  size_t Take(size_t most, const std::atomic<bool>& stop);

 private:
  size_t Piece(size_t most) const;

  Engine& engine_;
  std::mutex
      turn_;  // one thread of a transfer waits for the process's pace at a time: so transfers share it, not threads
  Pace own_;
};

}  // namespace axl
