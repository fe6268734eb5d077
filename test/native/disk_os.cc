#include "disk_os.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/names.h"
#include "test.h"

namespace axl::test {

namespace fs = std::filesystem;

namespace {

constexpr size_t kPage = 4096;

ino_t InodeOf(const std::string& path) {
  struct stat st;
  return lstat(path.c_str(), &st) == 0 ? st.st_ino : 0;
}

void Move(const std::string& from, const std::string& to) { CHECK(rename(from.c_str(), to.c_str()) == 0); }

// The part of page `page` that is in `content`, followed by zeros up to what `size` leaves of the page.
std::string PageOf(const std::string& content, size_t page, size_t size) {
  const size_t at = page * kPage, n = std::min(kPage, size - at);
  std::string out = at < content.size() ? content.substr(at, n) : "";
  out.resize(n, '\0');
  return out;
}

void SetMtime(const std::string& path, const Node& node) {
  const struct timespec times[2] = {{0, UTIME_OMIT},
                                    {static_cast<time_t>(node.mtime.sec), static_cast<long>(node.mtime.nsec)}};
  CHECK(utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
}

void RestoreMetadata(const std::string& path, const Node& node) {
  CHECK(chmod(path.c_str(), 0700) == 0);
  for (const auto& [name, value] : NodeAt(path).xattrs)
    if (!node.xattrs.contains(name)) CHECK(removexattr(path.c_str(), name.c_str()) == 0);
  CHECK(chown(path.c_str(), node.uid, node.gid) == 0);
  for (const auto& [name, value] : node.xattrs)
    CHECK(setxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0) == 0);
  CHECK(chmod(path.c_str(), node.mode) == 0);
  SetMtime(path, node);
}

}  // namespace

DiskOs::DiskOs(std::string root, std::string states)
    : root_(std::move(root)), grave_(root_ + "/grave"), states_(std::move(states)) {
  MakeDir(grave_);
}

DiskOs::~DiskOs() { RemoveTree(grave_); }

void DiskOs::Forget() {
  RemoveTree(grave_);
  MakeDir(grave_);
  files_.clear();
  changes_.clear();
}

// ---- what is durable ----

// Before a file is changed for the first time, it is what the disk has.
DiskOs::File& DiskOs::Touch(int fd) {
  struct stat st;
  CHECK(fstat(fd, &st) == 0);
  if (st.st_nlink == 0 && !files_.contains(st.st_ino)) return nameless_ = {};  // no power cut leaves anything of it
  const auto [at, is_new] = files_.try_emplace(st.st_ino);
  if (is_new) at->second.durable = NodeAt(PathOf(fd));
  return at->second;
}

int DiskOs::Fsync(int fd) {
  std::lock_guard lock(mutex_);
  const std::string path = PathOf(fd);
  File& file = Touch(fd);
  Harden(path, &file);
  if (S_ISDIR(file.durable.kind)) std::erase_if(changes_, [&](const Change& c) { return c.dir == path; });
  return 0;
}

// Of files: names are left to the fsyncs of directories.
int DiskOs::Syncfs(int) {
  std::lock_guard lock(mutex_);
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(root_, error))
    if (const auto file = files_.find(InodeOf(entry.path())); file != files_.end()) Harden(entry.path(), &file->second);
  return 0;
}

void DiskOs::Harden(const std::string& path, File* file) {
  file->durable = NodeAt(path);
  for (const auto& [page, bytes] : file->lost) file->durable.content.replace(page * kPage, bytes.size(), bytes);
}

void DiskOs::LosePages(int fd) {
  std::lock_guard lock(mutex_);
  Lose(PathOf(fd), &Touch(fd));
}

void DiskOs::LoseAllPages() {
  std::lock_guard lock(mutex_);
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(root_, error))
    if (const auto file = files_.find(InodeOf(entry.path())); file != files_.end()) Lose(entry.path(), &file->second);
}

