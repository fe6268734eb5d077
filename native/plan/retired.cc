// Part of Plan: what is older, and to be deleted once the transfer is published.
#include <fcntl.h>

#include <utility>

#include "base/names.h"
#include "os/tree.h"
#include "plan/plan.h"

namespace axl {

namespace {

using Retired = std::map<std::string, Retire, std::less<>>;

// That which is `path` or holds it; or null.
const Retire* Holding(const Retired& retired, std::string_view path) {
  for (;; path = ParentOf(path)) {
    if (const auto found = retired.find(path); found != retired.end()) return &found->second;
    if (path == "/") return nullptr;
  }
}

// Is a part of what `path` holds among them?
bool HoldsAny(const Retired& retired, std::string_view path) {
  const auto next = retired.lower_bound(std::string(path) + '/');
  return next != retired.end() && IsWithin(next->first, path);
}

Status Refused(const char* why, const std::string& path, std::string other = {}) {
  Status status = Status::Make(Code::kConflict, why, path);
  status.dest = std::move(other);
  return status;
}

}  // namespace

Status Plan::LookAtRetired(const std::string& given, Retire* out) {
  Target target;
  if (Status s = Locate(given, false, &target); !s.ok()) return s;
  if (target.exists && target.must_be_dir && !target.is_dir) return NoDirectory(target.path, "path");
  Tree tree;
  if (Status s = LookAtTree(os_, AT_FDCWD, target.path, target.path, &tree, stop_); !s.ok()) return s;
  *out = {std::move(target.path), std::move(tree.identity), tree.size, tree.crc, false};
  return Status::Ok();
}

Status Plan::AddRetired(const std::vector<std::string>& paths, const std::vector<std::string>& needed) {
  Retired all = retired_;
  for (const std::string& given : paths) {
    Retire retire;
    if (Status s = LookAtRetired(given, &retire); !s.ok()) return s;
    if (Holding(all, retire.path) != nullptr || HoldsAny(all, retire.path))
      return Refused("it is retired already, or a part of it is, or what holds it: name each once", retire.path);
    for (const std::string& path : needed)
      if (IsWithin(path, retire.path))
        return Refused("it holds the state file of the transfer, or the home of its dataset", retire.path, path);
    std::string path = retire.path;
    all.emplace(std::move(path), std::move(retire));
  }
  retired_ = std::move(all);
  return Status::Ok();
}

std::vector<Retire> Plan::retired() const {
  std::vector<Retire> all;
  for (const auto& [path, retire] : retired_) all.push_back(retire);
  return all;
}

// What is published is not deleted, nor what a pointer leads to.
Status Plan::CheckRetired() {
  if (retired_.empty()) return Status::Ok();
  for (uint32_t id = 0; id < files_.size(); id++) {
    const FileEntry& file = files_[id];
    if (const Retire* old = Holding(retired_, file.dest))
      return Refused(
          "this path is to be retired, and a file of the transfer is to have its final name there: give another path",
          old->path, file.dest);
    if (file.phase != Phase::kPointer) continue;
    const auto content = contents_.find(id);
    std::string target = content == contents_.end() ? file.link_target : content->second;
    if (target.ends_with('\n')) target.pop_back();
    std::string real;
    const std::string path = target.starts_with('/') ? target : Join(ParentOf(file.dest), target);
    if (os_.RealPath(path.c_str(), &real) < 0) continue;
    if (const Retire* old = Holding(retired_, real))
      return Refused("it is to be retired, and a pointer of the transfer leads there", old->path, file.dest);
  }
  for (const DirEntry& dir : dirs_)
    if (const Retire* old = Holding(retired_, dir.path))
      return Refused("it is to be retired, and the transfer makes a directory there", old->path, dir.path);
  return Status::Ok();
}

}  // namespace axl
