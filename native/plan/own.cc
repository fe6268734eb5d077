// Part of Plan: what transfers have left in a source tree. It is nobody's data, and it changes while they run: a copy
// of a tree leaves it out.
#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "base/names.h"
#include "journal/format.h"
#include "plan/plan.h"

namespace axl {

// A state file has the name that its caller gave it, so that only its beginning tells. Its mode, and a name that ends
// with a number, as those of ranks do, or is that of our own state file, spare other files the look. What may not be
// read is a file like any other, and says so when it is copied.
Status Plan::IsOwn(int dir, const char* name, const Source& source, bool* own) {
  const struct stat& st = source.st;
  const std::string_view base = BaseOf(source.path);
  *own = IsOwnName(base) && (DigitsOfTemporary(base).empty() || !S_ISDIR(st.st_mode));
  const bool named = base == BaseOf(spared_) || (!base.empty() && base.back() >= '0' && base.back() <= '9');
  const bool looks =
      S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0600 && st.st_size >= static_cast<off_t>(kHeaderSize);
  if (*own || !named || !looks) return Status::Ok();
  const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | (source.followed ? 0 : O_NOFOLLOW);
  Fd fd(os_, os_.Open(dir, name, flags));
  if (fd.error() == EACCES || fd.error() == EPERM) return Status::Ok();
  if (!fd.valid()) return Status::Errno(fd.error(), "open", source.path);
  char begin[sizeof kJournalMagic];
  const ssize_t n = ReadFull(os_, fd.get(), begin, sizeof begin, 0);
  if (n < 0) return Status::Errno(static_cast<int>(-n), "read", source.path);
  *own = n == sizeof begin && std::memcmp(begin, kJournalMagic, sizeof begin) == 0;
  return Status::Ok();
}

// Is it to be left out of a tree because its writer renames it once it is whole?
bool Plan::LeaveDraft(const Source& source) {
  const bool is = source.as != PublishAs::kAsAdded && !S_ISDIR(source.st.st_mode) && commit_files_.IsDraft(source.path);
  counts_.drafts += is;
  return is;
}

Status Plan::RefuseOwn(const Source& source) {
  bool own = false;
  if (Status s = IsOwn(AT_FDCWD, source.path.c_str(), source, &own); !s.ok() || !own) return s;
  return Status::Make(Code::kNotSupported,
                      "this is a temporary file or a state file of a transfer, and no data: finalize the transfer with "
                      "axl-finalize, or copy it under another name",
                      source.path);
}

}  // namespace axl
