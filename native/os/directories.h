// Open directories: what is made, renamed or removed in one is named from its descriptor, so that nobody can put a
// symbolic link in the way between two calls.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "os/os.h"

namespace axl {

struct Directory {
  std::string path;
  Fd fd;                                // O_PATH
  std::atomic<bool> writable{false};    // somebody asked, and it was
  std::atomic<int8_t> default_acl{-1};  // new files get an access control list: yes, no, -1: nobody asked
  std::atomic<dev_t> device{0};         // 0: nobody asked
  std::mutex looking;
  std::optional<Seen> seen;  // what somebody saw who looked
};

// Without following links anywhere in the path: kUnsafePath if there is one.
Status OpenDirectory(Os& os, std::string_view path, std::shared_ptr<Directory>* out);

// What an automounter, a file system that is mounted read-only, or a directory that may only be searched, says to
// mkdir, rmdir and unlink, whether the name is there or not.
bool IsForbidden(int result);
// After rmdir or unlink has said `result`: is there nothing of this name?
bool WasNotThere(Os& os, int result, int dir, const std::string& name);

// May this user rename, replace or remove what is `there`, as far as the sticky bit of its directory says?
bool MayRemove(Os& os, const Seen& directory, const Seen& there);
// Is something mounted on what is `there`? `directory` is that above it.
bool IsMountPoint(const Seen& directory, const Seen& there);

// Shared by the transfers that are finalized together: most put their files into the same few. Thread-safe.
class DirectoryCache {
 public:
  explicit DirectoryCache(Os& os) : os_(os) {}
  // As OpenDirectory, or what it gave before. It may have been renamed or removed since.
  Status Open(std::string_view path, std::shared_ptr<Directory>* out);

 private:
  static constexpr size_t kKept = 8;
  Os& os_;
  std::mutex mutex_;
  std::array<std::shared_ptr<Directory>, kKept> kept_;
  size_t next_ = 0;
};

// The directory of the name that is at work. Files of one directory come together: it stays open until another is
// needed.
class ParentDirectory {
 public:
  explicit ParentDirectory(Os& os, DirectoryCache* cache = nullptr) : os_(os), cache_(cache) {}
  // That of `path`.
  Status Open(std::string_view path);
  void Close() { dir_.reset(); }
  // REQUIRES, for these: Open was ok.
  int fd() const { return dir_->fd.get(); }
  const std::string& path() const { return dir_->path; }
  std::atomic<bool>& writable() const { return dir_->writable; }
  // What it is, or was when somebody looked before.
  Status Look(Seen* seen) const;
  // Does what is made in it get an access control list? True where that cannot be told.
  bool HasDefaultAcl() const;
  // What is made in it is of this device. 0 where that cannot be told.
  dev_t Device() const;

 private:
  Os& os_;
  DirectoryCache* cache_;
  std::shared_ptr<Directory> dir_;
};

}  // namespace axl
