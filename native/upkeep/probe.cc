// Each question has a file of its own, so that none changes the answer to another.
#include "upkeep/probe.h"

#include <fcntl.h>
#include <sys/vfs.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>

#include "base/names.h"
#include "os/abilities.h"
#include "os/metadata.h"
#include "os/mounts.h"
#include "upkeep/probe_directory.h"

namespace axl {

namespace {

constexpr uint64_t kMostXattr = 64 << 10;
constexpr const char* kXattr = "user.axl-probe";
constexpr const char* kAcl = "system.posix_acl_access";
constexpr int64_t kSecond = 1'000'000'000;

Answer Same(uint64_t a, uint64_t b) {
  if (a == 0 || b == 0) return Answer::kCannotTell;
  return a == b ? Answer::kYes : Answer::kNo;
}

class Trial {
 public:
  Trial(Os& os, const ProbeDirectory& dir, Probed* out) : os_(os), dir_(dir.fd()), out_(*out) {}

  void Run() {
    Locks();
    Numbers();
    Directory();
    Times();
    Xattrs();
    Acls();
    Names();
    out_.links = ReachesLinks(os_, dir_) || TryLink(os_, dir_, "link");  // as a copy has it
    out_.fsync_directory = -os_.Fsync(dir_);
  }

 private:
  Fd Make(const char* name) { return Fd(os_, os_.Open(dir_, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600)); }

  uint64_t Inode(const char* name) {
    struct stat st;
    return os_.Stat(dir_, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_ino : 0;
  }

  void Locks() {
    const Fd fd = Make("lock");
    out_.lock = fd.valid() ? -os_.Lock(fd.get()) : fd.error();
    if (out_.lock != 0) return;
    const int other = LockFromAnotherProcess(dir_, "lock");
    if (other == 0 || other == -EWOULDBLOCK) out_.excludes = other == 0 ? Answer::kNo : Answer::kYes;
  }

  void Numbers() {
    uint64_t first = 0;
    {
      const Fd fd = Make("number");
      struct stat st;
      if (fd.valid() && os_.Fstat(fd.get(), &st) == 0) first = st.st_ino;
    }
    out_.listed = Same(first, ListedInode(dir_, "number"));
    if (os_.Rename(dir_, "number", dir_, "renamed") == 0) out_.renamed = Same(first, Inode("renamed"));
    {
      const Fd fd(os_, os_.Open(dir_, "renamed", O_RDONLY | O_NOFOLLOW));
      struct stat st;
      if (fd.valid() && os_.Fstat(fd.get(), &st) == 0) out_.reopened = Same(first, st.st_ino);
    }
    if (AddName(dir_, "renamed", "linked") == 0) out_.linked = Same(first, Inode("linked"));
    Seen seen;
    out_.birth = os_.Look(dir_, "renamed", &seen) == 0 && TimeOf(seen.birth) != Time{};
  }

  void Directory() {
    if (os_.Mkdir(dir_, "directory", 0700) < 0) return;
    const uint64_t first = Inode("directory");
    if (os_.Rename(dir_, "directory", dir_, "moved") == 0) out_.directory = Same(first, Inode("moved"));
  }

  // An odd number of seconds: FAT has but every second one.
  void Times() {
    const Fd fd = Make("times");
    constexpr int64_t kWanted = 1'600'000'001 * kSecond + 123'456'789;
    struct timespec time {};
    time.tv_sec = kWanted / kSecond;
    time.tv_nsec = kWanted % kSecond;
    const struct timespec times[2] = {time, time};
    struct stat st;
    if (!fd.valid() || os_.SetTimes(fd.get(), times) < 0 || os_.Fstat(fd.get(), &st) < 0) return;
    const int64_t got = st.st_mtim.tv_sec * kSecond + st.st_mtim.tv_nsec;
    for (int64_t unit : {int64_t{1}, int64_t{100}, int64_t{1000}, int64_t{1'000'000}, kSecond, 2 * kSecond})
      if (out_.granularity == 0 && got == kWanted / unit * unit) out_.granularity = static_cast<uint64_t>(unit);
  }

  int TryXattr(int fd, uint64_t size) {
    const std::string value(size, 'x');
    return os_.SetXattr(fd, kXattr, value.data(), value.size());
  }

  void Xattrs() {
    const Fd fd = Make("xattr");
    out_.xattr = fd.valid() ? -TryXattr(fd.get(), 1) : fd.error();
    if (out_.xattr != 0) return;
    uint64_t most = 1;
    for (uint64_t step = kMostXattr / 2; step > 0; step /= 2)
      if (most + step <= kMostXattr && TryXattr(fd.get(), most + step) == 0) most += step;
    out_.xattr_max = most + (most + 1 == kMostXattr && TryXattr(fd.get(), kMostXattr) == 0);
  }

  // Version 2; then tag, permissions and id of each entry: with one for a user, so that no mode says the same.
  void Acls() {
    const Fd fd = Make("acl");
    std::string list("\x02\0\0\0", 4);
    const auto add = [&list](uint8_t tag, uint8_t may, uint32_t id) {
      const std::array<uint8_t, 4> head = {tag, 0, may, 0};
      list.append(head.begin(), head.end());
      for (int shift = 0; shift < 32; shift += 8) list += static_cast<char>(id >> shift);
    };
    constexpr uint32_t kNone = 0xffffffff;
    add(0x01, 6, kNone);
    add(0x02, 4, os_.EffectiveUser());
    for (uint8_t tag : {0x04, 0x10, 0x20}) add(tag, 4, kNone);
    out_.acl = fd.valid() ? -os_.SetXattr(fd.get(), kAcl, list.data(), list.size()) : fd.error();
    if (out_.acl == 0 && os_.GetXattr(fd.get(), kAcl, nullptr, 0) <= 0) out_.acl = EOPNOTSUPP;
  }

  void Names() {
    (void)Make("from");
    out_.rename_new = -RenameWithFlag(dir_, "from", "to");
    (void)Make("from-2");
    (void)Make("to-2");
    out_.link_new = os_.RenameNew(dir_, "from-2", "to-2") == -EEXIST && os_.RenameNew(dir_, "from-2", "to-3") == 0;
  }

  Os& os_;
  const int dir_;
  Probed& out_;
};

}  // namespace

Status Probe(Os& os, const std::string& dir, Probed* out) {
  if (Status s = DescribeFileSystem(os, dir, &out->file_system); !s.ok()) return s;
  std::unique_ptr<ProbeDirectory> made;
  if (Status s = ProbeDirectory::Make(os, dir, &made); !s.ok()) return s;
  struct statfs fs;
  if (os.Statfs(made->fd(), &fs) == 0 && fs.f_namelen > 0) out->name_max = static_cast<uint64_t>(fs.f_namelen);
  Trial(os, *made, out).Run();
  return Status::Ok();
}

}  // namespace axl
