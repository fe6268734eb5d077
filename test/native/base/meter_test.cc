// Tests of meter.h: bytes of work that has begun, and that is done.
#include "base/meter.h"

#include <thread>

#include "test.h"

namespace axl::test {
namespace {

TEST(WhatWasNotDoneWhenAPieceOfWorkEndsIsNotExpectedAnyMore) {
  const Metering before = MeteredSoFar();
  {
    Metered work(100);
    work.Add(30);
    CHECK_EQ(MeteredSoFar().expected - before.expected, 100u);
    CHECK_EQ(MeteredSoFar().done - before.done, 30u);
  }
  CHECK_EQ(MeteredSoFar().expected - before.expected, 30u);
  CHECK_EQ(MeteredSoFar().done - before.done, 30u);
}

TEST(NoMoreIsDoneThanWasExpected) {
  const Metering before = MeteredSoFar();
  Metered work(10);
  work.Add(25);
  CHECK_EQ(MeteredSoFar().done - before.done, 10u);
}

TEST(ASumCountsForThePieceOfWorkOfItsThreadAlone) {
  const Metering before = MeteredSoFar();
  MeterSum(5);
  Metered work(10);
  std::thread([] { MeterSum(5); }).join();
  CHECK_EQ(MeteredSoFar().done - before.done, 0u);
  {
    Metered inner(3);
    MeterSum(3);
  }
  MeterSum(4);
  CHECK_EQ(MeteredSoFar().done - before.done, 7u);
}

}  // namespace
}  // namespace axl::test
