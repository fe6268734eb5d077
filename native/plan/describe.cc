// Part of Plan: reads what the journal says about each source. A file is opened only if it has xattrs that are copied.
#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "base/names.h"
#include "os/metadata.h"
#include "os/same.h"
#include "os/sum.h"
#include "plan/plan.h"

namespace axl {
namespace {

constexpr size_t kPart = 256;  // files that one thread describes at a time

constexpr std::array kWithoutDisk = {0x01021994L /* tmpfs */, 0x858458F6L /* ramfs */, 0x958458F6L /* hugetlbfs */};

// Is there one in an xattr list that is copied? And which are there that are not?
bool HasCopiedXattr(const char* names, size_t n, std::set<std::string>* foreign) {
  bool has = false;
  for (size_t at = 0; at < n; at += strnlen(names + at, n - at) + 1) {
    has |= IsCopiedXattr(names + at);
    if (IsForeignXattr(names + at)) foreign->insert(names + at);
  }
  return has;
}

// Without opening: may the file have xattrs? (1, 0 or -errno.) SELinux gives every file an xattr that we do not
// copy, so the names are looked at.
int MayHaveXattrs(Os& os, const std::string& path, std::set<std::string>* foreign) {
  char names[1024];
  const ssize_t n = os.ListXattrLink(path.c_str(), names, sizeof names - 1);
  if (n == -ENOTSUP || n == -ENOSYS) return 0;
  if (n == -ERANGE || n == -E2BIG) return 1;
  if (n < 0) return static_cast<int>(n);
  names[n] = '\0';
  return HasCopiedXattr(names, static_cast<size_t>(n), foreign) ? 1 : 0;
}

// Does stat say how much can be read? procfs says 0 of all files, sysfs a page without a block.
bool MayLie(const struct stat& st) { return st.st_size == 0 || (st.st_size == 4096 && st.st_blocks == 0); }

// Still, as when they were added, which looked at the device, too.
bool IsSameSource(const FileEntry& a, const FileEntry& b) {
  return b.kind == FileKind::kRegular && a.source_inode == b.source_inode && a.source_ctime == b.source_ctime &&
         a.size == b.size;
}

Status Changed(const std::string& path) {
  return Status::Make(Code::kSourceChanged, "the source has become another kind of file since it was added", path);
}

}  // namespace

// Pages that are clean are written to through a fault, which moves the times of the file: so what is stored by a
// mapping from here on is seen to change it. On a file system without a disk the pages are never cleaned.
Status Plan::Sync(int fd, const std::string& path) {
  struct statfs fs;
  if (int r = os_.Statfs(fd, &fs); r < 0) return Status::Errno(-r, "fstatfs", path);
  if (std::find(kWithoutDisk.begin(), kWithoutDisk.end(), static_cast<long>(fs.f_type)) != kWithoutDisk.end())
    return Status::Make(
        Code::kNotSupported,
        "syncSource does nothing here: on a file system in memory (tmpfs) the times of a file do not tell "
        "of stores to a mapping. Have its writer stop, or leave syncSource out",
        path);
  const int r = os_.Fsync(fd);
  return r < 0 ? Status::Errno(-r, "fsync", path) : Status::Ok();
}

Status Plan::ReadSource(const std::string& path, FileSource source, mode_t kind, struct stat* st, Metadata* meta) {
  const bool followed = source.followed;
  if (int r = os_.Stat(AT_FDCWD, path.c_str(), st, followed ? 0 : AT_SYMLINK_NOFOLLOW); r < 0)
    return Status::Errno(-r, "stat", path);
  if ((st->st_mode & S_IFMT) != kind) return Changed(path);
  // llistxattr would ask the link: what a link leads to is always opened.
  std::set<std::string> foreign;
  const int may = followed || source.synced ? 1 : MayHaveXattrs(os_, path, &foreign);
  NotCopied(std::move(foreign));
  if (may < 0) return Status::Errno(-may, "llistxattr", path);
  *meta = MetadataOf(*st, os_.StrangersHere());
  if (may == 0) return Status::Ok();
  // O_NONBLOCK: it may have become a FIFO.
  const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | (followed ? 0 : O_NOFOLLOW);
  Fd fd(os_, os_.Open(AT_FDCWD, path.c_str(), flags));
  if (!fd.valid()) return Status::Errno(fd.error(), "open", path);
  if (Status s = source.synced ? Sync(fd.get(), path) : Status::Ok(); !s.ok()) return s;
  if (int r = os_.Fstat(fd.get(), st); r < 0) return Status::Errno(-r, "fstat", path);
  if ((st->st_mode & S_IFMT) != kind) return Changed(path);
  *meta = MetadataOf(*st, os_.StrangersHere());
  Status read = ReadXattrs(os_, fd.get(), path, &meta->xattrs, &foreign);
  NotCopied(std::move(foreign));
  return read;
}

void Plan::NotCopied(std::set<std::string> names) {
  if (names.empty()) return;
  const std::lock_guard lock(not_copied_mutex_);
  not_copied_.merge(names);
}

Status Plan::DescribeLink(FileEntry* entry) {
  struct stat st;
  if (int r = os_.Stat(AT_FDCWD, entry->source.c_str(), &st, AT_SYMLINK_NOFOLLOW); r < 0)
    return Status::Errno(-r, "stat", entry->source);
  if (!S_ISLNK(st.st_mode)) return Changed(entry->source);
  if (int r = os_.ReadLink(AT_FDCWD, entry->source.c_str(), &entry->link_target); r < 0)
    return Status::Errno(-r, "readlink", entry->source);
  entry->meta = MetadataOf(st, os_.StrangersHere());
  entry->size = entry->link_target.size();
  entry->source_inode = st.st_ino;
  entry->source_ctime = TimeOf(st.st_ctim);
  return Status::Ok();
}

// Of a file that can be read, as far as it can be opened: what cannot fails its file when it is copied.
Status Plan::CheckSize(const std::string& path, bool followed, off_t size) {
  Fd fd(os_, os_.Open(AT_FDCWD, path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | (followed ? 0 : O_NOFOLLOW)));
  if (!fd.valid()) return Status::Ok();
  char byte;
  struct stat now;
  const bool more = os_.Read(fd.get(), &byte, 1, size) > 0;
  const bool less = size > 0 && os_.Read(fd.get(), &byte, 1, size - 1) == 0;
  const bool same = (more || less) && os_.Fstat(fd.get(), &now) == 0 && now.st_size == size;
  return same ? HasNoSize(path) : Status::Ok();
}

Status Plan::DescribeFile(FileEntry* entry, FileSource source) {
  if (entry->source.empty()) {
    entry->meta = MetadataOfNew(os_, entry->kind);
    return Status::Ok();
  }
  if (entry->kind == FileKind::kSymlink) return DescribeLink(entry);
  struct stat st;
  if (Status s = ReadSource(entry->source, source, S_IFREG, &st, &entry->meta); !s.ok()) return s;
  if (MayLie(st))
    if (Status s = CheckSize(entry->source, source.followed, st.st_size); !s.ok()) return s;
  entry->size = static_cast<uint64_t>(st.st_size);
  entry->source_inode = st.st_ino;
  entry->source_ctime = TimeOf(st.st_ctim);
  return Status::Ok();
}

// Before any byte is copied: a directory that an earlier copy has published may be read-only, as its source is.
Status Plan::CheckRoom(Existing* dir) {
  const std::atomic_ref<bool> writable(dir->writable);
  if (writable) return Status::Ok();
  const int r = os_.Access(AT_FDCWD, dir->path.c_str(), W_OK | X_OK);
  if (r != -EACCES) writable = true;  // what else there may be, its first file says
  if (r != -EACCES) return Status::Ok();
  Status status = Status::Errno(EACCES, "access", dir->path);
  status.detail =
      "this directory exists, and this user may not write to it: chmod u+w it, or remove it, before the copy";
  return status;
}

// In a directory that is still to be made there is nothing.
Status Plan::DescribeDestination(FileEntry* entry) {
  const Known* parent = Find(ParentOf(entry->dest));
  entry->stood = Stood::kNothing;
  if (parent != nullptr && parent->kind == Name::kDir) return Status::Ok();
  if (parent != nullptr && parent->kind == Name::kExistingDir)
    if (Status s = CheckRoom(&existing_[parent->index]); !s.ok()) return s;
  Seen seen;
  const int r = os_.Look(AT_FDCWD, entry->dest.c_str(), &seen);
  if (r == -ENOENT) return Status::Ok();
  if (r < 0) return Status::Errno(-r, "statx", entry->dest);
  if (S_ISDIR(seen.st.st_mode)) return Status::Errno(EISDIR, "rename", entry->source, entry->dest);
  if (IsSpecial(seen.st.st_mode)) {
    Status status = Status::Make(Code::kConflict, kNotReplaced, entry->source);
    status.dest = entry->dest;
    return status;
  }
  entry->stood = Stood::kSomething;
  entry->there = IdentityOf(seen);
  return Status::Ok();
}

Status Plan::DescribeDir(DirEntry* dir, const DirSource& source) {
  dir->described = !source.path.empty();
  if (!dir->described) return Status::Ok();
  struct stat st;
  return ReadSource(source.path, {source.followed, false}, S_IFDIR, &st, &dir->meta);
}

Status Plan::DescribePart(size_t from, size_t to) {
  for (size_t i = from; i < to; i++) {
    if (Status s = DescribeFile(&files_[i], file_sources_[i]); !s.ok()) return s;
    if (Status s = DescribeDestination(&files_[i]); !s.ok()) return s;
  }
  return Status::Ok();
}

// The first error in the order of the files is the one that is told: parts are begun in their order, and end.
Status Plan::DescribeFiles(Engine* engine) {
  const size_t parts = (files_.size() + kPart - 1) / kPart;
  std::vector<Status> results(parts);
  std::atomic<bool> failed{false};
  const auto part = [&](size_t i) {
    if (failed) return;
    results[i] = stop_ ? Canceled() : DescribePart(i * kPart, std::min(files_.size(), (i + 1) * kPart));
    if (!results[i].ok()) failed = true;
  };
  if (engine != nullptr && parts > 1) engine->ParallelFor(parts, engine->workers(), part);
  for (size_t i = 0; i < parts && (engine == nullptr || parts == 1); i++) part(i);
  const auto first = std::find_if(results.begin(), results.end(), [](const Status& s) { return !s.ok(); });
  return first == results.end() ? Status::Ok() : *first;
}

Status Plan::Describe(Engine* engine) {
  counts_.bytes = 0;
  if (Status s = DescribeFiles(engine); !s.ok()) return s;
  for (FileEntry& file : files_) {
    counts_.bytes += file.size;
    if (!file.source.empty()) commit_files_.Meet(file.dest);
    if (file.kind == FileKind::kHardLink && !IsSameSource(file, files_[file.linked])) file.kind = FileKind::kRegular;
  }
  for (size_t i = 0; i < dirs_.size(); i++) {
    if (Status s = DescribeDir(&dirs_[i], dir_sources_[i]); !s.ok()) return s;
  }
  return Status::Ok();
}

}  // namespace axl
