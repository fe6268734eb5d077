// The threads: turns, background work that waits behind no copy, and an end that comes.
#include "base/engine.h"

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <vector>

#include "no_threads.h"
#include "test.h"

namespace axl::test {
namespace {

// Does `pieces` pieces, and writes its name down for each.
class Letters : public Work {
 public:
  Letters(char name, int pieces, std::string* log, std::promise<void>* end)
      : name_(name), left_(pieces), log_(log), end_(end) {}
  bool Step() override {
    if (left_ == 0) return false;
    log_->push_back(name_);
    if (--left_ == 0 && end_ != nullptr) end_->set_value();
    return left_ > 0;
  }

 private:
  const char name_;
  int left_;
  std::string* const log_;
  std::promise<void>* const end_;
};

// Holds its worker until it is let go.
class Gate : public Work {
 public:
  bool Step() override {
    entered.set_value();
    open.get_future().wait();
    return false;
  }
  std::promise<void> entered, open;
};

TEST(WorkersTakeTurnsBetweenTransfers) {
  Engine engine(1);
  auto gate = std::make_shared<Gate>();
  std::string log;
  std::promise<void> end;
  engine.Add(gate);
  gate->entered.get_future().wait();
  engine.Add(std::make_shared<Letters>('a', 5, &log, nullptr));
  engine.Add(std::make_shared<Letters>('b', 5, &log, &end));
  gate->open.set_value();
  end.get_future().wait();
  engine.Stop();
  CHECK_EQ(log, "ababababab");
}

TEST(ATaskDoesNotWaitBehindACopy) {
  Engine engine(1);
  auto gate = std::make_shared<Gate>();
  engine.Add(gate);
  gate->entered.get_future().wait();
  std::promise<void> ran;
  engine.Post([&] { ran.set_value(); });
  CHECK(ran.get_future().wait_for(std::chrono::minutes(10)) == std::future_status::ready);
  gate->open.set_value();
}

TEST(ParallelForCallsEachIndexOnce) {
  Engine engine(1);
  for (size_t n : {0u, 1u, 7u, 1000u}) {
    for (unsigned threads : {0u, 1u, 4u, 64u}) {
      std::vector<std::atomic<int>> calls(n);
      engine.ParallelFor(n, threads, [&](size_t i) { calls[i]++; });
      for (size_t i = 0; i < n; i++) CHECK_EQ(calls[i].load(), 1);
    }
  }
}

// Every background thread waits in a ParallelFor of its own: none has a helper, and each ends all the same.
TEST(ParallelForEndsWhenAllThreadsAreCallersThemselves) {
  Engine engine(1);
  std::atomic<int> sum{0};
  engine.ParallelFor(40, 40, [&](size_t) { engine.ParallelFor(10, 10, [&](size_t) { sum++; }); });
  CHECK_EQ(sum.load(), 400);
}

TEST(StopEndsRunningPiecesAndDropsTheRest) {
  std::string log;
  auto gate = std::make_shared<Gate>();
  Engine engine(1);
  engine.Add(gate);
  gate->entered.get_future().wait();
  engine.Add(std::make_shared<Letters>('a', 5, &log, nullptr));
  auto stopped = std::async(std::launch::async, [&] { engine.Stop(); });
  CHECK(stopped.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout);
  gate->open.set_value();
  stopped.wait();
  CHECK(log.size() <= 1);
}

TEST(AfterStopNothingRunsAnyMore) {
  Engine engine(1);
  engine.Stop();
  engine.Stop();
  std::atomic<bool> ran{false};
  std::string log;
  engine.Post([&] { ran = true; });
  engine.Add(std::make_shared<Letters>('a', 1, &log, nullptr));
  int calls = 0;
  engine.ParallelFor(3, 4, [&](size_t) { calls++; });  // by the caller alone
  CHECK_EQ(calls, 3);
  CHECK(!ran && log.empty());
}

TEST(WhereNoThreadCanBeStartedTheCallerDoesTheWork) {
  Engine engine(2);
  std::string log;
  int ran = 0;
  {
    NoThreads none;
    engine.Add(std::make_shared<Letters>('a', 5, &log, nullptr));
    engine.Post([&] { ran++; });
    engine.ParallelFor(3, 4, [&](size_t) { ran++; });
  }
  CHECK_EQ(log, "aaaaa");
  CHECK_EQ(ran, 4);
  std::promise<std::thread::id> who;
  engine.Post([&] { who.set_value(std::this_thread::get_id()); });
  CHECK(who.get_future().get() != std::this_thread::get_id());  // once there is one, it is used
}

}  // namespace
}  // namespace axl::test
