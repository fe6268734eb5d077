// Threads that run tasks, started when first needed: an import costs nothing. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace axl {

// The system may have no thread for us (a limit of processes or of address space): then we make do with fewer.
bool StartThread(std::vector<std::thread>* threads, std::function<void()> run);

class Pool {
 public:
  using Task = std::function<void()>;

  explicit Pool(unsigned threads) : max_(threads) {}

  // Runs `task` on a thread; in the caller where no thread can be started: slower, but it is done. After Close it is
  // dropped.
  void Post(Task task);
  // At least so many tasks may run at once.
  void Allow(unsigned threads);
  // No more tasks are begun. Gives those that never were.
  std::deque<Task> Close();
  // REQUIRES: Close. Waits for the tasks that run.
  void Join();

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Task> tasks_;
  std::vector<std::thread> threads_;
  unsigned idle_ = 0;
  unsigned max_;
  bool closed_ = false;
};

}  // namespace axl
