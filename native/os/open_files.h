// Which files the processes of this host have open, as /proc has it at one moment.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace axl {

class OpenFiles {
 public:
  // Looks now, into the processes that we may look into: who is not root sees its own only.
  static OpenFiles Look();

  // By device and inode; or by the last name of its path, if it is a temporary name: one file may be mounted twice.
  bool Has(const struct stat& st, std::string_view name) const;

 private:
  void Add(const std::string& fd);

  std::set<std::pair<uint64_t, uint64_t>> files_;
  std::set<std::string, std::less<>> names_;
};

}  // namespace axl