void DiskOs::Lose(const std::string& path, File* file) {
  const std::string now = NodeAt(path).content;
  for (size_t page = 0; page * kPage < now.size(); page++) {
    const std::string disk = PageOf(file->durable.content, page, now.size());
    if (disk != PageOf(now, page, now.size())) file->lost[page] = disk;
  }
}

void DiskOs::Evict(const std::string& path, File* file) {
  if (file->lost.empty()) return;
  const Node node = NodeAt(path);
  CHECK(chmod(path.c_str(), 0600) == 0);
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  for (const auto& [page, bytes] : file->lost)
    CHECK(pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(page * kPage)) ==
          static_cast<ssize_t>(bytes.size()));
  close(fd);
  file->lost.clear();
  RestoreMetadata(path, node);
}

void DiskOs::EvictLost() {
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(root_, error))
    if (const auto file = files_.find(InodeOf(entry.path())); file != files_.end()) Evict(entry.path(), &file->second);
}

int DiskOs::DropCache(int fd) {
  std::lock_guard lock(mutex_);
  if (drop_forgets) Evict(PathOf(fd), &Touch(fd));
  return 0;
}

void DiskOs::UndoNames(PowerCut survives) {
  for (; !changes_.empty(); changes_.pop_back()) {
    const std::string& dir = changes_.back().dir;
    const bool stays = dir != survives.but && (dir == states_ ? survives.state_names : survives.other_names);
    if (!stays && Exists(changes_.back().dir)) changes_.back().undo();
  }
}

void DiskOs::Cut(PowerCut survives) {
  UndoNames(survives);
  if (survives.data) {
    EvictLost();
  } else {
    std::vector<std::string> paths;
    for (const auto& entry : fs::recursive_directory_iterator(root_)) paths.push_back(entry.path());
    // Children first: their restoring changes no time of a directory after it.
    for (auto path = paths.rbegin(); path != paths.rend(); ++path) {
      const auto file = files_.find(InodeOf(*path));
      if (file == files_.end() || path->starts_with(grave_)) continue;
      const Node& node = file->second.durable;
      if (S_ISREG(node.kind) && NodeAt(*path).content != node.content) {
        CHECK(chmod(path->c_str(), 0600) == 0);
        WriteFile(*path, node.content);
      }
      RestoreMetadata(*path, node);
    }
  }
  Forget();
}

// ---- files ----

int DiskOs::Open(int dir, const char* path, int flags, mode_t mode) {
  std::lock_guard lock(mutex_);
  const int fd = to_.Open(dir, path, flags, mode);
  if (fd < 0 || (flags & O_EXCL) == 0) return fd;
  const std::string full = PathAt(dir, path);
  Touch(fd);
  Note(full, [this, full] { Bury(full); });
  return fd;
}

ssize_t DiskOs::Write(int fd, const void* data, size_t n, off_t at) {
  std::lock_guard lock(mutex_);
  File& file = Touch(fd);
  // What is written again is in the cache, whole pages of it, and is dirty again.
  for (size_t page = static_cast<size_t>(at) / kPage; page * kPage < static_cast<size_t>(at) + n; page++)
    file.lost.erase(page);
  return to_.Write(fd, data, n, at);
}

int DiskOs::Truncate(int fd, off_t size) {
  std::lock_guard lock(mutex_);
  File& file = Touch(fd);
  file.lost.erase(file.lost.lower_bound(static_cast<size_t>(size) / kPage), file.lost.end());
  return to_.Truncate(fd, size);
}

int DiskOs::Chown(int fd, uid_t uid, gid_t gid) {
  std::lock_guard lock(mutex_);
  Touch(fd);
  return to_.Chown(fd, uid, gid);
}

int DiskOs::Chmod(int fd, mode_t mode) {
  std::lock_guard lock(mutex_);
  Touch(fd);
  return to_.Chmod(fd, mode);
}

int DiskOs::SetTimes(int fd, const struct timespec times[2]) {
  std::lock_guard lock(mutex_);
  Touch(fd);
  return to_.SetTimes(fd, times);
}

