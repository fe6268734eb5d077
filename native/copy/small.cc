// Small files and links: a batch is copied, then made durable, then DONE in one append.
#include <fcntl.h>

#include "base/names.h"
#include "copy/copier.h"
#include "copy/copy_job.h"
#include "copy/copy_job_files.h"
#include "os/metadata.h"

namespace axl {

void CopyJob::CopyBatch(const std::vector<uint32_t>& ids) {
  std::vector<Small> copied;
  copied.reserve(ids.size());
  ParentDirectory parent(os_);
  for (uint32_t id : ids) {
    if (stop_.load(std::memory_order_relaxed)) break;
    Small small;
    small.id = id;
    const bool link = state_.files[id].kind == FileKind::kSymlink;
    if (Status s = link ? CopyLink(&small, &parent) : CopySmall(&small, &parent); !s.ok())
      RecordFailed(id, s);
    else
      copied.push_back(std::move(small));
  }
  std::vector<Small*> done;
  for (Small& small : copied) {
    if (stop_.load(std::memory_order_relaxed)) break;  // an fsync each would make a cancel wait
    if (Status s = SyncSmall(&small); !s.ok())
      RecordFailed(small.id, s);
    else
      done.push_back(&small);
  }
  RecordDone(done);
}

Status CopyJob::CopySmall(Small* small, ParentDirectory* parent) {
  const FileEntry& file = state_.files[small->id];
  const std::string temporary = TemporaryPath(file.dest, state_.uuid);
  Fd from;
  if (Status s = OpenSource(small->id, &from); !s.ok()) return s;
  if (Status s = OpenTemporary(small->id, false, parent, &small->to, &small->inode); !s.ok()) return s;
  struct stat st;
  if (int r = os_.Fstat(from.get(), &st); r < 0) return Status::Errno(-r, "fstat", file.source);
  CopyRange range{from.get(), small->to.get(), &file.source, &temporary, 0, file.size};
  range.sparse = static_cast<uint64_t>(st.st_blocks) * 512 < file.size;
  if (range.sparse)
    if (int r = os_.Truncate(small->to.get(), static_cast<off_t>(file.size)); r < 0)
      return Status::Errno(-r, "ftruncate", temporary);
  if (Status s = CopyBytes(os_, range, stop_, &bytes_, &small->crc); !s.ok()) return s;
  if (Status s = CheckSource(small->id, from.get()); !s.ok()) return s;
  // Before the one fsync, so that it makes the metadata durable too (invariant 4).
  if (Status s = ApplyMetadata(os_, small->to.get(), temporary, file.meta, state_.info.owner, &small->owner_given);
      !s.ok())
    return s;
  if (journal_.durable()) (void)os_.StartWriteback(small->to.get(), 0, static_cast<off_t>(file.size));
  return Status::Ok();
}

// Invariant 5: a failed fsync or close fails the file, and is not tried again.
Status CopyJob::SyncSmall(Small* small) {
  if (!small->to.valid()) return Status::Ok();  // a link: its directory's fsync is its own
  const std::string& dest = state_.files[small->id].dest;
  if (journal_.durable())
    if (int r = os_.Fsync(small->to.get()); r < 0) return Status::Errno(-r, "fsync", TemporaryPath(dest, state_.uuid));
  if (int r = small->to.Close(); r < 0) return Status::Errno(-r, "close", TemporaryPath(dest, state_.uuid));
  return Status::Ok();
}

Status CopyJob::CopyLink(Small* small, ParentDirectory* parent) {
  const FileEntry& file = state_.files[small->id];
  const std::string temporary = TemporaryPath(file.dest, state_.uuid);
  std::string target;
  if (int r = os_.ReadLink(AT_FDCWD, file.source.c_str(), &target); r < 0)
    return Status::Errno(-r, "readlink", file.source);
  if (target != file.link_target)
    return Status::Make(Code::kSourceChanged, "the link points elsewhere since dispatch", file.source);
  if (Status s = parent->Open(temporary); !s.ok()) return s;
  const std::string name(BaseOf(temporary));
  if (resuming_)
    if (int r = os_.Unlink(parent->fd(), name.c_str()); r < 0 && r != -ENOENT)
      return Status::Errno(-r, "unlink", temporary);
  if (int r = os_.Symlink(target.c_str(), parent->fd(), name.c_str()); r < 0)
    return Status::Errno(-r, "symlink", temporary);
  if (Status s =
          ApplyLinkMetadata(os_, parent->fd(), name, temporary, file.meta, state_.info.owner, &small->owner_given);
      !s.ok())
    return s;
  struct stat st;
  if (int r = os_.Stat(parent->fd(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW); r < 0)
    return Status::Errno(-r, "stat", temporary);
  small->inode = st.st_ino;
  bytes_.fetch_add(file.size, std::memory_order_relaxed);
  return Status::Ok();
}

}  // namespace axl
