// Reads /proc directly, like process.cc. Processes end while it does: what is gone has nothing open.
#include "os/open_files.h"

#include <filesystem>
#include <system_error>

#include "base/names.h"

namespace axl {

namespace {

using Entries = std::filesystem::directory_iterator;

bool IsNumber(std::string_view name) { return name.find_first_not_of("0123456789") == std::string_view::npos; }

}  // namespace

OpenFiles OpenFiles::Look() {
  OpenFiles open;
  std::error_code error;
  for (Entries it("/proc", error); !error && it != Entries(); it.increment(error)) {
    if (!IsNumber(BaseOf(it->path().native()))) continue;
    std::error_code closed;
    for (Entries fd(it->path() / "fd", closed); !closed && fd != Entries(); fd.increment(closed))
      open.Add(fd->path().native());
  }
  return open;
}

void OpenFiles::Add(const std::string& fd) {
  struct stat st;
  if (stat(fd.c_str(), &st) == 0 && S_ISREG(st.st_mode)) files_.emplace(st.st_dev, st.st_ino);
  std::error_code error;
  const std::string target = std::filesystem::read_symlink(fd, error).native();
  if (const std::string_view name = BaseOf(target); !DigitsOfTemporary(name).empty()) names_.emplace(name);
}

bool OpenFiles::Has(const struct stat& st, std::string_view name) const {
  return files_.contains({st.st_dev, st.st_ino}) || names_.contains(name);
}

}  // namespace axl