int DiskOs::SetXattr(int fd, const char* name, const void* value, size_t n) {
  std::lock_guard lock(mutex_);
  Touch(fd);
  return to_.SetXattr(fd, name, value, n);
}

int DiskOs::RemoveXattr(int fd, const char* name) {
  std::lock_guard lock(mutex_);
  Touch(fd);
  return to_.RemoveXattr(fd, name);
}

// ---- names ----

void DiskOs::Note(const std::string& path, std::function<void()> undo) {
  changes_.push_back({std::string(ParentOf(path)), std::move(undo)});
}

// Instead of removing: the inode is kept, in case that the power goes before the removal is durable.
std::string DiskOs::Bury(const std::string& path) {
  const std::string to = Join(grave_, std::to_string(buried_++));
  Move(path, to);
  return to;
}

int DiskOs::Rename(int dir, const char* from, int to_dir, const char* to) {
  std::lock_guard lock(mutex_);
  const std::string source = PathAt(dir, from), target = PathAt(to_dir, to);
  struct stat st;
  const bool replaces = lstat(target.c_str(), &st) == 0 && !S_ISDIR(st.st_mode) && Exists(source);
  const std::string old = replaces ? Bury(target) : "";
  const int result = to_.Rename(dir, from, to_dir, to);
  if (result < 0 && replaces) Move(old, target);
  if (result < 0) return result;
  Note(target, [source, target, old] {
    Move(target, source);
    if (!old.empty()) Move(old, target);
  });
  return result;
}

int DiskOs::RenameNoReplace(int dir, const char* from, const char* to) { return RenameNew(dir, from, to); }

int DiskOs::RenameNew(int dir, const char* from, const char* to) {
  std::lock_guard lock(mutex_);
  const std::string source = PathAt(dir, from), target = PathAt(dir, to);
  const int result = to_.RenameNew(dir, from, to);
  if (result == 0) Note(target, [source, target] { Move(target, source); });
  return result;
}

int DiskOs::Link(int dir, const char* from, int to_dir, const char* to) {
  std::lock_guard lock(mutex_);
  const std::string full = PathAt(to_dir, to);
  const int result = to_.Link(dir, from, to_dir, to);
  if (result == 0) Note(full, [full] { CHECK(unlink(full.c_str()) == 0); });
  return result;
}

int DiskOs::Unlink(int dir, const char* path) {
  std::lock_guard lock(mutex_);
  const std::string full = PathAt(dir, path);
  struct stat st;
  if (lstat(full.c_str(), &st) < 0) return -errno;
  if (S_ISDIR(st.st_mode)) return -EISDIR;
  const std::string old = Bury(full);
  Note(full, [full, old] { Move(old, full); });
  return 0;
}

int DiskOs::Mkdir(int dir, const char* path, mode_t mode) {
  std::lock_guard lock(mutex_);
  const std::string full = PathAt(dir, path);
  const int result = to_.Mkdir(dir, path, mode);
  if (result == 0) Note(full, [this, full] { Bury(full); });
  return result;
}

int DiskOs::Rmdir(int dir, const char* path) {
  std::lock_guard lock(mutex_);
  const std::string full = PathAt(dir, path);
  std::error_code error;
  if (fs::is_directory(fs::symlink_status(full, error)) && !fs::is_empty(full, error)) return -ENOTEMPTY;
  struct stat st;
  if (lstat(full.c_str(), &st) < 0) return -errno;
  if (!S_ISDIR(st.st_mode)) return -ENOTDIR;
  const std::string old = Bury(full);
  Note(full, [full, old] { Move(old, full); });
  return 0;
}

int DiskOs::Symlink(const char* target, int dir, const char* path) {
  std::lock_guard lock(mutex_);
  const std::string full = PathAt(dir, path);
  const int result = to_.Symlink(target, dir, path);
  if (result == 0) Note(full, [this, full] { Bury(full); });
  return result;
}

}  // namespace axl::test
