// The sign of life of a writer whom neither its process nor its lock shows to other hosts: it touches its state file
// again and again, and is dead once a finalizer has seen no change for three beats.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/record.h"
#include "os/os.h"

namespace axl {

// Touches an open file every `every_ms` milliseconds while it lives, from a thread of its own: a server that hangs
// silences no other file. A touch that fails is left: the next one may succeed, and who hears none has to wait.
class Heartbeat {
 public:
  Heartbeat(Os& os, int fd, uint32_t every_ms);
  ~Heartbeat();
  // Or had the system no thread for it? Then the writer would be taken for dead.
  bool beats() const { return !threads_.empty(); }
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

 private:
  void Run(Os& os, int fd, std::chrono::milliseconds every);

  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::vector<std::thread> threads_;  // one, or none
};

// How long state files have not changed, as this process has seen it by its own clock: those of hosts differ, and the
// times of files are a server's. From any thread.
class Silences {
 public:
  using Clock = std::chrono::steady_clock;

  // Three beats; and a minute, since a listing may be as old on file systems of several hosts.
  static std::chrono::milliseconds Wanted(uint32_t heartbeat_ms);
  // Was it seen for that long, and is as it was at the first look?
  bool IsDead(const std::string& path, const struct stat& st, uint32_t heartbeat_ms, Clock::time_point now);
  static Silences& OfThisProcess();

 private:
  struct Seen {
    uint64_t inode = 0;
    int64_t size = 0;
    Time mtime;
    Clock::time_point since;
  };
  std::mutex mutex_;
  std::map<std::string, Seen> seen_;
};

}  // namespace axl
