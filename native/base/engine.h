// The threads of a process: workers that copy for all transfers in turn, a few that dispatch and publish, and a few
// that wait on the fsyncs of what was copied. Knows neither files nor Node. Thread-safe. Where no thread can be
// started, the caller does the work: slower, but it is done.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/pool.h"

namespace axl {

// Something that workers can do a piece of. Step is called by several threads at once.
class Work {
 public:
  virtual ~Work() = default;
  // Does one piece (a chunk, a batch of small files). False: there is no piece left to take.
  virtual bool Step() = 0;
  // Will a Step wait for something else than the system, and for how long nobody knows? Such works never have all
  // threads.
  virtual bool Waits() const { return false; }
  // Steps that run, or are still to come, are to end soon. Called by several threads, and more than once.
  virtual void Cancel() {}
};

class Engine {
 public:
  // `workers` copying threads (0: from the number of CPUs), started when first needed.
  explicit Engine(unsigned workers = 0);
  ~Engine();  // Stop()

  // Workers take turns between all work added until its Step says false.
  void Add(std::shared_ptr<Work> work);
  // What a work says of waiting has changed.
  void Wake();
  // Runs `task` on a background thread: dispatch, publish, finalize; so that they never wait behind a long copy.
  void Post(std::function<void()> task);
  // At least so many tasks may run at once.
  void AllowBackground(unsigned threads);
  // Runs `task`, an fsync of a file that it has open, on one of the threads that do nothing else: a disk is quick only
  // if it is asked for several at once. Where many wait already the caller does it, so only so many files are open, of
  // all engines of the process.
  void Fsync(std::function<void()> task);
  // Calls f(0) .. f(n-1) on up to `threads` background threads including the caller's; returns when all have returned.
  // What one of them throws is thrown then, and those that had not begun are not called.
  void ParallelFor(size_t n, unsigned threads, const std::function<void(size_t)>& f);
  // Cancels all work, drops what was not begun, joins all threads. Idempotent.
  void Stop();

  // True once Stop was called. What a task does for long asks it, since Stop waits for the task.
  const std::atomic<bool>& stopping() const { return stopping_; }
  unsigned workers() const { return workers_; }

  // As long as one lives, a worker's Step waits for something else than the system: another worker has its turn.
  class Pause {
   public:
    explicit Pause(Engine& engine) : engine_(engine) { engine_.BeginPause(); }
    ~Pause() { engine_.EndPause(); }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    Engine& engine_;
  };

 private:
  struct Turn {
    std::shared_ptr<Work> work;
    unsigned running = 0;  // threads in its Step
    bool over = false;     // there is no piece left to take: it ends with the last of these
    bool takes(unsigned threads) const { return !over && running < threads; }
  };

  void Worker();
  void StartWorkers();
  std::shared_ptr<Turn> TakeTurn();
  bool MayWait() const;
  void BeginPause();
  void EndPause();

  const unsigned workers_;
  mutable std::mutex mutex_;
  std::condition_variable work_ready_;
  std::deque<std::shared_ptr<Turn>> work_;
  unsigned active_ = 0, paused_ = 0;  // workers in a Step, and which of these do not work
  std::vector<std::thread> threads_;
  Pool background_, fsyncs_;
  std::atomic<bool> stopping_{false};  // becomes true under mutex_
};

}  // namespace axl
