// The evidence, from the cheapest to the dearest. What one side does not know is not compared.
#include "os/same.h"

#include <fcntl.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "os/directories.h"
#include "os/metadata.h"
#include "os/mounts.h"
#include "os/sum.h"

namespace axl {

namespace {

constexpr long kOverlayMagic = 0x794C7630;
// Numbers that the kernel draws anew whenever it reads an inode.
constexpr std::array kDrawn = {0x4D44L /* vfat */, 0x2011BAB0L /* exfat */};
// FUSE's numbers are the server's own counter, but for these.
constexpr std::array kFuseKeeps = {"fuseblk",        "virtiofs",     "fuse.glusterfs", "fuse.ceph",
                                   "fuse.ceph-fuse", "fuse.mfs",     "fuse.bindfs",    "fuse.fuse-overlayfs",
                                   "fuse.juicefs",   "fuse.fuse2fs", "fuse.ext4" /* fuse2fs of Debian */};

// Where there are no births, they tell whether a number was used again.
bool HaveHandles(const Identity& a, const Identity& b) { return !a.handle->empty() && !b.handle->empty(); }

// By what both sides know. REQUIRES: inode numbers are worth something.
Answer ByIdentity(const Identity& done, const Identity& now, Inodes inodes, bool untouched) {
  if (done.inode == 0 || inodes == Inodes::kMeanNothing) return Answer::kCannotTell;
  const bool only_number = done.ctime == Time{} && done.birth == Time{} && done.handle->empty();
  if (done.inode != now.inode) return only_number && inodes == Inodes::kNotProbed ? Answer::kCannotTell : Answer::kNo;
  if (done.birth != Time{} && now.birth != Time{}) return done.birth == now.birth ? Answer::kYes : Answer::kNo;
  if (HaveHandles(done, now)) return *done.handle == *now.handle ? Answer::kYes : Answer::kNo;
  return untouched && done.ctime != Time{} && done.ctime == now.ctime ? Answer::kYes : Answer::kCannotTell;
}

Status Unreadable(const std::string& path, int err) {
  return Status::Make(Code::kVerify,
                      "it cannot be told whether this is the file that was copied, because it cannot be read (" +
                          ErrnoName(err) + "): make it readable, then run again with --verify checksum",
                      path);
}

Recognized ByContents(Os& os, const FileEntry& file, uint32_t wanted, const Sighting& at,
                      const std::atomic<bool>& stop) {
  if (static_cast<uint64_t>(at.seen.st.st_size) != file.size) return {};
  if (file.kind == FileKind::kSymlink) {
    std::string target;
    if (int r = os.ReadLink(at.dir, at.name.c_str(), &target); r < 0)
      return {Answer::kCannotTell, Unreadable(at.path, -r)};
    return {target == file.link_target ? Answer::kYes : Answer::kNo, {}, true};
  }
  Fd fd(os, os.Open(at.dir, at.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return {Answer::kCannotTell, Unreadable(at.path, fd.error())};
  uint32_t crc = 0;
  const Status s = SumBytes(os, fd.get(), at.path, 0, file.size, stop, &crc);
  if (s.code == Code::kCanceled) return {Answer::kCannotTell, s};
  if (!s.ok() && s.code != Code::kVerify) return {Answer::kCannotTell, Unreadable(at.path, s.err)};
  return {s.ok() && crc == wanted ? Answer::kYes : Answer::kNo, {}, true};
}

Status Elsewhere(const char* what, const std::string& path) {
  return Status::Make(Code::kConflict,
                      std::string(what) +
                          ": is its file system mounted? If the directory was removed or made anew, remove the "
                          "state file with axl-finalize forget",
                      path);
}

Status CheckAnchor(Os& os, const Anchor& anchor) {
  std::shared_ptr<Directory> dir;
  const Status opened = OpenDirectory(os, anchor.path, &dir);
  if (opened.err == ENOENT || opened.err == ENOTDIR)
    return Elsewhere("the directory into which the transfer was dispatched is not there", anchor.path);
  if (!opened.ok()) return opened;
  Seen seen;
  if (int r = os.Look(dir->fd.get(), "", &seen); r < 0) return Status::Errno(-r, "statx", anchor.path);
  const Identity now = IdentityOf(seen), &then = anchor.identity;
  if (then.inode == 0 || IsOfSameBirth(then, now)) return Status::Ok();
  if (!WorthOf(os, dir->fd.get()).directories) return Status::Ok();
  return Elsewhere("the directory is not the one into which the transfer was dispatched", anchor.path);
}

}  // namespace

Identity IdentityOf(const Seen& seen) {
  return {seen.st.st_ino, TimeOf(seen.st.st_ctim), TimeOf(seen.birth), seen.handle};
}

Identity LastingIdentityOf(const Seen& seen) { return {seen.st.st_ino, {}, TimeOf(seen.birth), seen.handle}; }

bool IsOfSameBirth(const Identity& a, const Identity& b) {
  if (HaveHandles(a, b) && *a.handle != *b.handle) return false;
  return a.inode == b.inode && (a.birth == Time{} || b.birth == Time{} || a.birth == b.birth);
}

Status CheckOriginal(Os& os, int fd, const Identity& now, const Identity& then, const std::string& path) {
  if (then.inode == 0 || IsOfSameBirth(now, then) || !WorthOf(os, fd).files) return Status::Ok();
  return Status::Make(Code::kStateCopy,
                      "this is a copy of the state file that its writer made: delete it, or, if that one is gone, as "
                      "after a move or a restore, take this one over with --adopt",
                      path);
}

Recognized IsDoneFile(Os& os, const TransferState& state, uint32_t id, const Sighting& at, bool by_contents,
                      const std::atomic<bool>* stop) {
  const FileEntry& file = state.files[id];
  const FileProgress& done = state.progress[id];
  const mode_t mode = at.seen.st.st_mode;
  if (!(file.kind == FileKind::kSymlink ? S_ISLNK(mode) : S_ISREG(mode))) return {};
  const Answer known = ByIdentity(done.temporary, IdentityOf(at.seen), state.info.inodes, at.untouched);
  if (known == Answer::kYes) return {known};
  if (known == Answer::kNo && !by_contents && WorthOf(os, at.dir).files) return {};
  return ByContents(os, file, done.crc, at, *stop);
}

bool IsExpected(Os& os, const TransferState& state, uint32_t id, int dir, const Seen& there) {
  const FileEntry& file = state.files[id];
  if (file.stood == Stood::kNotLooked) return true;
  const Identity now = IdentityOf(there);
  // What is written in place, or gets another mode, keeps its birth; what has the ctime it had was not touched at all.
  const auto is = [&](const Identity& then) {
    if (then.inode != now.inode && WorthOf(os, dir).files) return false;
    const bool untouched = then.ctime != Time{} && then.ctime == now.ctime;
    if (then.birth != Time{} && now.birth != Time{}) return untouched || then.birth == now.birth;
    // File systems without births often have times of whole seconds.
    return HaveHandles(then, now) ? *then.handle == *now.handle : untouched;
  };
  if (file.stood == Stood::kSomething && is(*file.there)) return true;
  const auto replaces = state.replaces.find(id);
  if (replaces == state.replaces.end()) return false;
  // Its rename has changed the ctime.
  return std::any_of(replaces->second.begin(), replaces->second.end(),
                     [&](const Identity& then) { return IsOfSameBirth(then, now); });
}

bool MayBeTouched(Os& os, const TransferState& state, uint32_t id, int dir, const Seen& there) {
  const FileEntry& file = state.files[id];
  if (file.stood != Stood::kSomething) return false;
  const Identity &then = *file.there, now = IdentityOf(there);
  if (then.inode != now.inode && WorthOf(os, dir).files) return false;
  if (then.ctime == Time{} || (then.birth != Time{} && now.birth != Time{}) || HaveHandles(then, now)) return false;
  return TimeOf(there.st.st_mtim) <= then.ctime;  // whoever writes moves the mtime
}

Status CheckAnchors(Os& os, const TransferState& state) {
  for (const Anchor& anchor : state.anchors)
    if (Status s = CheckAnchor(os, anchor); !s.ok()) return s;
  return Status::Ok();
}

Worth WorthOf(long magic, const std::string& type) {
  if (std::find(kDrawn.begin(), kDrawn.end(), magic) != kDrawn.end()) return {false, false};
  // A directory of a lower layer gets another birth, and may get another number, when the first file is made in it.
  if (magic == kOverlayMagic) return {true, false};
  const bool keeps = magic != kFuseMagic || std::find(kFuseKeeps.begin(), kFuseKeeps.end(), type) != kFuseKeeps.end();
  return {keeps, keeps && type != "fuse.fuse-overlayfs"};
}

Worth WorthOf(Os& os, int fd) {
  struct statfs fs;
  if (os.Statfs(fd, &fs) < 0) return {};
  const long magic = static_cast<long>(fs.f_type);
  return WorthOf(magic, magic == kFuseMagic ? MountOf(fd).type : "");
}

}  // namespace axl
