// Part of Plan: what a given source is, and which canonical path a given destination means.
#include <fcntl.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "base/names.h"
#include "os/same.h"
#include "plan/plan.h"

namespace axl {
namespace {

// Without empty and "." components and trailing slashes. Purely lexical, so ".." stays: what it means is the disk's.
std::string Tidy(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  for (size_t at = 0; at < path.size();) {
    size_t end = path.find('/', at);
    if (end == std::string_view::npos) end = path.size();
    const std::string_view component = path.substr(at, end - at);
    if (!component.empty() && component != ".") out.append("/").append(component);
    at = end + 1;
  }
  return out.empty() ? "/" : out;
}

// REQUIRES: tidy.
bool HasDotDot(std::string_view path) {
  for (size_t at = path.find("/.."); at != std::string_view::npos; at = path.find("/..", at + 1))
    if (at + 3 == path.size() || path[at + 3] == '/') return true;
  return false;
}

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

// A source keeps its links; only ".." makes us ask for the real path of what is before it.
Status Plan::Resolve(const std::string& given, std::string* out) {
  if (Status s = CheckAbsolute(given); !s.ok()) return s;
  *out = Tidy(given);
  if (!HasDotDot(*out)) return Status::Ok();
  const bool whole = BaseOf(*out) == "..";
  const std::string base(whole ? "" : BaseOf(*out));
  const std::string before(whole ? *out : ParentOf(*out));
  if (int r = os_.RealPath(before.c_str(), out); r < 0) return Status::Errno(-r, "realpath", before);
  if (!whole) *out = Join(*out, base);
  return Status::Ok();
}

// Stats a named source as `links` (not kDefault) says; *skip if it is a link to be skipped.
Status Plan::LookUp(const std::string& given, Links links, Source* source, bool* skip) {
  if (Status s = Resolve(given, &source->path); !s.ok()) return s;
  const char* path = source->path.c_str();
  int result = os_.Stat(AT_FDCWD, path, &source->st, AT_SYMLINK_NOFOLLOW);
  if (result < 0) return Status::Errno(-result, "stat", source->path);
  const mode_t mode = source->st.st_mode;
  if (S_ISLNK(mode) && links == Links::kSkip) *skip = true;
  if (S_ISLNK(mode) && links == Links::kFollow) {
    source->followed = true;
    result = os_.Stat(AT_FDCWD, path, &source->st, 0);
    if (result == -ENOENT)
      return Status::Make(Code::kNotSupported, "the symbolic link points to nothing", source->path);
    if (result < 0) return Status::Errno(-result, "stat", source->path);
  }
  const mode_t kind = source->st.st_mode;
  if (S_ISREG(kind) || S_ISDIR(kind) || S_ISLNK(kind)) return Status::Ok();
  return Status::Make(Code::kNotSupported,
                      "only files, directories and symbolic links can be copied, and this is none of them",
                      source->path);
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
    const int result = os_.RealPath(std::string(existing).c_str(), out);
    if (result == 0) break;
    if (result != -ENOENT || existing == "/") return Status::Errno(-result, "realpath", std::string(existing));
    existing = ParentOf(existing);
  }
  const std::string_view rest = std::string_view(parent).substr(existing == "/" ? 0 : existing.size());
  if (HasDotDot(rest)) return DotDot(parent);
  if (!rest.empty() && rest != "/") *out = Join(*out, rest.substr(1));
  return Status::Ok();
}

// The last component is resolved only if it is, or leads to, a directory: see Locate.
Status Plan::Canonical(const std::string& dest, std::string* out) {
  if (Status s = CheckAbsolute(dest); !s.ok()) return s;
  const std::string path = Tidy(dest);
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
  if (result == -ENOENT) return DotDot(path);
  return result < 0 ? Status::Errno(-result, "realpath", path) : Status::Ok();
}

// What is on the disk at target->path. Nothing, where a directory above it is only planned.
Status Plan::LookAt(Target* target) {
  Seen seen;
  int result = os_.Look(AT_FDCWD, target->path.c_str(), &seen);
  if (result == -ENOENT) return Status::Ok();
  if (result < 0) return Status::Errno(-result, "statx", target->path);
  struct stat& st = seen.st;
  target->exists = true;
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

Status Plan::Locate(const std::string& dest, Target* target) {
  *target = {};
  Status status = Canonical(dest, &target->path);
  if (!status.ok()) return status;
  status = LookAt(target);
  if (!status.ok() || target->is_dir || !target->to_dir) return status;
  std::string real;
  if (int r = os_.RealPath(target->path.c_str(), &real); r < 0) return Status::Errno(-r, "realpath", target->path);
  *target = {.path = std::move(real)};
  return LookAt(target);
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
