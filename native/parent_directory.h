// The directory that holds a name, opened so that no symbolic link leads there: whoever may write to a directory above
// it could have put one in the way since the path was resolved. What is made by that name is made there.
#pragma once

#include <fcntl.h>

#include <cerrno>
#include <string>

#include "names.h"
#include "os.h"
#include "status.h"

namespace axl {

class ParentDirectory {
 public:
  explicit ParentDirectory(Os& os) : os_(os) {}

  // Opens the directory of `path`. The one before stays open if it is the same: files of one directory come together.
  // kUnsafePath if a link is in the way.
  Status Open(std::string_view path) {
    const std::string_view parent = ParentOf(path);
    if (dir_.valid() && parent == path_) return Status::Ok();
    path_ = parent;
    dir_ = Fd(os_, os_.OpenNoLinks(AT_FDCWD, path_.c_str(), O_PATH | O_DIRECTORY));
    if (dir_.error() == ELOOP)
      return Status::Make(Code::kUnsafePath, "a symbolic link has come into the path of the directory", path_);
    return dir_.valid() ? Status::Ok() : Status::Errno(dir_.error(), "open", path_);
  }

  // REQUIRES: Open was ok.
  int get() const { return dir_.get(); }

 private:
  Os& os_;
  Fd dir_;
  std::string path_;
};

}  // namespace axl
