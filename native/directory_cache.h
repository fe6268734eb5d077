// Open directories, shared by the transfers that are finalized together: most put their files into the same few.
// Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "os.h"
#include "status.h"

namespace axl {

struct Directory {
  std::string path;
  Fd fd;                              // O_PATH
  std::atomic<bool> writable{false};  // somebody asked, and it was
};

// Without following links anywhere in the path: kUnsafePath if there is one.
Status OpenDirectory(Os& os, std::string_view path, std::shared_ptr<Directory>* out);

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

}  // namespace axl
