// An Os that writes down, in order, every call that changes something or makes it durable.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <mutex>
#include <string>
#include <vector>

#include "base/names.h"
#include "journal/format.h"
#include "world.h"

namespace axl::test {

struct Event {
  std::string call;
  std::string path;               // the second one of a rename
  std::vector<RecordType> wrote;  // into the state file
  std::vector<uint32_t> files;    // the first number of each of them: of DONE, the file
};

class RecordingOs : public QuickOs {
 public:
  explicit RecordingOs(std::string state_file) : state_file_(std::move(state_file)) {}
  std::vector<Event> events;

  // The first event from `from` on that is `call` on a path that contains `path`; events.size() if there is none.
  size_t Find(const std::string& call, const std::string& path, size_t from = 0) const {
    for (size_t i = from; i < events.size(); i++)
      if (events[i].call == call && events[i].path.find(path) != std::string::npos) return i;
    return events.size();
  }
  size_t Wrote(RecordType type) const {
    for (size_t i = 0; i < events.size(); i++)
      for (RecordType t : events[i].wrote)
        if (t == type) return i;
    return events.size();
  }
  size_t Last(const std::string& call) const {
    for (size_t i = events.size(); i-- > 0;)
      if (events[i].call == call) return i;
    return events.size();
  }

  int Open(int dir, const char* path, int flags, mode_t mode) override {
    if ((flags & O_CREAT) != 0) Note("create", PathAt(dir, path));
    return to_.Open(dir, path, flags, mode);
  }
  ssize_t Write(int fd, const void* data, size_t n, off_t at) override {
    const std::string path = PathOf(fd);
    Note("write", path);
    if (path == state_file_ && at > 0) Parse(static_cast<const char*>(data), n);
    return to_.Write(fd, data, n, at);
  }
  int Fsync(int fd) override {
    Note("fsync", PathOf(fd));
    return 0;
  }
  int StartWriteback(int fd, off_t, off_t) override {
    Note("writeback", PathOf(fd));
    return 0;
  }
  int Chown(int fd, uid_t uid, gid_t gid) override {
    Note("chown", PathOf(fd));
    return to_.Chown(fd, uid, gid);
  }
  int Chmod(int fd, mode_t mode) override {
    Note("chmod", PathOf(fd));
    return to_.Chmod(fd, mode);
  }
  int SetTimes(int fd, const struct timespec times[2]) override {
    Note("utimens", PathOf(fd));
    return to_.SetTimes(fd, times);
  }
  int SetXattr(int fd, const char* name, const void* value, size_t n) override {
    Note("setxattr", PathOf(fd));
    return to_.SetXattr(fd, name, value, n);
  }
  int RemoveXattr(int fd, const char* name) override {
    Note("removexattr", PathOf(fd));
    return to_.RemoveXattr(fd, name);
  }
  int Rename(int dir, const char* from, int to_dir, const char* to) override {
    Note("rename", PathAt(to_dir, to));
    return to_.Rename(dir, from, to_dir, to);
  }
  int RenameNoReplace(int dir, const char* from, const char* to) override {
    Note("rename", PathAt(dir, to));
    return to_.RenameNoReplace(dir, from, to);
  }
  int RenameNew(int dir, const char* from, const char* to) override {
    Note("rename new", PathAt(dir, to));
    return to_.RenameNew(dir, from, to);
  }
  int Link(int dir, const char* from, int to_dir, const char* to) override {
    Note("link", PathAt(to_dir, to));
    return to_.Link(dir, from, to_dir, to);
  }
  int Unlink(int dir, const char* path) override {
    Note("unlink", PathAt(dir, path));
    return to_.Unlink(dir, path);
  }
  int Mkdir(int dir, const char* path, mode_t mode) override {
    Note("mkdir", PathAt(dir, path));
    return to_.Mkdir(dir, path, mode);
  }
  int Symlink(const char* target, int dir, const char* path) override {
    Note("create", PathAt(dir, path));
    return to_.Symlink(target, dir, path);
  }

 private:
  // Of what the last event wrote.
  void Parse(const char* data, size_t n) {
    std::lock_guard lock(mutex_);
    for (size_t at = 0; at + kRecordOverhead <= n;) {
      uint32_t length, file;
      std::memcpy(&length, data + at, sizeof length);
      std::memcpy(&file, data + at + kRecordOverhead - 4, sizeof file);
      events.back().wrote.push_back(static_cast<RecordType>(data[at + 4]));
      events.back().files.push_back(file);
      at += kRecordOverhead + length;
    }
  }
  void Note(const char* call, std::string path) {
    std::lock_guard lock(mutex_);
    events.push_back({call, std::move(path), {}, {}});
  }

  const std::string state_file_;
  std::mutex mutex_;
};

}  // namespace axl::test
