#include "tree.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <algorithm>

#include <algorithm>
#include <climits>
#include <cstring>
#include <filesystem>

#include "base/names.h"
#include "os/metadata.h"
#include "test.h"

namespace axl::test {

namespace {

std::map<std::string, std::string> XattrsAt(const std::string& path) {
  std::map<std::string, std::string> out;
  char names[4096], value[4096];
  const ssize_t n = llistxattr(path.c_str(), names, sizeof names);
  for (ssize_t at = 0; at < n; at += static_cast<ssize_t>(std::strlen(names + at)) + 1) {
    if (!IsCopiedXattr(names + at)) continue;
    const ssize_t size = lgetxattr(path.c_str(), names + at, value, sizeof value);
    out[names + at] = std::string(value, size > 0 ? static_cast<size_t>(size) : 0);
  }
  return out;
}

std::string LinkAt(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t n = readlink(path.c_str(), target, sizeof target);
  return {target, n > 0 ? static_cast<size_t>(n) : 0};
}

std::string Octal(uint32_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%04o", mode);
  return text;
}

}  // namespace

std::string PathOf(int fd) {
  char path[PATH_MAX];
  const ssize_t n = readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof path);
  return {path, n > 0 ? static_cast<size_t>(n) : 0};
}

std::string PathAt(int dir, const char* path) { return path[0] == '/' ? path : Join(PathOf(dir), path); }

Node NodeAt(const std::string& path) {
  struct stat st;
  REQUIRE(lstat(path.c_str(), &st) == 0);
  const Metadata meta = MetadataOf(st);
  Node node{st.st_mode & S_IFMT, meta.mode, meta.uid, meta.gid, meta.mtime, {}, {}};
  if (S_ISREG(st.st_mode)) node.content = ReadFile(path);
  if (S_ISLNK(st.st_mode)) node.content = LinkAt(path);
  if (!S_ISLNK(st.st_mode)) node.xattrs = XattrsAt(path);
  return node;
}

Tree TreeAt(const std::string& root) {
  Tree tree;
  std::error_code error;
  for (auto it = std::filesystem::recursive_directory_iterator(root, error);
       !error && it != std::filesystem::recursive_directory_iterator(); it.increment(error))
    tree[it->path().string().substr(root.size() + 1)] = NodeAt(it->path());
  CHECK(!error);
  return tree;
}

void RemoveTree(const std::string& root) {
  std::error_code error;
  const auto open_up = [&](const std::filesystem::path& dir) {
    std::filesystem::permissions(dir, std::filesystem::perms::owner_all, std::filesystem::perm_options::add, error);
  };
  if (!std::filesystem::is_directory(std::filesystem::symlink_status(root, error))) return;
  open_up(root);
  for (auto it = std::filesystem::recursive_directory_iterator(root, error); it != std::filesystem::end(it);
       it.increment(error))
    if (!it->is_symlink() && it->is_directory(error)) open_up(it->path());
  std::filesystem::remove_all(root);
}

std::string Difference(const Node& a, const Node& b) {
  if (a.kind != b.kind) return "of another kind";
  if (a.content != b.content)
    return "contents of " + std::to_string(a.content.size()) + " and " + std::to_string(b.content.size()) + " bytes";
  if (a.mode != b.mode) return "mode " + Octal(a.mode) + " and " + Octal(b.mode);
  if (a.uid != b.uid || a.gid != b.gid) return "owner " + std::to_string(a.uid) + " and " + std::to_string(b.uid);
  if (a.mtime != b.mtime) return "mtime " + std::to_string(a.mtime.sec) + " and " + std::to_string(b.mtime.sec);
  return a.xattrs == b.xattrs ? "" : "xattrs";
}

std::string Difference(const Tree& a, const Tree& b) {
  for (const auto& [name, node] : a) {
    const auto other = b.find(name);
    if (other == b.end()) return name + " is only in the first";
    if (!(node == other->second)) return name + ": " + Difference(node, other->second);
  }
  for (const auto& [name, node] : b)
    if (!a.contains(name)) return name + " is only in the second";
  return "";
}

bool HasAll(const Tree& tree, const Tree& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& one) {
    const auto found = tree.find(one.first);
    return found != tree.end() && (S_ISDIR(found->second.kind) || found->second == one.second);
  });
}

}  // namespace axl::test
