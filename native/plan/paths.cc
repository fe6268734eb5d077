// Part of Plan: what a given source is, and which canonical path a given destination means.
#include <fcntl.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

#include "base/names.h"
#include "os/same.h"
#include "plan/meaning.h"
#include "plan/plan.h"

namespace axl {
namespace {

constexpr int kMaxLinks = 40;  // as the kernel's

Status CheckAbsolute(const std::string& path) {
  if (path.empty() || path[0] != '/') return Status::Make(Code::kUnsafePath, "the path is not absolute", path);
  if (path.find('\0') != std::string::npos) return Status::Make(Code::kUnsafePath, "the path contains NUL", path);
  return Status::Ok();
}

// A link at a final name that leads nowhere, or where we may not look, is a name like any other: publishing replaces
// it.
bool LeadsNowhere(int result) {
  return result == -ENOENT || result == -ENOTDIR || result == -ELOOP || result == -EACCES;
}

Status DotDot(const std::string& path) {
  return Status::Make(Code::kUnsafePath, "the path has \"..\" after a component that does not exist", path);
}

}  // namespace

// A link on the way that leads to nothing, or in a circle, is at fault, and not the name behind it.
Status Plan::Blame(int err, const char* call, const std::string& path) {
  for (size_t end = 0; (err == ENOENT || err == ELOOP) && end != std::string::npos;) {
    end = path.find('/', end + 1);
    const std::string part = path.substr(0, end);
    struct stat st;
    if (os_.Stat(AT_FDCWD, part.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) break;
    if (S_ISLNK(st.st_mode) && os_.Stat(AT_FDCWD, part.c_str(), &st, 0) == -err) return BlameLink(err, call, part);
  }
  return Status::Errno(err, call, path);
}

// Of links that lead to links, the last.
Status Plan::BlameLink(int err, const char* call, std::string link) {
  std::string target;
  for (int links = 0; err == ENOENT && links < kMaxLinks; links++) {
    struct stat st;
    if (os_.ReadLink(AT_FDCWD, link.c_str(), &target) < 0) break;
    std::string next = target.starts_with('/') ? target : Join(ParentOf(link), target);
    if (os_.Stat(AT_FDCWD, next.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISLNK(st.st_mode)) break;
    link = std::move(next);
  }
  Status status = Status::Errno(err, call, std::move(link));
  status.detail =
      err == ELOOP ? "this symbolic link leads in a circle: remove it"
                   : "this symbolic link leads to nothing (" + target + "): make what it leads to, or remove the link";
  return status;
}

// A source keeps its links; only ".." makes us ask for the real path of what is before it.
Status Plan::Resolve(const std::string& given, std::string* out) {
  *out = given;
  if (!HasDotDot(*out)) return Status::Ok();
  const bool whole = BaseOf(*out) == "..";
  const std::string base(whole ? "" : BaseOf(*out));
  const std::string before(whole ? *out : ParentOf(*out));
  if (int r = os_.RealPath(before.c_str(), out); r < 0) return Blame(-r, "realpath", before);
  if (!whole) *out = Join(*out, base);
  return Status::Ok();
}

Status Plan::NoSource(int err, const std::string& path) {
  Status status = Blame(err, "stat", path);
  if (err == ENOENT && status.detail.empty() && HasWildcard(path))
    status.detail = "add takes names, and no patterns: use addGlob";
  return status;
}

// Stats a named source as options.links (not kDefault) says; *skip if it is a link to be skipped.
Status Plan::LookUp(const std::string& given, const PlanOptions& options, Source* source, bool* skip) {
  if (Status s = CheckAbsolute(given); !s.ok()) return s;
  const Meaning meaning = MeaningOf(given);
  if (Status s = Resolve(meaning.path, &source->path); !s.ok()) return s;
  source->contents = options.contents || meaning.contents;
  source->synced = options.sync_source;
  source->as = options.publish;
  // With a slash at its end a link is what it leads to, as for the kernel.
  const bool through = meaning.directory || source->contents;
  const char* path = source->path.c_str();
  int result = os_.Stat(AT_FDCWD, path, &source->st, AT_SYMLINK_NOFOLLOW);
  if (result < 0) return NoSource(-result, source->path);
  const bool link = S_ISLNK(source->st.st_mode);
  *skip = link && !through && options.links == Links::kSkip;
  if (link && (through || options.links == Links::kFollow)) {
    source->followed = true;
    result = os_.Stat(AT_FDCWD, path, &source->st, 0);
    if (result == -ENOENT && !through)
      return Status::Make(Code::kNotSupported, "the symbolic link points to nothing", source->path);
    if (result < 0) return Blame(-result, "stat", source->path);
  }
  const mode_t kind = source->st.st_mode;
  if (through && !S_ISDIR(kind)) return NoDirectory(source->path, "source");
  if (S_ISREG(kind) || S_ISDIR(kind) || S_ISLNK(kind)) return Status::Ok();
  return Status::Make(Code::kNotSupported,
                      "only files, directories and symbolic links can be copied, and this is none of them",
                      source->path);
}

// After realpath has said `result`. A name that is there all the same is a link to nothing: that is no directory which
// could be made.
Status Plan::IsMissing(int result, const std::string& path, bool* missing) {
  struct stat st;
  const int there = result == -ENOENT ? os_.Stat(AT_FDCWD, path.c_str(), &st, AT_SYMLINK_NOFOLLOW) : 0;
  *missing = there == -ENOENT;
  return there < 0 && !*missing ? Status::Errno(-there, "stat", path) : Status::Ok();
}

// The real path of the longest part of `parent` that exists, and the rest. A directory that the plan knows is
// canonical.
Status Plan::CanonicalParent(const std::string& parent, std::string* out) {
  if (const Known* known = Find(parent); known != nullptr && known->kind != Name::kFile) {
    *out = parent;
    return Status::Ok();
  }
  std::string_view existing = parent;
  for (;;) {
    const std::string path(existing);
    const int result = os_.RealPath(path.c_str(), out);
    if (result == 0) break;
    bool missing = false;
    if (Status s = IsMissing(result, path, &missing); !s.ok()) return s;
    if (!missing || existing == "/") return Blame(-result, "realpath", path);
    existing = ParentOf(existing);
  }
  const std::string_view rest = std::string_view(parent).substr(existing == "/" ? 0 : existing.size());
  if (HasDotDot(rest)) return DotDot(parent);
  if (!rest.empty() && rest != "/") *out = Join(*out, rest.substr(1));
  return Status::Ok();
}

// The last component is not resolved: see Locate. REQUIRES: the path of a Meaning.
Status Plan::Canonical(const std::string& path, std::string* out) {
  const std::string_view base = BaseOf(path);
  if (path == "/") {
    *out = path;
    return Status::Ok();
  }
  if (base != "..") {
    const Status s = CanonicalParent(std::string(ParentOf(path)), out);
    if (s.ok()) *out = Join(*out, base);
    return s;
  }
  const int result = os_.RealPath(path.c_str(), out);
  bool missing = false;
  if (Status s = IsMissing(result, std::string(ParentOf(path)), &missing); !s.ok()) return s;
  if (missing) return DotDot(path);
  return result < 0 ? Blame(-result, "realpath", path) : Status::Ok();
}

// What is on the disk at target->path. Nothing, where a directory above it is only planned.
Status Plan::LookAt(Target* target) {
  Seen seen;
  int result = os_.Look(AT_FDCWD, target->path.c_str(), &seen);
  if (result == -ENOENT) return Status::Ok();
  if (result < 0) return Status::Errno(-result, "statx", target->path);
  struct stat& st = seen.st;
  target->exists = true;
  target->kind = st.st_mode & S_IFMT;
  target->is_dir = target->to_dir = S_ISDIR(st.st_mode);
  target->id = target->followed = IdOf(st);
  target->identity = IdentityOf(seen);
  if (!S_ISLNK(st.st_mode)) return Status::Ok();
  result = os_.Stat(AT_FDCWD, target->path.c_str(), &st, 0);
  if (LeadsNowhere(result)) return Status::Ok();
  if (result < 0) return Status::Errno(-result, "stat", target->path);
  target->to_dir = S_ISDIR(st.st_mode);
  target->followed = IdOf(st);
  return Status::Ok();
}

// `through`: a link to a directory at the end is that directory.
Status Plan::Locate(const std::string& dest, bool through, Target* target) {
  *target = {};
  if (Status s = CheckAbsolute(dest); !s.ok()) return s;
  const Meaning meaning = MeaningOf(dest);
  if (Status s = Canonical(meaning.path, &target->path); !s.ok()) return s;
  Status status = LookAt(target);
  if (status.ok() && through) status = GoThrough(target);
  target->must_be_dir = meaning.directory;
  return status;
}

Status Plan::GoThrough(Target* target) {
  if (target->is_dir || !target->to_dir) return Status::Ok();
  std::string real;
  if (int r = os_.RealPath(target->path.c_str(), &real); r < 0) return Status::Errno(-r, "realpath", target->path);
  *target = {.path = std::move(real)};
  return LookAt(target);
}

Status Plan::NoDirectory(const std::string& path, const std::string& what) {
  struct stat st;
  if (int r = os_.Stat(AT_FDCWD, path.c_str(), &st, 0); r < 0) return Blame(-r, "stat", path);
  Status status = Status::Errno(ENOTDIR, "stat", path);
  status.detail = "the " + what + " is given as a directory, by a slash at its end or with contents, and is none";
  return status;
}

// How many bytes a name may have in the directory of `path`, which may still have to be made. REQUIRES: the parents of
// path are known.
Status Plan::NameLimit(std::string_view path, size_t* limit) {
  std::string_view dir = ParentOf(path);
  for (const Known* known = Find(dir); known != nullptr && known->kind != Name::kExistingDir; known = Find(dir))
    dir = ParentOf(dir);
  if (dir != limited_) {
    struct statfs fs;
    Fd there(os_, os_.Open(AT_FDCWD, std::string(dir).c_str(), O_PATH | O_DIRECTORY));
    if (!there.valid()) return Status::Errno(there.error(), "open", std::string(dir));
    const bool known = os_.Statfs(there.get(), &fs) == 0 && fs.f_namelen > 0;
    name_limit_ = known ? static_cast<size_t>(fs.f_namelen) : SIZE_MAX;
    limited_ = dir;
  }
  *limit = name_limit_;
  return Status::Ok();
}

// Nor may a name pass the limit of the file system that it is for, which may be less than the kernel's.
Status Plan::CheckName(const std::string& path, size_t length, const char* what) {
  size_t limit = 0;
  Status status = NameLimit(path, &limit);
  if (!status.ok() || length <= limit) return status;
  status = Status::Errno(ENAMETOOLONG, "open", path);
  status.detail = std::string(what) + " would have " + std::to_string(length) + " bytes, and this file system takes " +
                  std::to_string(limit) + ": shorten it";
  return status;
}

}  // namespace axl
