// Hard links: further names of a file that has been copied, at their own temporary names. They are made before its
// fsync, and are DONE together with it: so what DONE says of it holds of all of them. Where some are DONE and others
// are not, as after a kill or a power cut, those get the inode of one that is.
#include <algorithm>
#include <cerrno>
#include <iterator>

#include "base/names.h"
#include "copy/copy_job.h"
#include "copy/copy_job_files.h"
#include "os/same.h"

namespace axl {

// There are none on this file system, or not between these directories, or no more of this file: each is copied.
bool CopyJob::IsNoLink(const Status& s) {
  constexpr int kRefusals[] = {EPERM, EOPNOTSUPP, ENOSYS, EXDEV, EMLINK};
  return s.call == "link" && std::find(std::begin(kRefusals), std::end(kRefusals), s.err) != std::end(kRefusals);
}

// The first, if it is DONE: of others, one that could not be linked may be a copy.
void CopyJob::FindDonors() {
  const auto is_done = [this](uint32_t id) { return state_.progress[id].state == FileState::kDone; };
  for (uint32_t id = 0; id < state_.files.size(); id++) {
    const FileEntry& file = state_.files[id];
    if (file.kind != FileKind::kHardLink) continue;
    if (is_done(file.linked))
      donors_.emplace(file.linked, file.linked);
    else if (is_done(id))
      donors_.emplace(file.linked, id);
  }
}

const uint32_t* CopyJob::DonorOf(uint32_t id) const {
  const FileEntry& file = state_.files[id];
  const auto donor = donors_.find(file.kind == FileKind::kHardLink ? file.linked : id);
  return donor != donors_.end() ? &donor->second : nullptr;
}

// Its source has to be what it was, as for a copy: it may have become another file since the donor was copied.
Status CopyJob::Join(uint32_t donor, Arrived* file) {
  Fd source;
  if (Status s = adopter_.OpenSource(file->id, &source); !s.ok()) return s;
  ParentDirectory from(os_), to(os_);
  if (Status s = from.Open(state_.files[donor].dest); !s.ok()) return s;
  if (!WorthOf(os_, from.fd()).files) return Status::Errno(EOPNOTSUPP, "link", from.path());  // as in MakeLinks
  if (Status s = MakeLink(donor, file->id, &from, &to); !s.ok()) return s;
  const std::string path = TemporaryPathOf(state_, file->id);
  Sighting at{to.fd(), std::string(BaseOf(path)), path, {}};
  if (int r = os_.Look(at.dir, at.name.c_str(), &at.seen); r < 0) return Status::Errno(-r, "statx", path);
  const Recognized is = IsDoneFile(os_, state_, donor, at, false);
  if (is.answer == Answer::kCannotTell) return is.why;
  if (is.answer == Answer::kNo)
    return Status::Make(Code::kVerify, "another file has replaced the temporary file of which this is a hard link",
                        TemporaryPathOf(state_, donor));
  const FileProgress& done = state_.progress[donor];
  file->temporary = IdentityOf(at.seen);
  file->crc = done.crc;
  file->given.uid = done.uid, file->given.gid = done.gid, file->given.mode = done.mode;
  file->given.lacking = done.lacking;
  bytes_.fetch_add(state_.files[file->id].size, std::memory_order_relaxed);
  return Status::Ok();
}

// Those that a killed run has made: of its first name, which is brought anew, or gone on in.
Status CopyJob::RemoveLinks(uint32_t first) {
  const auto links = links_.find(first);
  if (links == links_.end()) return Status::Ok();
  ParentDirectory parent(os_);
  for (uint32_t id : links->second) {
    const std::string path = TemporaryPathOf(state_, id);
    if (Status s = parent.Open(path); !s.ok()) return s;
    if (int r = os_.Unlink(parent.fd(), std::string(BaseOf(path)).c_str()); r < 0 && r != -ENOENT)
      return Status::Errno(-r, "unlink", path);
  }
  return Status::Ok();
}

Status CopyJob::MakeLinks(Arrived* first, std::vector<uint32_t>* refused) {
  const auto links = links_.find(first->id);
  if (links == links_.end()) return Status::Ok();
  // Where numbers of inodes mean nothing, nobody could tell later that two names are one file.
  const bool can = WorthOf(os_, first->to.get()).files;
  ParentDirectory from(os_), to(os_);
  for (uint32_t id : links->second) {
    const Status s = can ? MakeLink(first->id, id, &from, &to) : Status::Errno(EOPNOTSUPP, "link", "");
    if (!s.ok() && !IsNoLink(s)) return s;
    (s.ok() ? &first->names : refused)->push_back(id);
  }
  return Status::Ok();
}

Status CopyJob::MakeLink(uint32_t first, uint32_t link, ParentDirectory* from, ParentDirectory* to) {
  const std::string source = TemporaryPathOf(state_, first);
  const std::string path = TemporaryPathOf(state_, link);
  if (Status s = from->Open(source); !s.ok()) return s;
  if (Status s = to->Open(path); !s.ok()) return s;
  const std::string old(BaseOf(source)), name(BaseOf(path));
  int r = os_.Link(from->fd(), old.c_str(), to->fd(), name.c_str());
  if (r == -EEXIST && resuming_) {  // of the run before us; the journal names it
    if (int e = os_.Unlink(to->fd(), name.c_str()); e < 0) return Status::Errno(-e, "unlink", path);
    r = os_.Link(from->fd(), old.c_str(), to->fd(), name.c_str());
  }
  return r < 0 ? Status::Errno(-r, "link", source, path) : Status::Ok();
}

void CopyJob::CopyRefused(const std::vector<uint32_t>& links, const std::shared_ptr<Batch>& batch) {
  ParentDirectory parent(os_);
  for (uint32_t id : links) {
    Arrived copy;
    copy.id = id;
    if (Status s = CopySmall(&copy, &parent); !s.ok())
      RecordFailed(id, s);
    else
      Harden(batch, std::move(copy));
  }
}

}  // namespace axl
