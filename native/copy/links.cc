// Hard links: further names of a file that has been copied, at their own temporary names. They are made before its
// fsync, and are DONE together with it: so what DONE says of it holds of all of them.
#include <algorithm>
#include <cerrno>
#include <iterator>

#include "base/names.h"
#include "copy/copy_job.h"
#include "copy/copy_job_files.h"
#include "os/same.h"

namespace axl {

namespace {

// There are none on this file system, or not between these directories, or no more of this file: each is copied.
bool IsRefusal(int result) {
  constexpr int kRefusals[] = {EPERM, EOPNOTSUPP, ENOSYS, EXDEV, EMLINK};
  return std::find(std::begin(kRefusals), std::end(kRefusals), -result) != std::end(kRefusals);
}

}  // namespace

Status CopyJob::MakeLinks(const Arrived& first, std::vector<uint32_t>* linked, std::vector<uint32_t>* refused) {
  const auto links = links_.find(first.id);
  if (links == links_.end()) return Status::Ok();
  // Where numbers of inodes mean nothing, nobody could tell later that two names are one file.
  const bool can = WorthOf(os_, first.to.get()).files;
  ParentDirectory from(os_), to(os_);
  for (uint32_t id : links->second) {
    const Status s = can ? MakeLink(first.id, id, &from, &to) : Status::Errno(EOPNOTSUPP, "link", "");
    if (!s.ok() && !IsRefusal(-s.err)) return s;
    (s.ok() ? linked : refused)->push_back(id);
  }
  return Status::Ok();
}

Status CopyJob::MakeLink(uint32_t first, uint32_t link, ParentDirectory* from, ParentDirectory* to) {
  const std::string source = TemporaryPath(state_.files[first].dest, state_.uuid);
  const std::string path = TemporaryPath(state_.files[link].dest, state_.uuid);
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

void CopyJob::CopyRefused(const std::vector<uint32_t>& links, Batch* batch) {
  ParentDirectory parent(os_);
  for (uint32_t id : links) {
    Arrived copy;
    copy.id = id;
    Status s = CopySmall(&copy, &parent);
    if (s.ok()) s = adopter_.MakeDurable(&copy);
    if (s.ok())
      batch->Add(DoneOf(copy, id));
    else
      RecordFailed(id, s);
  }
}

}  // namespace axl
