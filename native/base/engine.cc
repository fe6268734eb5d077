// Three kinds of thread: workers copy (they may be many and busy, and step back for the rank's own computing);
// background threads dispatch and publish; others wait on fsyncs. Started when first needed: an import costs nothing.
#include "base/engine.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>

namespace axl {

namespace {

constexpr unsigned kMaxWorkers = 8;
constexpr size_t kWaiting = 1024;  // threads whose work may wait at a time
constexpr unsigned kBackground = 16;
constexpr unsigned kFsyncs = 8;
constexpr size_t kOpenFiles = 256;  // that wait for an fsync
constexpr int kWorkerNice = 5;      // a rank's computing, and its event loop, come before our copies

// The rest of what the system lets a process open is for what is copied, and for the process itself.
size_t MostOpenFiles() {
  struct rlimit limit;
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? std::min<rlim_t>(kOpenFiles, limit.rlim_cur / 4) : 0;
}

// One of the files that wait for an fsync, of all engines of this process.
class OpenFile {
 public:
  OpenFile() : before_(open_++) {}
  ~OpenFile() { open_--; }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  size_t before() const { return before_; }

 private:
  static inline std::atomic<size_t> open_{0};
  const size_t before_;
};

unsigned DefaultWorkers() { return std::clamp(std::thread::hardware_concurrency(), 2u, kMaxWorkers); }

}  // namespace

Engine::Engine(unsigned workers)
    : workers_(workers > 0 ? workers : DefaultWorkers()), background_(kBackground), fsyncs_(kFsyncs) {}

Engine::~Engine() { Stop(); }

void Engine::Add(std::shared_ptr<Work> work) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    StartWorkers();
    if (!threads_.empty()) {
      work_.push_back(std::make_shared<Turn>(Turn{std::move(work)}));
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
    std::shared_ptr<Turn> turn;
    work_ready_.wait(lock, [&] { return stopping_ || (turn = TakeTurn()); });
    if (stopping_) return;
    lock.unlock();
    const bool more = turn->work->Step();
    lock.lock();
    active_--;
    turn->running--;
    turn->over |= !more;
    if (turn->over && turn->running == 0) std::erase(work_, turn);
  }
}

// May one more thread do work that waits? One is left for what does not, also where the system has no more threads.
bool Engine::MayWait() const {
  size_t waiting = 0;
  for (const auto& turn : work_)
    if (turn->work->Waits()) waiting += turn->running;
  return waiting < std::min(kWaiting, std::max<size_t>(threads_.size(), 2) - 1);
}

// Every work gets its share; one whose threads are paused takes no more of them than one whose threads are not.
std::shared_ptr<Engine::Turn> Engine::TakeTurn() {
  if (active_ >= workers_ + paused_) return nullptr;
  const bool may_wait = MayWait();
  const auto free = std::find_if(work_.begin(), work_.end(), [this, may_wait](auto& turn) {
    return turn->takes(workers_) && (may_wait || !turn->work->Waits());
  });
  if (free == work_.end()) return nullptr;
  std::shared_ptr<Turn> turn = *free;
  work_.erase(free);
  work_.push_back(turn);
  turn->running++;
  active_++;
  return turn;
}

void Engine::StartWorkers() {
  const size_t spare = paused_ > 0 ? paused_ + 1 : 0;
  while (threads_.size() < workers_ + spare && StartThread(&threads_, [this] { Worker(); })) continue;
}

void Engine::BeginPause() {
  std::lock_guard lock(mutex_);
  paused_++;
  if (stopping_) return;
  const bool waits = std::any_of(work_.begin(), work_.end(), [this](auto& turn) { return turn->takes(workers_); });
  if (waits) StartWorkers();
  work_ready_.notify_one();
}

void Engine::EndPause() {
  std::lock_guard lock(mutex_);
  paused_--;
}

void Engine::Wake() {
  const std::lock_guard lock(mutex_);
  work_ready_.notify_all();
}

void Engine::Post(std::function<void()> task) { background_.Post(std::move(task)); }

void Engine::AllowBackground(unsigned threads) { background_.Allow(threads); }

void Engine::Fsync(std::function<void()> task) {
  const auto file = std::make_shared<OpenFile>();
  if (file->before() >= MostOpenFiles()) return task();
  fsyncs_.Post([file, run = std::move(task)] { run(); });
}

void Engine::ParallelFor(size_t n, unsigned threads, const std::function<void(size_t)>& f) {
  // The caller works too, and waits only for pieces that a thread has begun: when all background threads are
  // callers themselves, each simply does its own work.
  struct Shared {
    Shared(size_t count, const std::function<void(size_t)>& call) : n(count), left(count), f(call) {}
    const size_t n;
    std::atomic<size_t> next{0}, left;
    const std::function<void(size_t)>& f;  // lives until `left` is 0
    std::atomic<bool> failed{false};
    std::exception_ptr thrown = nullptr;  // by whoever has failed first

    void Call(size_t i) {
      try {
        if (!failed) f(i);
      } catch (...) {
        if (!failed.exchange(true)) thrown = std::current_exception();
      }
    }
  };
  auto shared = std::make_shared<Shared>(n, f);
  auto run = [](Shared& s) {
    for (size_t i; (i = s.next.fetch_add(1)) < s.n;) {
      s.Call(i);
      if (s.left.fetch_sub(1) == 1) s.left.notify_all();
    }
  };
  const size_t helpers = std::min<size_t>(threads > 0 ? threads - 1 : 0, n > 0 ? n - 1 : 0);
  for (size_t i = 0; i < helpers; i++) Post([shared, run] { run(*shared); });
  run(*shared);
  for (size_t left; (left = shared->left.load()) > 0;) shared->left.wait(left);
  if (shared->thrown) std::rethrow_exception(shared->thrown);
}

void Engine::Stop() {
  std::vector<std::thread> threads;
  std::deque<std::shared_ptr<Turn>> work;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
    work.swap(work_);
    work_ready_.notify_all();
  }
  for (const auto& turn : work) turn->work->Cancel();  // one that was added after its owner had canceled all, too
  const auto tasks = background_.Close();
  fsyncs_.Close().clear();  // a background thread may wait for a copy that is over without them
  for (auto& t : threads) t.join();
  background_.Join();
  fsyncs_.Join();
}

}  // namespace axl
