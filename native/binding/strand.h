// Runs the tasks of one transfer on the engine's background threads, one at a time and in order: Transfer's calls are
// not thread-safe against each other.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "base/engine.h"

namespace axl {

class Strand : public std::enable_shared_from_this<Strand> {
 public:
  explicit Strand(Engine& engine) : engine_(engine) {}

  // From any thread. Dropped without running once the engine has stopped.
  void Post(std::function<void()> task) {
    {
      std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
      if (running_) return;
      running_ = true;
    }
    Schedule();
  }

 private:
  // One turn on the engine. If the engine drops it, the strand drops its tasks: each owns the transfer that owns the
  // strand, whose state file would stay locked for as long as the process lives.
  struct Turn {
    explicit Turn(std::shared_ptr<Strand> s) : strand(std::move(s)) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (strand) strand->Drop();
    }
    std::shared_ptr<Strand> strand;
  };

  // Without the lock: an engine that has no thread runs the task at once.
  void Schedule() {
    engine_.Post([turn = std::make_shared<Turn>(shared_from_this())] { std::exchange(turn->strand, {})->RunOne(); });
  }

  void Drop() {
    std::deque<std::function<void()>> dropped;
    std::lock_guard lock(mutex_);
    dropped.swap(tasks_);
    running_ = false;
  }

  void RunOne() {
    std::unique_lock lock(mutex_);
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
    running_ = !tasks_.empty();
    if (!running_) return;
    lock.unlock();
    Schedule();
  }

  Engine& engine_;
  std::mutex mutex_;
  std::deque<std::function<void()>> tasks_;
  bool running_ = false;
};

}  // namespace axl
