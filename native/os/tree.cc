// One descriptor for each directory on the way down, so that nobody can put a link in the way.
#include "os/tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/codec.h"
#include "base/crc32c.h"
#include "base/names.h"
#include "os/directories.h"
#include "os/metadata.h"
#include "os/same.h"

namespace axl {

namespace {

constexpr size_t kDeepest = 100;  // descriptors that are open at once

Status Fixed(const std::string& path) {
  return Status::Make(Code::kNotSupported, "it is immutable or append-only: remove that with chattr -i -a", path);
}

struct Level {
  Fd dir;
  std::string name;   // of it, in the directory above
  std::string below;  // its path below the top; empty: it is the top
  Seen seen;
  std::vector<OsDirEntry> entries;
  size_t next = 0;
};

// Goes down and up. What it does with what it finds is told by those who derive from it.
class Descent {
 public:
  Descent(Os& os, std::string path, const std::atomic<bool>& stop) : os_(os), path_(std::move(path)), stop_(stop) {}
  virtual ~Descent() = default;

  // REQUIRES: `seen` is what Look says of the name.
  Status Run(int dir, const std::string& name, const Seen& seen) {
    if (seen.mount_root) return Mounted(path_);
    if (!S_ISDIR(seen.st.st_mode)) return Leaf(dir, name, "", seen);
    if (Status s = Enter(dir, name, "", seen); !s.ok()) return s;
    while (!levels_.empty())
      if (Status s = Step(dir); !s.ok()) return s;
    return Status::Ok();
  }

 protected:
  // Of what is no directory; `below` is its path below the top.
  virtual Status Leaf(int dir, const std::string& name, const std::string& below, const Seen& seen) = 0;
  virtual Status Entered(const Level& level) = 0;
  virtual Status Left(int dir, const Level& level) = 0;
  std::string PathOf(const std::string& below) const { return below.empty() ? path_ : Join(path_, below); }

  Os& os_;

 private:
  static Status Mounted(const std::string& path) {
    return Status::Make(Code::kNotSupported, "a file system is mounted here: nothing of it is deleted", path);
  }

  // Old kernels tell of no mounts; of directories the device tells as much.
  static bool IsMounted(const Seen& above, const Seen& seen) {
    const bool other = seen.mount == 0 && S_ISDIR(seen.st.st_mode) && seen.st.st_dev != above.st.st_dev;
    return other || IsMountPoint(above, seen);
  }

  Status Enter(int dir, const std::string& name, const std::string& below, const Seen& seen) {
    if (levels_.size() == kDeepest)
      return Status::Make(Code::kNotSupported, "it is deeper than 100 directories: delete it yourself", PathOf(below));
    Level level{Fd(os_, os_.Open(dir, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW)), name, below, seen, {}};
    if (!level.dir.valid()) return Status::Errno(level.dir.error(), "open", PathOf(below));
    struct stat st;
    if (int r = os_.Fstat(level.dir.get(), &st); r < 0) return Status::Errno(-r, "fstat", PathOf(below));
    if (st.st_dev != seen.st.st_dev || st.st_ino != seen.st.st_ino)
      return Status::Make(Code::kConflict, "something else came to this place while it was looked at", PathOf(below));
    if (int r = os_.List(level.dir.get(), &level.entries); r < 0) return Status::Errno(-r, "readdir", PathOf(below));
    std::sort(level.entries.begin(), level.entries.end(),
              [](const OsDirEntry& a, const OsDirEntry& b) { return a.name < b.name; });
    levels_.push_back(std::move(level));
    return Entered(levels_.back());
  }

  Status Step(int top) {
    if (stop_) return Canceled();
    Level& level = levels_.back();
    if (level.next == level.entries.size()) {
      const Level left = std::move(level);
      levels_.pop_back();
      return Left(levels_.empty() ? top : levels_.back().dir.get(), left);
    }
    const std::string& name = level.entries[level.next++].name;
    const std::string below = level.below.empty() ? name : Join(level.below, name);
    Seen seen;
    const int r = os_.Look(level.dir.get(), name.c_str(), &seen);
    if (r == -ENOENT) return Gone(below);
    if (r < 0) return Status::Errno(-r, "statx", PathOf(below));
    if (IsMounted(level.seen, seen)) return Mounted(PathOf(below));
    return S_ISDIR(seen.st.st_mode) ? Enter(level.dir.get(), name, below, seen)
                                    : Leaf(level.dir.get(), name, below, seen);
  }

