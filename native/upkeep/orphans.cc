// Every deletion is named from the descriptor of a directory that was opened without following links.
#include "upkeep/orphans.h"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <string_view>
#include <utility>

#include "base/names.h"
#include "os/directories.h"
#include "os/metadata.h"
#include "os/open_files.h"
#include "publish/barrier.h"

namespace axl {

namespace {

class Search {
 public:
  Search(Os& os, bool recursive) : os_(os), recursive_(recursive) {}

  TemporaryFiles Run(const std::string& top) {
    pending_.push_back(top);
    while (!pending_.empty()) {
      const std::string dir = std::move(pending_.back());
      pending_.pop_back();
      Note(Enter(dir), dir == top);
    }
    return std::move(found_);
  }

 private:
  // What vanishes meanwhile is not there.
  void Note(Status s, bool asked_for) {
    if (!s.ok() && (asked_for || s.err != ENOENT)) found_.unreadable.push_back(std::move(s));
  }

  Status Enter(const std::string& dir) {
    Fd fd(os_, os_.OpenNoLinks(AT_FDCWD, dir.c_str(), O_RDONLY | O_DIRECTORY));
    if (!fd.valid()) return Status::Errno(fd.error(), "open", dir);
    std::vector<OsDirEntry> entries;
    if (const int r = os_.List(fd.get(), &entries); r < 0) return Status::Errno(-r, "readdir", dir);
    for (const OsDirEntry& entry : entries) Note(Entry(fd.get(), dir, entry), false);
    return Status::Ok();
  }

  Status Entry(int fd, const std::string& dir, const OsDirEntry& entry) {
    const bool temporary = !DigitsOfTemporary(entry.name).empty();
    const bool maybe_directory = entry.type == DT_DIR || entry.type == DT_UNKNOWN;
    if (!temporary && !(maybe_directory && recursive_)) return Status::Ok();
    struct stat st;
    const std::string path = Join(dir, entry.name);
    if (const int r = os_.Stat(fd, entry.name.c_str(), &st, AT_SYMLINK_NOFOLLOW); r < 0)
      return Status::Errno(-r, "stat", path);
    if (S_ISDIR(st.st_mode) && recursive_ && !IsSnapshot(entry.name)) pending_.push_back(path);
    if (temporary && (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode))) Add(path, entry.name, st);
    return Status::Ok();
  }

  void Add(const std::string& path, const std::string& name, const struct stat& st) {
    const std::string_view final_name = FinalOfTemporary(name);
    TemporaryFile file;
    file.path = path;
    file.digits = DigitsOfTemporary(name);
    if (!final_name.empty()) file.final_path = Join(ParentOf(path), final_name);
    file.symlink = S_ISLNK(st.st_mode);
    file.bytes = static_cast<uint64_t>(st.st_size);
    file.uid = st.st_uid;
    file.modified = TimeOf(st.st_mtim);
    file.changed = TimeOf(st.st_ctim);
    found_.files.push_back(std::move(file));
  }

  Os& os_;
  const bool recursive_;
  std::vector<std::string> pending_;
  TemporaryFiles found_;
};

bool IsStill(const TemporaryFile& file, const struct stat& st) {
  return (file.symlink ? S_ISLNK(st.st_mode) : S_ISREG(st.st_mode)) && st.st_uid == file.uid &&
         TimeOf(st.st_mtim) == file.modified && TimeOf(st.st_ctim) == file.changed &&
         static_cast<uint64_t>(st.st_size) == file.bytes;
}

Removal Remove(Os& os, const OpenFiles& open, const TemporaryFile& file, ParentDirectory* parent) {
  const std::string name(BaseOf(file.path));
  if (Status s = parent->Open(file.path); !s.ok()) return {false, s.err == ENOENT ? Status::Ok() : std::move(s)};
  struct stat st;
  int r = os.Stat(parent->fd(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW);
  if (r == -ENOENT) return {};
  if (r < 0) return {false, Status::Errno(-r, "stat", file.path)};
  if (!IsStill(file, st))
    return {false,
            Status::Make(Code::kConflict, "the file has changed since it was found: it was left alone", file.path)};
  if (open.Has(st, name))
    return {true, Status::Make(Code::kStateLocked, "a process of this host has the file open", file.path)};
  r = os.Unlink(parent->fd(), name.c_str());
  return {false, r < 0 && r != -ENOENT ? Status::Errno(-r, "unlink", file.path) : Status::Ok()};
}

}  // namespace

TemporaryFiles FindTemporaryFiles(Os& os, const std::string& dir, bool recursive) {
  return Search(os, recursive).Run(dir);
}

std::vector<Removal> RemoveTemporaryFiles(Os& os, const std::vector<TemporaryFile>& files) {
  const OpenFiles open = OpenFiles::Look();
  DirectoryBarrier barrier(os);
  ParentDirectory parent(os);
  std::vector<Removal> removals;
  for (const TemporaryFile& file : files) {
    removals.push_back(Remove(os, open, file, &parent));
    if (removals.back().status.ok()) barrier.Need(ParentOf(file.path));
  }
  barrier.Run();
  for (size_t i = 0; i < files.size(); i++) {
    if (!removals[i].status.ok()) continue;
    const Status synced = barrier.Result(ParentOf(files[i].path));
    if (!synced.ok() && synced.err != ENOENT) removals[i].status = synced;
  }
  return removals;
}

}  // namespace axl
