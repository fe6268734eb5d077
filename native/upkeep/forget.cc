// The name is removed from the directory in which the file was opened, if it still is the name of that file.
#include "upkeep/forget.h"

#include <fcntl.h>

#include <string>

#include "base/names.h"
#include "journal/axl_file.h"
#include "journal/reader.h"
#include "os/metadata.h"
#include "upkeep/state_files.h"

namespace axl {

namespace {

struct Target {
  Fd dir, file;
  std::string name;
  struct stat st;
};

Status OpenTarget(Os& os, const std::string& path, Target* target) {
  const std::string dir(ParentOf(path));
  target->name = BaseOf(path);
  target->dir = Fd(os, os.Open(AT_FDCWD, dir.c_str(), O_RDONLY | O_DIRECTORY));
  if (!target->dir.valid()) return Status::Errno(target->dir.error(), "open", dir);
  const int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  target->file = Fd(os, os.Open(target->dir.get(), target->name.c_str(), flags));
  if (!target->file.valid()) return Status::Errno(target->file.error(), "open", path);
  const int r = os.Fstat(target->file.get(), &target->st);
  return r < 0 ? Status::Errno(-r, "fstat", path) : Status::Ok();
}

Status CheckKind(Os& os, const Target& target, const std::string& path) {
  if (!S_ISREG(target.st.st_mode)) return Status::Make(Code::kUnsafePath, "this is not a regular file", path);
  if (target.st.st_uid == os.EffectiveUser()) return Status::Ok();
  const std::string user = std::to_string(target.st.st_uid);
  return Status::Make(Code::kUnsafePath, "the state file belongs to user " + user + ": run this as that user", path);
}

Status CheckWriter(Os& os, const Target& target, const std::string& path, const Word& word) {
  std::string beginning;
  if (Status s = ReadBeginning(os, target.file.get(), path, &beginning); !s.ok()) return s;
  const auto* data = reinterpret_cast<const uint8_t*>(beginning.data());
  const bool is_axl = IsOfAxl(data, beginning.size(), target.name);
  if (!is_axl && !Recognize(data, beginning.size()))
    return Status::Make(Code::kStateCorrupt, "this is not a state file", path);
  Replay replay;
  (void)ReplayJournal(data, beginning.size(), &replay);
  replay.state.info.axl.is = is_axl;
  const int fd = target.file.get();
  const Alive alive = IsAlive(os, fd, ToLocked(os.Lock(fd)), replay.state.info, word, path);
  return alive.answer == Answer::kNo ? Status::Ok() : alive.why;
}

Status CheckSame(Os& os, const Target& target, const std::string& path, const Time& modified) {
  struct stat now;
  const int r = os.Stat(target.dir.get(), target.name.c_str(), &now, AT_SYMLINK_NOFOLLOW);
  if (r < 0) return Status::Errno(-r, "stat", path);
  if (now.st_ino == target.st.st_ino && now.st_dev == target.st.st_dev && TimeOf(now.st_mtim) == modified)
    return Status::Ok();
  return Status::Make(Code::kConflict, "the state file has changed since it was looked at: run this again", path);
}

}  // namespace

Status Forget(Os& os, const std::string& path, const Time& modified, const Word& word) {
  Target target;
  if (Status s = OpenTarget(os, path, &target); !s.ok()) return s;
  if (Status s = CheckKind(os, target, path); !s.ok()) return s;
  if (Status s = CheckWriter(os, target, path, word); !s.ok()) return s;
  if (Status s = CheckSame(os, target, path, modified); !s.ok()) return s;
  if (const int r = os.Unlink(target.dir.get(), target.name.c_str()); r < 0) return Status::Errno(-r, "unlink", path);
  const int r = os.Fsync(target.dir.get());
  if (r == 0) return Status::Ok();
  Status s = Status::Errno(-r, "fsync", std::string(ParentOf(path)));
  s.detail = "the state file was removed, but may come back after a power cut";
  return s;
}

}  // namespace axl
