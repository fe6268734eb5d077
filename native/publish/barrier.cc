// A directory is opened by name: it is the name that must lead to the file after a power cut.
#include "publish/barrier.h"

#include <fcntl.h>

#include "base/names.h"

namespace axl {

void DirectoryBarrier::Need(std::string_view dir) {
  if (wanted_.find(dir) == wanted_.end())
    wanted_.emplace(dir, Status::Make(Code::kIo, "the directory was not fsynced", std::string(dir)));
}

void DirectoryBarrier::Run() {
  for (auto& [dir, status] : wanted_) status = Sync(dir);
}

Status DirectoryBarrier::Sync(const std::string& dir) {
  Fd fd(os_, os_.OpenNoLinks(AT_FDCWD, dir.c_str(), O_RDONLY | O_DIRECTORY));
  if (!fd.valid()) return Status::Errno(fd.error(), "open", dir);
  if (int r = os_.Fsync(fd.get()); r < 0) return Status::Errno(-r, "fsync", dir);
  return Status::Ok();
}

Status DirectoryBarrier::Result(std::string_view dir) const {
  const auto found = wanted_.find(dir);
  if (found == wanted_.end()) return Status::Make(Code::kIo, "the directory was not fsynced", std::string(dir));
  return found->second;
}

Status DirectoryBarrier::First() const {
  for (const auto& [dir, status] : wanted_)
    if (!status.ok()) return status;
  return Status::Ok();
}

Status Settle(Os& os, Journal& journal, const MadeDirectories& made) {
  const TransferState& state = journal.state();
  if (Status s = made.Rehearse(); !s.ok()) return s;
  if (journal.durable()) {
    DirectoryBarrier barrier(os);
    for (const auto& f : state.files) barrier.Need(ParentOf(f.dest));
    for (const auto& d : state.dirs) barrier.Need(ParentOf(d.path));
    barrier.Run();
    if (Status s = barrier.First(); !s.ok()) return s;
  }
  if (Status s = journal.Append(SettledRecord()); !s.ok()) return s;
  if (Status s = journal.Sync(); !s.ok()) return s;
  journal.Confirm();
  return Status::Ok();
}

}  // namespace axl
