#include "base/pool.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace axl {

bool StartThread(std::vector<std::thread>* threads, std::function<void()> run) {
  try {
    threads->emplace_back(std::move(run));
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

void Pool::Post(Task task) {
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    if (idle_ < tasks_.size() + 1 && threads_.size() < max_) (void)StartThread(&threads_, [this] { Run(); });
    if (!threads_.empty()) {
      tasks_.push_back(std::move(task));
      ready_.notify_one();
      return;
    }
  }
  task();
}

void Pool::Allow(unsigned threads) {
  std::lock_guard lock(mutex_);
  max_ = std::max(max_, threads);
}

void Pool::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    idle_++;
    ready_.wait(lock, [this] { return closed_ || !tasks_.empty(); });
    idle_--;
    if (closed_) return;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;  // what it owns goes before we hold the lock again
    lock.lock();
  }
}

std::deque<Pool::Task> Pool::Close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  ready_.notify_all();
  return std::exchange(tasks_, {});
}

void Pool::Join() {
  std::vector<std::thread> threads;
  {
    std::lock_guard lock(mutex_);
    threads.swap(threads_);
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace axl
