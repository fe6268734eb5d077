// Runs the tasks of one transfer on the engine's background threads, one at a time and in order: Transfer's calls are
// not thread-safe against each other.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "engine.h"

namespace axl {

class Strand : public std::enable_shared_from_this<Strand> {
 public:
  explicit Strand(Engine& engine) : engine_(engine) {}

  // From any thread. Dropped without running once the engine has stopped.
  void Post(std::function<void()> task) {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    if (!running_) Schedule();
  }

 private:
  void Schedule() {
    running_ = true;
    engine_.Post([self = shared_from_this()] { self->RunOne(); });
  }

  void RunOne() {
    std::unique_lock lock(mutex_);
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
    running_ = false;
    if (!tasks_.empty()) Schedule();
  }

  Engine& engine_;
  std::mutex mutex_;
  std::deque<std::function<void()>> tasks_;
  bool running_ = false;
};

}  // namespace axl
