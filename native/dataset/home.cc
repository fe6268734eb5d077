// Every name is named from the descriptor of the directory, which stays the same if somebody renames it meanwhile.
#include "dataset/home.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <thread>

#include "base/names.h"
#include "os/directories.h"

namespace axl {

namespace {

constexpr int kFlags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
constexpr const char* kLockSuffix = ".flock";
constexpr off_t kLongest = 256 << 20;
constexpr int kAttempts = 100;
constexpr Home::Milliseconds kFirstPause{5}, kLastPause{100};

Status SyncDirectory(Os& os, int dir, const char* name, const std::string& path) {
  Fd fd(os, os.Open(dir, name, O_RDONLY | O_DIRECTORY));
  if (!fd.valid()) return Status::Errno(fd.error(), "open", path);
  const int r = os.Fsync(fd.get());
  return r < 0 ? Status::Errno(-r, "fsync", path) : Status::Ok();
}

// It is carried out, whatever becomes of its file: the next run finds it again, and removes it.
Status NotDurable(Status s, const std::string& verdict) {
  s.detail = "the verdict " + verdict + " may come back after a power cut: run axl-finalize again to remove it";
  return s;
}

}  // namespace

Status Home::Open(Os& os, const std::string& path, std::unique_ptr<Home>* out) {
  std::unique_ptr<Home> home(new Home(os, path));
  const int flags = O_PATH | O_DIRECTORY;
  // A user's link must not lead root to another directory.
  const bool root = os.IsRoot();
  home->dir_ = Fd(os, root ? os.OpenNoLinks(AT_FDCWD, path.c_str(), flags) : os.Open(AT_FDCWD, path.c_str(), flags));
  const int error = home->dir_.error();
  if (error == ENOENT || error == ENOTDIR)
    return Status::Make(Code::kConflict,
                        "the home of its dataset is not there, so what was decided is not known: "
                        "bring this directory back",
                        path);
  if (error != 0) return Status::Errno(error, "open", path);
  Status s = home->Look();
  if (s.ok()) *out = std::move(home);
  return s;
}

Status Home::Look() {
  struct stat st;
  if (const int r = os_.Fstat(dir_.get(), &st); r < 0) return Status::Errno(-r, "fstat", path_);
  identity_ = std::to_string(st.st_dev) + " " + std::to_string(st.st_ino);
  const bool shared = (st.st_mode & S_IWOTH) != 0 || ((st.st_mode & S_IWGRP) != 0 && st.st_gid != 0);
  if (!os_.IsRoot() || (st.st_uid == 0 && !shared)) return Status::Ok();
  return Status::Make(Code::kUnsafePath,
                      "the home of a dataset of root must be root's alone, but other users can write to it", path_);
}

std::string Home::NameOf(const Uuid& dataset) const {
  return ".axl-verdict." + Hex(dataset.data(), dataset.size()) + "-" + std::to_string(os_.EffectiveUser());
}

std::string Home::VerdictPath(const Uuid& dataset) const { return Join(path_, NameOf(dataset)); }

Status Home::Failed(int error, const char* call, const std::string& name) const {
  return Status::Errno(-error, call, Join(path_, name));
}

Status Home::Sync() { return SyncDirectory(os_, dir_.get(), ".", path_); }

// ---- the right ----

// Whoever had the right before may have removed the file; then it keeps nobody out.
Status Home::IsNamed(const Fd& fd, const std::string& name, bool* named) {
  struct stat st, there;
  if (const int r = os_.Fstat(fd.get(), &st); r < 0) return Failed(r, "fstat", name);
  if (st.st_uid != os_.EffectiveUser())
    return Status::Make(Code::kUnsafePath, "the lock of the dataset belongs to another user", Join(path_, name));
  const int r = os_.Stat(dir_.get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW);
  if (r < 0 && r != -ENOENT) return Failed(r, "stat", name);
  *named = r == 0 && there.st_ino == st.st_ino;
  return Status::Ok();
}

// *held: somebody has it, or had it until now. Without `create`: ok without a right if there is no such file.
Status Home::TryLock(const std::string& name, bool create, std::unique_ptr<Right>* right, bool* held) {
  *held = false;
  Fd fd(os_, os_.Open(dir_.get(), name.c_str(), O_RDWR | kFlags | (create ? O_CREAT : 0), 0600));
  if (fd.error() == ENOENT && !create) return Status::Ok();
  if (!fd.valid()) return Failed(-fd.error(), "open", name);
  *held = os_.Lock(fd.get()) == -EWOULDBLOCK;  // any other error: there are no locks, and nobody is kept out
  if (*held) return Status::Ok();
  bool named = false;
  if (Status s = IsNamed(fd, name, &named); !s.ok()) return s;
  *held = create && !named;
  if (create && named) *right = std::make_unique<Right>(os_, dir_.get(), name, std::move(fd));
  return Status::Ok();
}

Status Home::Lock(const Uuid& dataset, Milliseconds patience, std::unique_ptr<Right>* right) {
  const std::string name = NameOf(dataset) + kLockSuffix;
  const auto until = std::chrono::steady_clock::now() + patience;
  for (Milliseconds pause = kFirstPause;; pause = std::min(kLastPause, 2 * pause)) {
    bool held = false;
    const Status s = TryLock(name, true, right, &held);
    if (!s.ok() || !held || std::chrono::steady_clock::now() > until) return s;
    std::this_thread::sleep_for(pause);
  }
}

Status Home::Await(const Uuid& dataset, Milliseconds patience) {
  const std::string name = NameOf(dataset) + kLockSuffix;
  const auto until = std::chrono::steady_clock::now() + patience;
  for (Milliseconds pause = kFirstPause;; pause = std::min(kLastPause, 2 * pause)) {
    bool held = false;
    const Status s = TryLock(name, false, nullptr, &held);
    if (!s.ok() || !held) return s;
    if (std::chrono::steady_clock::now() > until)
      return Status::Make(Code::kStateLocked, "a finalizer is at work on its dataset", VerdictPath(dataset));
    std::this_thread::sleep_for(pause);
  }
}

// ---- the verdict ----

Status Home::Read(const Uuid& dataset, std::optional<Verdict>* out) {
  if (Status s = ReadFile(NameOf(dataset), dataset, out); !s.ok() || !*out) return s;
  return Sync();  // who has named it may have been killed before
}

Status Home::ReadFile(const std::string& name, const Uuid& dataset, std::optional<Verdict>* out) {
  out->reset();
  Fd fd(os_, os_.Open(dir_.get(), name.c_str(), O_RDONLY | kFlags));
  if (fd.error() == ENOENT) return Status::Ok();
  const std::string path = Join(path_, name);
  if (fd.error() == ELOOP) return Status::Make(Code::kUnsafePath, "this is not a verdict file of this user", path);
  if (!fd.valid()) return Status::Errno(fd.error(), "open", path);
  struct stat st;
  if (const int r = os_.Fstat(fd.get(), &st); r < 0) return Status::Errno(-r, "fstat", path);
  if (!S_ISREG(st.st_mode) || st.st_uid != os_.EffectiveUser() || st.st_size > kLongest)
    return Status::Make(Code::kUnsafePath, "this is not a verdict file of this user", path);
  std::string bytes(static_cast<size_t>(st.st_size), '\0');
  const ssize_t n = ReadFull(os_, fd.get(), bytes.data(), bytes.size(), 0);
  if (n < 0) return Status::Errno(static_cast<int>(-n), "read", path);
  Verdict verdict;
  if (static_cast<size_t>(n) != bytes.size() || !DecodeVerdict(bytes, &verdict) || verdict.dataset != dataset)
    return Status::Make(Code::kStateCorrupt, "this is not a verdict on its dataset", path);
  *out = std::move(verdict);
  return Status::Ok();
}

Status Home::WriteDraft(const std::string& draft, const std::string& bytes, bool* taken) {
  Fd fd(os_, os_.Open(dir_.get(), draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | kFlags, 0600));
  *taken = fd.error() == EEXIST;
  if (*taken) return Status::Ok();
  if (!fd.valid()) return Failed(-fd.error(), "open", draft);
  int r = WriteAll(os_, fd.get(), bytes.data(), bytes.size(), 0);
  if (r < 0) return Failed(r, "write", draft);
  if (r = os_.Fsync(fd.get()); r < 0) return Failed(r, "fsync", draft);
  r = fd.Close();
  return r < 0 ? Failed(r, "close", draft) : Status::Ok();
}

// *first: nobody had the name.
Status Home::Name(const std::string& draft, const std::string& name, bool* first) {
  int r = os_.RenameNew(dir_.get(), draft.c_str(), name.c_str());
  if (r == -EPERM || r == -EOPNOTSUPP || r == -ENOSYS) {
    // A file system without hard links: only the right keeps others out.
    struct stat st;
    r = os_.Stat(dir_.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW);
    r = r == 0 ? -EEXIST : r == -ENOENT ? os_.Rename(dir_.get(), draft.c_str(), dir_.get(), name.c_str()) : r;
  }
  *first = r == 0;
  return r == 0 || r == -EEXIST || r == -ENOENT ? Status::Ok() : Failed(r, "rename", name);
}

// Of a verdict file that is being made: no other process, and no other call of this one, has it.
std::string DraftOf(const std::string& name) {
  static std::atomic<uint32_t> drafts{0};
  return name + "." + std::to_string(getpid()) + "." + std::to_string(drafts++);
}

// *counts stays empty: another verdict has been removed meanwhile, or our draft was taken for a leftover.
Status Home::Attempt(const Verdict& wanted, std::optional<Verdict>* counts) {
  const std::string name = NameOf(wanted.dataset);
  const std::string draft = DraftOf(name);
  bool taken = false, first = false;
  Status s = WriteDraft(draft, EncodeVerdict(wanted), &taken);
  if (taken) return s;
  if (s.ok()) s = Name(draft, name, &first);
  if (first) *counts = wanted;
  if (!first) (void)os_.Unlink(dir_.get(), draft.c_str());
  return s.ok() && !first ? ReadFile(name, wanted.dataset, counts) : s;
}

Status Home::Decide(const Verdict& wanted, Verdict* counts) {
  for (int i = 0; i < kAttempts; i++) {
    std::optional<Verdict> found;
    if (Status s = Attempt(wanted, &found); !s.ok()) return s;
    if (!found) continue;
    *counts = std::move(*found);
    return Sync();
  }
  return Status::Make(Code::kConflict, "other processes write and remove this verdict all the time: try again",
                      VerdictPath(wanted.dataset));
}

// Not done: our draft was taken for a leftover.
Status Home::Replace(const Verdict& verdict, bool* done) {
  const std::string name = NameOf(verdict.dataset);
  const std::string draft = DraftOf(name);
  bool taken = false;
  Status s = WriteDraft(draft, EncodeVerdict(verdict), &taken);
  if (taken) return s;
  const int r = s.ok() ? os_.Rename(dir_.get(), draft.c_str(), dir_.get(), name.c_str()) : 0;
  *done = s.ok() && r == 0;
  if (!*done) (void)os_.Unlink(dir_.get(), draft.c_str());
  return r == 0 || r == -ENOENT ? s : Failed(r, "rename", name);
}

Status Home::Pass(const Uuid& dataset) {
  std::optional<Verdict> found;
  if (Status s = ReadFile(NameOf(dataset), dataset, &found); !s.ok()) return s;
  bool done = !found || found->decision != Decision::kPublishInPhases;
  for (int i = 0; i < kAttempts && !done; i++) {
    found->decision = Decision::kPublish;
    if (Status s = Replace(*found, &done); !s.ok()) return s;
  }
  if (done) return Sync();
  return Status::Make(Code::kConflict, "other processes write and remove this verdict all the time: try again",
                      VerdictPath(dataset));
}

Status Home::RemoveDrafts(const std::string& name) {
  std::vector<OsDirEntry> entries;
  if (const int r = os_.List(dir_.get(), &entries); r < 0) return Failed(r, "readdir", ".");
  for (const OsDirEntry& entry : entries)
    if (entry.name.starts_with(name + ".") && entry.name != name + kLockSuffix)
      (void)os_.Unlink(dir_.get(), entry.name.c_str());
  return Status::Ok();
}

Status Home::Remove(const Uuid& dataset, const std::vector<std::string>& dirs) {
  const std::string name = NameOf(dataset);
  for (const std::string& dir : dirs)
    if (Status s = SyncDirectory(os_, AT_FDCWD, dir.c_str(), dir); !s.ok() && s.err != ENOENT)
      return NotDurable(std::move(s), Join(path_, name));
  const int r = os_.Unlink(dir_.get(), name.c_str());
  if (r < 0 && r != -ENOENT) return Failed(r, "unlink", name);
  if (Status s = RemoveDrafts(name); !s.ok()) return s;
  Status s = Sync();
  return s.ok() ? s : NotDurable(std::move(s), Join(path_, name));
}

}  // namespace axl
