// The threads: turns, background work that waits behind no copy, and an end that comes.
#include "base/engine.h"

#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <new>
#include <semaphore>
#include <string>
#include <thread>
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
    const std::lock_guard lock(mutex_);
    if (left_ == 0) return false;
    log_->push_back(name_);
    if (--left_ == 0 && end_ != nullptr) end_->set_value();
    return left_ > 0;
  }

 private:
  std::mutex mutex_;
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

// As many fsyncs as there are threads run at once, others wait; where no more files may be open, one is the caller's.
TEST(FsyncsRunSideBySideAndOnlySoManyWait) {
  constexpr int kThreads = 8, kWaiting = 248;
  Engine engine(1);
  std::promise<void> open;
  const auto opened = open.get_future().share();
  std::counting_semaphore<> begun(0);
  std::atomic<int> ran{0};
  const auto post = [&] {
    engine.Fsync([&] {
      begun.release();
      opened.wait();
      ran++;
    });
  };
  for (int i = 0; i < kThreads; i++) {
    post();
    begun.acquire();
  }
  for (int i = 0; i < kWaiting; i++) post();
  CHECK_EQ(ran.load(), 0);
  std::thread::id who;
  engine.Fsync([&] { who = std::this_thread::get_id(); });
  CHECK(who == std::this_thread::get_id());
  open.set_value();
  for (int i = 0; i < kWaiting; i++) begun.acquire();
  engine.Stop();
  CHECK_EQ(ran.load(), kThreads + kWaiting);
}

// However many engines a process has: it is the process that may open no more files.
TEST(FilesThatWaitForAnFsyncAreAQuarterOfWhatTheProcessMayOpen) {
  struct rlimit before;
  CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const struct rlimit few = {40, before.rlim_max};
  CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  std::promise<void> open;
  const auto opened = open.get_future().share();
  Engine one(1), other(1);  // they end before what their tasks wait for
  for (int i = 0; i < 5; i++)
    for (Engine* engine : {&one, &other}) engine->Fsync([&] { opened.wait(); });
  for (Engine* engine : {&one, &other}) {
    std::thread::id who;
    engine->Fsync([&] { who = std::this_thread::get_id(); });
    CHECK(who == std::this_thread::get_id());
  }
  open.set_value();
  CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

// What such a task owns is let go at once: a background thread may wait for just that.
TEST(StopDropsFsyncsThatNobodyHasBegunBeforeItWaitsForAThread) {
  struct Owned {
    explicit Owned(std::promise<void>* at_end) : end(at_end) {}
    ~Owned() { end->set_value(); }
    std::promise<void>* const end;
  };
  Engine engine(1);
  std::promise<void> dropped;
  auto gone = dropped.get_future().share();
  std::counting_semaphore<> begun(0);
  for (int i = 0; i < 8; i++) {
    engine.Fsync([&] {
      begun.release();
      CHECK(gone.wait_for(std::chrono::minutes(10)) == std::future_status::ready);
    });
    begun.acquire();
  }
  engine.Fsync([owned = std::make_shared<Owned>(&dropped)] {});
  engine.Stop();
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

// As where there is no memory left: whoever has called says so, and the process goes on.
TEST(WhatAThreadOfAParallelForThrowsIsThrownByItOnceAllHaveEnded) {
  Engine engine(1);
  for (const size_t fails : {0u, 7u, 99u}) {
    std::atomic<int> running{0};
    bool thrown = false;
    try {
      engine.ParallelFor(100, 8, [&](size_t i) {
        running++;
        std::this_thread::sleep_for(std::chrono::microseconds(100));
        running--;
        if (i == fails) throw std::bad_alloc();
      });
    } catch (const std::bad_alloc&) {
      thrown = true;
    }
    CHECK(thrown);
    CHECK_EQ(running.load(), 0);
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

// Waits for another work.
class Waiting : public Work {
 public:
  bool Waits() const override { return true; }
  Waiting(Engine& engine, std::shared_future<void> for_what) : engine_(engine), for_what_(std::move(for_what)) {}
  bool Step() override {
    const Engine::Pause pause(engine_);
    for_what_.wait();
    return false;
  }

 private:
  Engine& engine_;
  std::shared_future<void> for_what_;
};

TEST(AWorkerThatIsPausedLeavesItsTurnToAnotherWork) {
  Engine engine(1);
  std::string log;
  std::promise<void> end;
  const std::shared_future<void> ended = end.get_future().share();
  engine.Add(std::make_shared<Waiting>(engine, ended));
  engine.Add(std::make_shared<Letters>('a', 3, &log, &end));  // without a turn neither would end
  ended.wait();
  engine.Stop();
  CHECK_EQ(log, "aaa");
}

// However many wait, and where there are no more threads for them.
TEST(WorksThatWaitLeaveAThreadToOneThatDoesNot) {
  for (const bool threads : {true, false}) {
    Engine engine(2);
    std::string log;
    std::promise<void> begun, end;
    engine.Add(std::make_shared<Letters>('a', 1, &log, &begun));
    begun.get_future().wait();
    const std::shared_future<void> ended = end.get_future().share();
    const auto none = threads ? nullptr : std::make_unique<NoThreads>();
    for (int i = 0; i < 100; i++) engine.Add(std::make_shared<Waiting>(engine, ended));
    engine.Add(std::make_shared<Letters>('b', 3, &log, &end));
    ended.wait();
    engine.Stop();
    CHECK_EQ(log, "abbb");
  }
}

// Its owner may have looked for what is to be canceled before it was added.
TEST(StopCancelsWorkThatWaits) {
  struct Endless : Work {
    bool Step() override {
      entered.set_value();
      canceled.get_future().wait();
      return false;
    }
    void Cancel() override { canceled.set_value(); }
    std::promise<void> entered, canceled;
  };
  Engine engine(1);
  auto endless = std::make_shared<Endless>();
  engine.Add(endless);
  endless->entered.get_future().wait();
  engine.Stop();
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
