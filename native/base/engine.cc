// Two kinds of thread: workers copy (they may be many and busy, and step back for the rank's own computing);
// background threads wait on fsync and rename. Started when first needed: an import costs nothing.
#include "base/engine.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <system_error>

namespace axl {

namespace {

constexpr unsigned kMaxWorkers = 8;
constexpr int kWorkerNice = 5;  // a rank's computing, and its event loop, come before our copies

unsigned DefaultWorkers() { return std::clamp(std::thread::hardware_concurrency(), 2u, kMaxWorkers); }

}  // namespace

Engine::Engine(unsigned workers) : workers_(workers > 0 ? workers : DefaultWorkers()) {}

Engine::~Engine() { Stop(); }

// The system may have no thread for us (a limit of processes or of address space): then we make do with fewer.
bool Engine::Start(void (Engine::*loop)()) {
  try {
    threads_.emplace_back([this, loop] { (this->*loop)(); });
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

void Engine::Add(std::shared_ptr<Work> work) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    while (workers_started_ < workers_ && Start(&Engine::Worker)) workers_started_++;
    if (workers_started_ > 0) {
      work_.push_back(std::move(work));
      work_ready_.notify_all();
      return;
    }
  }
  while (work->Step()) {
  }
}

void Engine::Worker() {
#ifdef __linux__
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kWorkerNice);
#endif
  std::unique_lock lock(mutex_);
  while (true) {
    work_ready_.wait(lock, [this] { return stopping_ || !work_.empty(); });
    if (stopping_) return;
    std::shared_ptr<Work> work = work_.front();
    work_.pop_front();
    work_.push_back(work);  // turns: every transfer gets its share
    lock.unlock();
    const bool more = work->Step();
    lock.lock();
    if (!more) std::erase(work_, work);
  }
}

void Engine::Post(std::function<void()> task) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    const bool wanted = idle_background_ < tasks_.size() + 1 && backgrounds_ < max_background_;
    if (wanted && Start(&Engine::Background)) backgrounds_++;
    if (backgrounds_ > 0) {
      tasks_.push_back(std::move(task));
      task_ready_.notify_one();
      return;
    }
  }
  task();
}

void Engine::AllowBackground(unsigned threads) {
  std::lock_guard lock(mutex_);
  max_background_ = std::max(max_background_, threads);
}

void Engine::Background() {
  std::unique_lock lock(mutex_);
  while (true) {
    idle_background_++;
    task_ready_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    idle_background_--;
    if (stopping_) return;
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;  // what it owns goes before we hold the lock again
    lock.lock();
  }
}

void Engine::ParallelFor(size_t n, unsigned threads, const std::function<void(size_t)>& f) {
  // The caller works too, and waits only for pieces that a thread has begun: when all background threads are
  // callers themselves, each simply does its own work.
  struct Shared {
    Shared(size_t count, const std::function<void(size_t)>& call) : n(count), left(count), f(call) {}
    const size_t n;
    std::atomic<size_t> next{0}, left;
    const std::function<void(size_t)>& f;  // lives until `left` is 0
  };
  auto shared = std::make_shared<Shared>(n, f);
  auto run = [](Shared& s) {
    for (size_t i; (i = s.next.fetch_add(1)) < s.n;) {
      s.f(i);
      if (s.left.fetch_sub(1) == 1) s.left.notify_all();
    }
  };
  const size_t helpers = std::min<size_t>(threads > 0 ? threads - 1 : 0, n > 0 ? n - 1 : 0);
  for (size_t i = 0; i < helpers; i++) Post([shared, run] { run(*shared); });
  run(*shared);
  for (size_t left; (left = shared->left.load()) > 0;) shared->left.wait(left);
}

bool Engine::stopping() const {
  std::lock_guard lock(mutex_);
  return stopping_;
}

void Engine::Stop() {
  std::vector<std::thread> threads;
  std::deque<std::shared_ptr<Work>> work;
  std::deque<std::function<void()>> tasks;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
    work.swap(work_);
    tasks.swap(tasks_);
    work_ready_.notify_all();
    task_ready_.notify_all();
  }
  for (auto& t : threads) t.join();
}

}  // namespace axl
