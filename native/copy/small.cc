// Small files and links: a batch is copied, each is made durable, and all are DONE in one append.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/names.h"
#include "base/stop.h"
#include "copy/copier.h"
#include "copy/copy_job.h"
#include "copy/copy_job_files.h"
#include "os/metadata.h"
#include "os/mounts.h"
#include "os/same.h"

namespace axl {

namespace {

Status NotLinked(int result, const std::string& path) {
  Status status = Status::Errno(-result, "symlink", path);
  if (result == -EPERM || result == -EOPNOTSUPP || result == -ENOSYS)
    status.detail =
        "if this file system has no symbolic links, copy what they lead to (links: 'follow'), or leave them out";
  return status;
}

}  // namespace

void CopyJob::CopyBatch(std::span<const uint32_t> ids) {
  Whole whole = OpenWhole(ids);
  if (whole.fd.valid()) return CopyPart(ids, std::move(whole));
  for (; !ids.empty(); ids = ids.subspan(std::min(ids.size(), kBatchFiles)))
    CopyPart(ids.first(std::min(ids.size(), kBatchFiles)), {});
}

void CopyJob::CopyPart(std::span<const uint32_t> ids, Whole whole) {
  const auto batch = std::make_shared<Batch>(*this, std::move(whole));
  ParentDirectory parent(os_);
  for (uint32_t id : ids) {
    if (stop_.load(std::memory_order_relaxed)) break;
    Arrived file;
    file.id = id;
    file.whole = batch->whole.device;
    if (Status s = Bring(&file, &parent); !s.ok())
      RecordFailed(id, s);
    else
      Harden(batch, std::move(file));
  }
  Sync(batch);
}

Status CopyJob::Bring(Arrived* file, ParentDirectory* parent) {
  if (const uint32_t* donor = DonorOf(file->id)) {
    const Status s = Join(*donor, file);
    if (s.ok() || !IsNoLink(s)) return s;
  }
  if (state_.files[file->id].kind == FileKind::kSymlink) return CopyLink(file, parent);
  if (state_.files[file->id].kind == FileKind::kGenerated) return WriteGenerated(file, parent);
  return adopting_ && state_.files[file->id].kind == FileKind::kRegular ? Adopt(file, parent) : CopySmall(file, parent);
}

// A file of which nobody knows anything, and that is not whole, is no failure where the job was to end early.
Status CopyJob::Adopt(Arrived* file, ParentDirectory* parent) {
  const auto told = arrivals_.told.find(file->id);
  const bool is_told = told != arrivals_.told.end();
  if (is_told && !told->second.failure.ok()) return told->second.failure;
  if (Status s = RemoveLinks(file->id); !s.ok()) return s;
  const std::atomic<bool>& stop = arrivals_.stop != nullptr ? *arrivals_.stop : stop_;
  Status s = adopter_.Look(file->id, is_told ? told->second.crc : std::nullopt, stop, parent, file);
  if (s.ok()) s = adopter_.GiveMetadata(file);
  if (s.ok()) bytes_.fetch_add(state_.files[file->id].size, std::memory_order_relaxed);
  const bool stays = !s.ok() && !is_told && arrivals_.stays && !LosesBytes(s);
  return stays ? Canceled() : s;
}

Status CopyJob::CopySmall(Arrived* small, ParentDirectory* parent) {
  const FileEntry& file = state_.files[small->id];
  const std::string& temporary = small->path = TemporaryPath(file.dest, state_.uuid);
  Fd from;
  struct stat st;
  if (Status s = adopter_.OpenSource(small->id, &from, &st); !s.ok()) return s;
  if (Status s = OpenTemporary(small->id, temporary, nullptr, parent, &small->to); !s.ok()) return s;
  small->inherits = parent->HasDefaultAcl();
  small->synced = small->whole != 0 && parent->Device() == small->whole;
  CopyRange range{from.get(), small->to.get(), &file.source, &temporary, 0, file.size, throttle_.get()};
  range.sparse = static_cast<uint64_t>(st.st_blocks) * 512 < file.size;
  if (range.sparse)
    if (int r = os_.Truncate(small->to.get(), static_cast<off_t>(file.size)); r < 0)
      return Status::Errno(-r, "ftruncate", temporary);
  Status copied = CopyBytes(os_, range, stop_, &bytes_, &small->crc);
  if (Status s = adopter_.CheckEnd(small->id, from.get(), std::move(copied)); !s.ok()) return s;
  if (Status s = adopter_.CheckSource(small->id, from.get()); !s.ok()) return s;
  // Before the one fsync, so that it makes the metadata durable too (invariant 4).
  if (Status s = adopter_.GiveMetadata(small); !s.ok()) return s;
  // Many wait for their fsyncs at a time: the disk is not idle meanwhile.
  if (journal_.durable() && !small->synced) (void)os_.StartWriteback(small->to.get(), 0, static_cast<off_t>(file.size));
  return Status::Ok();
}

// A pointer has no source.
Status CopyJob::CheckLink(const FileEntry& file) {
  if (file.source.empty()) return Status::Ok();
  std::string target;
  if (int r = os_.ReadLink(AT_FDCWD, file.source.c_str(), &target); r < 0)
    return Status::Errno(-r, "readlink", file.source);
  if (target != file.link_target)
    return Status::Make(Code::kSourceChanged, "the symbolic link has changed since dispatch", file.source);
  return Status::Ok();
}

Status CopyJob::CopyLink(Arrived* small, ParentDirectory* parent) {
  const FileEntry& file = state_.files[small->id];
  const std::string& temporary = small->path = TemporaryPath(file.dest, state_.uuid);
  if (Status s = CheckLink(file); !s.ok()) return s;
  if (Status s = parent->Open(temporary); !s.ok()) return s;
  const std::string name(BaseOf(temporary));
  if (resuming_)
    if (int r = os_.Unlink(parent->fd(), name.c_str()); r < 0 && r != -ENOENT)
      return Status::Errno(-r, "unlink", temporary);
  const bool reach = ReachesLinks(os_, parent->fd()) || TryLink(os_, parent->fd(), name);
  if (int r = os_.Symlink(file.link_target.c_str(), parent->fd(), name.c_str()); r < 0) return NotLinked(r, temporary);
  if (Status s =
          ApplyLinkMetadata(os_, parent->fd(), name, temporary, file.meta, adopter_.keep(), reach, &small->given);
      !s.ok())
    return s;
  Seen seen;
  if (int r = os_.Look(parent->fd(), name.c_str(), &seen); r < 0) return Status::Errno(-r, "statx", temporary);
  if (Status s = ReadBack(seen.st, temporary, file.meta, adopter_.keep(), file.kind, &small->given); !s.ok()) return s;
  small->temporary = IdentityOf(seen);
  small->synced = small->whole != 0 && parent->Device() == small->whole;
  bytes_.fetch_add(file.size, std::memory_order_relaxed);
  return Status::Ok();
}

}  // namespace axl
