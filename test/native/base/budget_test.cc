// Tests of budget.h: who waits, who is told no, and who never has to ask.
#include "base/budget.h"

#include <atomic>
#include <thread>

#include "test.h"

namespace axl::test {
namespace {

constexpr uint64_t kMiB = 1 << 20;

TEST(WhatIsUsedUpIsRefusedUntilItIsGivenBack) {
  Budget budget(4 * kMiB);
  auto first = budget.Try(3 * kMiB);
  REQUIRE(first.has_value());
  CHECK(!budget.Try(2 * kMiB).has_value());
  CHECK(budget.Try(kMiB).has_value());
  first.reset();
  CHECK(budget.Try(4 * kMiB).has_value());
}

TEST(WhatIsSmallIsNeverRefused) {
  Budget budget(4 * kMiB);
  const auto all = budget.Try(4 * kMiB);
  CHECK(budget.Try(64 << 10).has_value());
  (void)budget.Wait(64 << 10);
}

TEST(WhatIsMoreThanAllThereIsHasItAlone) {
  Budget budget(4 * kMiB);
  auto some = budget.Try(kMiB);
  CHECK(!budget.Try(UINT64_MAX).has_value());
  some.reset();
  const auto all = budget.Try(UINT64_MAX);
  CHECK(all.has_value());
  CHECK(!budget.Try(kMiB).has_value());
}

TEST(WhoWaitsGoesOnWhenThereIsRoom) {
  Budget budget(4 * kMiB);
  std::optional<Budget::Share> all = budget.Wait(4 * kMiB);
  std::atomic<bool> has = false;
  std::thread waiter([&] {
    const Budget::Share share = budget.Wait(2 * kMiB);
    has = true;
  });
  CHECK(!has);
  all.reset();
  waiter.join();
  CHECK(has);
  CHECK(budget.Try(4 * kMiB).has_value());
}

}  // namespace
}  // namespace axl::test
