// A file system without a disk, for fuzzing the plan: what a name is, its first letter says. 'd' is a directory, 'l' a
// link to one, 'k' a link to a file, 'm' is missing, 's' special, and everything else is a regular file.
#pragma once

#include <fcntl.h>

#include <cerrno>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "../native/forwarding_os.h"
#include "base/names.h"

namespace axl::fuzz {

class InventedOs : public test::ForwardingOs {
 public:
  int Stat(int dir, const char* path, struct stat* st, int flags) override {
    std::string real;
    const std::string from = dir == AT_FDCWD ? std::string(path) : Join(open_[static_cast<size_t>(dir)], path);
    return Find(from, (flags & AT_SYMLINK_NOFOLLOW) == 0, &real, st);
  }
  int Open(int, const char* path, int flags, mode_t) override {
    std::string real;
    struct stat st;
    if (int r = Find(path, (flags & O_NOFOLLOW) == 0, &real, &st); r < 0) return r;
    if (S_ISLNK(st.st_mode)) return -ELOOP;
    open_.push_back(real);
    return static_cast<int>(open_.size() - 1);
  }
  int Close(int) override { return 0; }
  int Fstat(int fd, struct stat* st) override {
    std::string real;
    return Find(open_[static_cast<size_t>(fd)], false, &real, st);
  }
  int Look(int, const char* path, Seen* seen) override {
    std::string real;
    *seen = {};
    return Find(path, false, &real, &seen->st);
  }
  int RealPath(const char* path, std::string* out) override {
    struct stat st;
    return Find(path, true, out, &st);
  }
  int ReadLink(int, const char* path, std::string* target) override { return target->assign(path), 0; }
  // Four levels of four names each.
  int List(int fd, std::vector<OsDirEntry>* out) override {
    const std::string& path = open_[static_cast<size_t>(fd)];
    if (std::count(path.begin(), path.end(), '/') > 4) return 0;
    for (const char* name : {"f", "dx", "ly", "kz"}) out->push_back({name, 0});
    return 0;
  }
  ssize_t Read(int, void*, size_t, off_t) override { return 0; }
  int Access(int, const char*, int) override { return 0; }
  ssize_t ListXattrLink(const char*, char*, size_t) override { return 0; }
  ssize_t ListXattr(int, char*, size_t) override { return 0; }

 private:
  static mode_t KindOf(std::string_view name) {
    switch (name.empty() ? 'd' : name[0]) {
      case 'd':
        return S_IFDIR;
      case 'l':
      case 'k':
        return S_IFLNK;
      case 'm':
        return 0;
      case 's':
        return S_IFIFO;
      default:
        return S_IFREG;
    }
  }

  int Find(std::string_view path, bool follow, std::string* real, struct stat* st) const {
    real->clear();
    mode_t kind = S_IFDIR;
    for (size_t at = 1; at < path.size();) {
      const size_t end = std::min(path.find('/', at), path.size());
      std::string name(path.substr(at, end - at));
      at = end + 1;
      if (kind != S_IFDIR) return -ENOTDIR;
      if (name.empty() || name == ".") continue;
      if (name == "..") {
        real->resize(real->rfind('/') == std::string::npos ? 0 : real->rfind('/'));
        continue;
      }
      if (name.size() > 255) return -ENAMETOOLONG;
      kind = KindOf(name);
      if (kind == 0) return -ENOENT;
      if (kind == S_IFLNK && (follow || end < path.size())) {
        name[0] = name[0] == 'l' ? 'd' : 'f';
        kind = KindOf(name);
      }
      *real += "/" + name;
    }
    if (real->empty()) *real = "/";
    *st = {};
    st->st_mode = kind | 0640;
    st->st_ino = std::hash<std::string>()(*real);
    st->st_size = kind == S_IFREG ? static_cast<off_t>(st->st_ino % 100) : 0;
    return 0;
  }

  std::vector<std::string> open_;
};

}  // namespace axl::fuzz
