// First out of the way, whole, then compared again, where nobody finds it by its name any more, then deleted.
#include "publish/retire.h"

#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "base/names.h"
#include "os/directories.h"
#include "os/same.h"
#include "os/tree.h"
#include "publish/barrier.h"

namespace axl {

namespace {

bool IsGone(const Status& s) { return s.err == ENOENT || s.err == ENOTDIR; }

// It would be the same in the next run, and nothing was touched: it is only told.
Status Refuse(Status s, Status* left) {
  const bool refused = s.code == Code::kNotSupported || s.code == Code::kConflict || s.code == Code::kUnsafePath ||
                       IsForbidden(-s.err) || s.err == EBUSY || s.err == EEXIST || s.err == EXDEV;
  if (!refused) return s;
  *left = std::move(s);
  return Status::Ok();
}

// Of one transfer.
class Retirement {
 public:
  Retirement(Os& os, Journal& journal, const std::atomic<bool>& stop)
      : os_(os), journal_(journal), stop_(stop), dir_(os), parents_(os) {}

  // *left: why it stays. An error: it may be deleted in part.
  Status RetireOne(const Retire& old, Status* left);
  // What was deleted is gone for good.
  Status MakeDurable() {
    parents_.Run();
    return parents_.First();
  }

 private:
  Status GoOn(const Retire& old, bool* was);
  Status Check(const Retire& old, const Tree& there) const;
  Status Delete(const Retire& old, Status* left);
  Status Compare(const Retire& old, const Tree& now) const;
  bool IsItself(const Retire& old, bool is_dir, const Identity& now) const;
  Status Sync() const;
  int Rename(const std::string& from, const std::string& to) const;

  Os& os_;
  Journal& journal_;
  const std::atomic<bool>& stop_;
  ParentDirectory dir_;
  DirectoryBarrier parents_;
  std::string name_, aside_, aside_path_;
};

Status Retirement::RetireOne(const Retire& old, Status* left) {
  const Status found = dir_.Open(old.path);
  if (IsGone(found)) {
    *left = found;  // perhaps its file system is not mounted
    return Status::Ok();
  }
  if (!found.ok()) return Refuse(found, left);
  name_ = BaseOf(old.path);
  aside_ = TemporaryName(name_, journal_.uuid());
  aside_path_ = Join(dir_.path(), aside_);
  parents_.Need(dir_.path());
  bool was = false;
  if (Status s = GoOn(old, &was); was || !s.ok()) return s;
  Tree there;
  Status s = LookAtTree(os_, dir_.fd(), name_, old.path, &there, stop_);
  if (IsGone(s)) return Status::Ok();
  if (s.ok()) s = Compare(old, there);
  if (s.ok()) s = Check(old, there);
  if (!s.ok()) return Refuse(std::move(s), left);
  if (there.is_dir) return Delete(old, left);
  const int r = os_.Unlink(dir_.fd(), name_.c_str());
  return r < 0 && r != -ENOENT ? Status::Errno(-r, "unlink", old.path) : Status::Ok();
}

// With what a run that was killed has put aside. Half of it may be deleted, so its listing tells nothing.
Status Retirement::GoOn(const Retire& old, bool* was) {
  Seen seen;
  const int r = os_.Look(dir_.fd(), aside_.c_str(), &seen);
  if (r < 0 && r != -ENOENT) return Status::Errno(-r, "statx", aside_path_);
  *was = r == 0 && S_ISDIR(seen.st.st_mode) && IsItself(old, true, LastingIdentityOf(seen));
  if (!*was) return Status::Ok();
  // Its name may not be durable: without that a power cut would leave the old name, and what is left of it.
  const Status s = Sync();
  return s.ok() ? RemoveTree(os_, dir_.fd(), aside_, aside_path_, stop_) : s;
}

// May it be deleted, as far as that can be told before?
Status Retirement::Check(const Retire& old, const Tree& there) const {
  if (!there.obstacle.ok()) return there.obstacle;
  Seen directory, seen;
  if (Status s = dir_.Look(&directory); !s.ok()) return s;
  if (int r = os_.Look(dir_.fd(), name_.c_str(), &seen); r < 0) return Status::Errno(-r, "statx", old.path);
  if (!MayRemove(os_, directory, seen)) return Status::Errno(EPERM, "unlink", old.path);
  const int r = os_.Access(dir_.fd(), ".", W_OK | X_OK);
  return r < 0 ? Status::Errno(-r, "access", dir_.path()) : Status::Ok();
}

// Of a directory.
Status Retirement::Delete(const Retire& old, Status* left) {
  if (int r = Rename(name_, aside_); r < 0) return Refuse(Status::Errno(-r, "rename", old.path, aside_path_), left);
  if (Status s = Sync(); !s.ok()) return s;
  Tree tree;
  Status s = LookAtTree(os_, dir_.fd(), aside_, aside_path_, &tree, stop_);
  if (s.ok()) s = Compare(old, tree);
  if (s.ok()) return RemoveTree(os_, dir_.fd(), aside_, aside_path_, stop_);
  // Somebody wrote into it while it was looked at.
  if (int r = Rename(aside_, name_); r < 0) return Status::Errno(-r, "rename", aside_path_, old.path);
  s = Refuse(std::move(s), left);
  return s.ok() ? Sync() : s;
}

// Only file systems that have no such flag need the look.
int Retirement::Rename(const std::string& from, const std::string& to) const {
  const int r = os_.RenameNoReplace(dir_.fd(), from.c_str(), to.c_str());
  if (r != -EINVAL) return r;
  Seen seen;
  if (const int there = os_.Look(dir_.fd(), to.c_str(), &seen); there != -ENOENT) return there < 0 ? there : -EEXIST;
  return os_.Rename(dir_.fd(), from.c_str(), dir_.fd(), to.c_str());
}

Status Retirement::Sync() const {
  DirectoryBarrier barrier(os_);
  barrier.Need(dir_.path());
  barrier.Run();
  return barrier.First();
}

bool Retirement::IsItself(const Retire& old, bool is_dir, const Identity& now) const {
  const Worth worth = WorthOf(os_, dir_.fd());
  return !(is_dir ? worth.directories : worth.files) || IsOfSameBirth(old.identity, now);
}

Status Retirement::Compare(const Retire& old, const Tree& now) const {
  if (IsItself(old, now.is_dir, now.identity) && now.size == old.size && now.crc == old.crc) return Status::Ok();
  return Status::Make(Code::kConflict,
                      "it is not what it was when the transfer was told to retire it, so it stays: delete it yourself "
                      "if nobody needs it",
                      old.path);
}

}  // namespace

Status RetireAll(Os& os, Journal& journal, std::vector<Left>* left, const std::atomic<bool>& stop) {
  left->clear();
  const std::vector<Retire>& retire = journal.state().retire;
  Retirement retirement(os, journal, stop);
  std::vector<Record> records;
  for (uint32_t id = 0; id < retire.size(); id++) {
    if (retire[id].retired) continue;
    Status why;
    if (Status s = retirement.RetireOne(retire[id], &why); !s.ok()) return s;
    if (why.ok())
      records.push_back(RetiredRecord{id});
    else
      left->push_back({id, std::move(why)});
  }
  if (records.empty()) return Status::Ok();
  if (Status s = retirement.MakeDurable(); !s.ok()) return s;
  const Status s = journal.Append(records);
  return s.ok() ? journal.Sync() : s;
}

}  // namespace axl