  virtual Status Gone(const std::string& below) = 0;

  const std::string path_;
  const std::atomic<bool>& stop_;
  std::vector<Level> levels_;
};

struct Entry {
  std::string below;
  uint8_t kind = 4;
  uint64_t size = 0;
  Time mtime = {};
  std::string target = {};
};

class Listing : public Descent {
 public:
  Listing(Os& os, std::string path, const std::atomic<bool>& stop, Tree* out)
      : Descent(os, std::move(path), stop), out_(*out) {}

 private:
  Status Leaf(int dir, const std::string& name, const std::string& below, const Seen& seen) override {
    Entry entry{below};
    if (S_ISREG(seen.st.st_mode)) {
      entry.kind = 1;
      entry.size = static_cast<uint64_t>(seen.st.st_size);
      entry.mtime = TimeOf(seen.st.st_mtim);
    } else if (S_ISLNK(seen.st.st_mode)) {
      entry.kind = 3;
      if (int r = os_.ReadLink(dir, name.c_str(), &entry.target); r < 0)
        return Status::Errno(-r, "readlink", PathOf(below));
    }
    Obstruct(seen, below);
    return Put(entry);
  }

  Status Entered(const Level& level) override {
    if (!level.below.empty()) Obstruct(level.seen, level.below);
    above_.push_back(level.seen);
    const bool needed = !level.entries.empty();
    const int r = needed ? os_.Access(level.dir.get(), ".", W_OK | X_OK) : 0;
    if (r < 0 && out_.obstacle.ok()) out_.obstacle = Status::Errno(-r, "access", PathOf(level.below));
    if (level.below.empty()) return Status::Ok();
    Entry entry{level.below};
    entry.kind = 2;
    return Put(entry);
  }

  Status Left(int, const Level&) override {
    above_.pop_back();
    return Status::Ok();
  }

  Status Gone(const std::string& below) override {
    return Status::Make(Code::kConflict, "something else came to this place while it was looked at", PathOf(below));
  }

  void Obstruct(const Seen& seen, const std::string& below) {
    if (!out_.obstacle.ok()) return;
    if (seen.fixed)
      out_.obstacle = Fixed(PathOf(below));
    else if (!above_.empty() && !MayRemove(os_, above_.back(), seen))
      out_.obstacle = Status::Errno(EPERM, "unlink", PathOf(below));
  }

  Status Put(const Entry& entry) {
    std::string bytes;
    Encoder encode(&bytes);
    encode(entry.below, entry.kind, entry.size, entry.mtime, entry.target);
    out_.crc = Crc32c(out_.crc, bytes.data(), bytes.size());
    out_.size += entry.size;
    return Status::Ok();
  }

  Tree& out_;
  std::vector<Seen> above_;
};

class Removal : public Descent {
 public:
  using Descent::Descent;

 private:
  Status Leaf(int dir, const std::string& name, const std::string& below, const Seen&) override {
    const int r = os_.Unlink(dir, name.c_str());
    return r < 0 && r != -ENOENT ? Status::Errno(-r, "unlink", PathOf(below)) : Status::Ok();
  }
  Status Entered(const Level&) override { return Status::Ok(); }
  Status Left(int dir, const Level& level) override {
    const int r = os_.Rmdir(dir, level.name.c_str());
    return r < 0 && r != -ENOENT ? Status::Errno(-r, "rmdir", PathOf(level.below)) : Status::Ok();
  }
  Status Gone(const std::string&) override { return Status::Ok(); }
};

}  // namespace

Status LookAtTree(Os& os, int dir, const std::string& name, const std::string& path, Tree* out,
                  const std::atomic<bool>& stop) {
  *out = {};
  Seen seen;
  if (int r = os.Look(dir, name.c_str(), &seen); r < 0) return Status::Errno(-r, "statx", path);
  out->is_dir = S_ISDIR(seen.st.st_mode);
  out->identity = LastingIdentityOf(seen);
  if (seen.fixed) out->obstacle = Fixed(path);
  return Listing(os, path, stop, out).Run(dir, name, seen);
}

Status RemoveTree(Os& os, int dir, const std::string& name, const std::string& path, const std::atomic<bool>& stop) {
  Seen seen;
  const int r = os.Look(dir, name.c_str(), &seen);
  if (r == -ENOENT) return Status::Ok();
  if (r < 0) return Status::Errno(-r, "statx", path);
  return Removal(os, path, stop).Run(dir, name, seen);
}

}  // namespace axl
