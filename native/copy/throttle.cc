#include "copy/throttle.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace axl {

namespace {

constexpr uint64_t kPiecesASecond = 64;
// Of a transfer that waits for its turn among others, too: it must not lose speed because its pieces are small.
constexpr uint64_t kPiecesOfOneASecond = 8;
constexpr size_t kLeast = 4096;
constexpr auto kLook = std::chrono::milliseconds(20);  // how long a stop, or another limit, may wait to be heard

}  // namespace

// Few where they are to be slow, so that the speed is even.
size_t Throttle::Piece(size_t most) const {
  const uint64_t own = own_.rate(), all = PaceOfProcess().rate();
  uint64_t piece = most;
  if (all > 0) piece = std::min(piece, all / kPiecesASecond);
  if (own > 0) piece = std::min(piece, own / (all > 0 ? kPiecesOfOneASecond : kPiecesASecond));
  const uint64_t least = std::max<uint64_t>(piece, std::min(kLeast, most));
  return static_cast<size_t>(PaceOfProcess().BeforePause(least));
}

size_t Throttle::Take(size_t most, const std::atomic<bool>& stop) {
  Pace& all = PaceOfProcess();
  if (!limits()) return most;
  const Engine::Pause pause(engine_);
  const std::lock_guard turn(turn_);
  const auto changes = [&] { return own_.changes() + all.changes(); };
  while (true) {
    const uint64_t known = changes();
    const size_t piece = Piece(most);
    if (stop.load()) return piece;
    const Pace::Clock::time_point until = std::max(own_.Reserve(piece), all.Reserve(piece));
    for (auto now = Pace::Clock::now(); now < until && known == changes() && !stop.load(); now = Pace::Clock::now())
      std::this_thread::sleep_for(std::min<Pace::Clock::duration>(until - now, kLook));
    if (known == changes()) return piece;
  }
}

}  // namespace axl
