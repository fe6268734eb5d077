// Part of Plan: adds a directory with all that is in it. Iterative, with one directory open at a time, so that a deep
// tree costs neither stack nor descriptors.
#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "base/names.h"
#include "plan/plan.h"

namespace axl {

struct Plan::Walk {
  struct Pending {
    std::string source, dest;
    bool followed;
    bool dest_exists;  // on the disk, so that what is in it must be looked at
    size_t parent;     // into visited
  };
  struct Visited {
    Id id;
    size_t parent;
  };
  static constexpr size_t kNone = static_cast<size_t>(-1);

  Links links;
  bool contents, synced;
  PublishAs as;
  std::vector<Id> above_dest;  // the destination and all directories above it
  std::vector<Pending> pending;
  std::vector<Visited> visited;
  Pending now;
};

// The destination may not be inside the source, by name or by inode: bind mounts and links have other names.
Status Plan::AboveDestination(const std::string& source, const Target& target, std::vector<Id>* ids) {
  std::string real;
  if (int r = os_.RealPath(source.c_str(), &real); r < 0) return Status::Errno(-r, "realpath", source);
  if (IsWithin(target.path, real)) {
    Status status = Status::Make(Code::kConflict, "the destination is inside the source", source);
    status.dest = target.path;
    return status;
  }
  for (std::string path = target.path;; path = ParentOf(path)) {
    struct stat st;
    const int found = os_.Stat(AT_FDCWD, path.c_str(), &st, AT_SYMLINK_NOFOLLOW);
    if (found < 0 && found != -ENOENT) return Status::Errno(-found, "stat", path);
    if (found == 0) ids->push_back(IdOf(st));
    if (path == "/") return Status::Ok();
  }
}

Status Plan::AddTree(Source source, Target target, const PlanOptions& options) {
  Walk walk;
  walk.links = options.links == Links::kDefault ? Links::kCopy : options.links;
  walk.contents = source.contents;
  walk.synced = source.synced;
  walk.as = source.as;
  Status status = AboveDestination(source.path, target, &walk.above_dest);
  if (!status.ok()) return status;
  walk.pending.push_back({source.path, target.path, source.followed, target.is_dir, Walk::kNone});
  status = AddEntry(std::move(source), std::move(target));
  while (status.ok() && !walk.pending.empty()) {
    if (stop_) return Canceled();
    walk.now = std::move(walk.pending.back());
    walk.pending.pop_back();
    status = AddChildren(&walk);
  }
  return status;
}

Status Plan::AddChildren(Walk* walk) {
  const std::string& path = walk->now.source;
  const int flags = O_RDONLY | O_DIRECTORY | (walk->now.followed ? 0 : O_NOFOLLOW);
  Fd dir(os_, os_.Open(AT_FDCWD, path.c_str(), flags));
  if (!dir.valid()) return Status::Errno(dir.error(), "open", path);
  struct stat st;
  if (int r = os_.Fstat(dir.get(), &st); r < 0) return Status::Errno(-r, "fstat", path);
  if (Status s = CheckCycle(*walk, IdOf(st)); !s.ok()) return s;
  walk->visited.push_back({IdOf(st), walk->now.parent});

  std::vector<OsDirEntry> entries;
  if (int r = os_.List(dir.get(), &entries); r < 0) return Status::Errno(-r, "readdir", path);
  const Known* dest = entries.empty() ? nullptr : Find(walk->now.dest);
  if (dest != nullptr && dest->kind == Name::kExistingDir)
    if (Status s = MakeAnchor(&existing_[dest->index]); !s.ok()) return s;
  for (const OsDirEntry& entry : entries) {
    if (Status s = AddChild(walk, dir.get(), entry.name); !s.ok()) return s;
  }
  return Status::Ok();
}

// Only followed links (and bind mounts) can lead from a directory back to itself, or to one above the destination.
Status Plan::CheckCycle(const Walk& walk, const Id& id) const {
  const std::string& path = walk.now.source;
  for (const Id& above : walk.above_dest)
    if (above == id) return Status::Make(Code::kConflict, "the destination is inside the source", path);
  for (size_t at = walk.now.parent; at != Walk::kNone; at = walk.visited[at].parent)
    if (walk.visited[at].id == id) return Status::Errno(ELOOP, "open", path);
  return Status::Ok();
}

Status Plan::AddChild(Walk* walk, int dir, const std::string& name) {
  Source source{
      .path = Join(walk->now.source, name), .contents = walk->contents, .synced = walk->synced, .as = walk->as};
  int result = os_.Stat(dir, name.c_str(), &source.st, AT_SYMLINK_NOFOLLOW);
  if (result < 0) return Status::Errno(-result, "stat", source.path);
  if (S_ISLNK(source.st.st_mode) && walk->links == Links::kSkip) return Status::Ok();
  if (S_ISLNK(source.st.st_mode) && walk->links == Links::kFollow) {
    source.followed = true;
    result = os_.Stat(dir, name.c_str(), &source.st, 0);
    if (result == -ENOENT) return Status::Make(Code::kNotSupported, "the symbolic link points to nothing", source.path);
    if (result < 0) return Status::Errno(-result, "stat", source.path);
  }
  bool own = false;
  if (Status s = IsOwn(dir, name.c_str(), source, &own); !s.ok()) return s;
  counts_.skipped += own;
  if (own || LeaveDraft(source)) return Status::Ok();
  Target target{.path = Join(walk->now.dest, name)};
  if (walk->now.dest_exists) {
    if (Status s = LookAt(&target); !s.ok()) return s;
  }
  const mode_t mode = source.st.st_mode;
  if (S_ISREG(mode) || S_ISLNK(mode)) return AddFile(std::move(source), std::move(target));
  if (!S_ISDIR(mode))
    return Status::Make(Code::kNotSupported,
                        "only files, directories and symbolic links can be copied, and this is none of them",
                        source.path);
  walk->pending.push_back({source.path, target.path, source.followed, target.is_dir, walk->visited.size() - 1});
  return AddDirectory(std::move(source), std::move(target));
}

}  // namespace axl
