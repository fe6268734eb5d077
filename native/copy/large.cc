// Large files, chunk by chunk, on as many threads as come. What a killed run wrote is kept only if it sums up right.
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/crc32c.h"
#include "base/names.h"
#include "base/stop.h"
#include "copy/copier.h"
#include "copy/copy_job.h"
#include "copy/copy_job_files.h"
#include "os/sum.h"

namespace axl {

void CopyJob::CopyChunk(Large& large, uint32_t chunk) {
  Status s;
  {
    std::lock_guard lock(large.mutex);
    if (!large.opened && large.status.ok()) large.status = OpenLarge(large);
    s = large.status;
  }
  if (s.ok()) s = DoChunk(large, chunk);
  if (!s.ok()) RecordFailed(large.id, s);
  bool last;
  {
    std::lock_guard lock(large.mutex);
    if (large.status.ok()) large.status = s;
    last = --large.left == 0;
  }
  if (last) FinishLarge(large);
}

Status CopyJob::OpenLarge(Large& large) {
  const FileEntry& file = state_.files[large.id];
  ParentDirectory parent(os_);
  struct stat st;
  if (Status s = adopter_.OpenSource(large.id, &large.from, &st); !s.ok()) return s;
  if (Status s = resuming_ ? RemoveLinks(large.id) : Status::Ok(); !s.ok()) return s;
  Left left;
  const std::string temporary = TemporaryPath(file.dest, state_.uuid);
  if (Status s = OpenTemporary(large.id, temporary, resuming_ ? &left : nullptr, &parent, &large.to); !s.ok()) return s;
  large.old = std::move(left.old);
  large.inherits = parent.HasDefaultAcl();
  large.sparse = static_cast<uint64_t>(st.st_blocks) * 512 < file.size;
  if (int r = os_.Truncate(large.to.get(), static_cast<off_t>(file.size)); r < 0)
    return Status::Errno(-r, "ftruncate", temporary);
  large.has_kept.resize(large.crcs.size());
  large.kept.resize(large.crcs.size());
  std::lock_guard lock(journal_mutex_);
  for (const ChunkSum& c : state_.progress[large.id].chunks) {
    if (!left.kept || c.index >= large.crcs.size()) continue;
    large.has_kept[c.index] = true;
    large.kept[c.index] = c.crc;
  }
  large.opened = true;
  return Status::Ok();
}

// What is read is what is summed: the old file may still change.
Status CopyJob::CopyOld(Large& large, uint64_t offset, uint64_t length, uint32_t* crc) {
  const std::string temporary = TemporaryPathOf(state_, large.id);
  CopyRange range{large.old.get(), large.to.get(), &temporary, &temporary, offset, length, throttle_.get()};
  range.sparse = large.sparse;
  std::atomic<uint64_t> uncounted{0};
  Status s = CopyBytes(os_, range, stop_, &uncounted, crc);
  if (s.ok() && journal_.durable())
    (void)os_.StartWriteback(large.to.get(), static_cast<off_t>(offset), static_cast<off_t>(length));
  return s;
}

bool CopyJob::KeptChunk(Large& large, uint32_t chunk, uint64_t offset, uint64_t length) {
  if (!large.has_kept[chunk]) return false;
  uint32_t crc;
  const Status s = large.old.valid()
                       ? CopyOld(large, offset, length, &crc)
                       : SumBytes(os_, large.to.get(), state_.files[large.id].dest, offset, length, stop_, &crc);
  if (!s.ok()) return false;
  if (crc != large.kept[chunk]) return false;
  large.crcs[chunk] = crc;
  bytes_.fetch_add(length, std::memory_order_relaxed);
  return true;
}

// Holes of the source are left out only where the temporary file has nothing yet: a killed run may have written there.
bool CopyJob::IsHole(Large& large, uint64_t offset, uint64_t length) {
  const off_t data = os_.Seek(large.to.get(), static_cast<off_t>(offset), SEEK_DATA);
  return data == -ENXIO || data >= static_cast<off_t>(offset + length);
}

Status CopyJob::DoChunk(Large& large, uint32_t chunk) {
  const FileEntry& file = state_.files[large.id];
  const uint64_t offset = static_cast<uint64_t>(chunk) * chunk_size_;
  const uint64_t length = std::min<uint64_t>(chunk_size_, file.size - offset);
  if (KeptChunk(large, chunk, offset, length)) return Status::Ok();
  const std::string temporary = TemporaryPath(file.dest, state_.uuid);
  CopyRange range{large.from.get(), large.to.get(), &file.source, &temporary, offset, length, throttle_.get()};
  range.sparse = large.sparse && IsHole(large, offset, length);
  if (Status s = CopyBytes(os_, range, stop_, &bytes_, &large.crcs[chunk]); !s.ok())
    return adopter_.CheckEnd(large.id, large.from.get(), std::move(s));
  // Early, so that the fsync at the end is short, and a cancel never waits long for one.
  if (journal_.durable())
    (void)os_.StartWriteback(large.to.get(), static_cast<off_t>(offset), static_cast<off_t>(length));
  std::lock_guard lock(journal_mutex_);
  const Status s = journal_.Append(ChunkRecord{large.id, {chunk, large.crcs[chunk]}});
  if (!s.ok()) {
    JournalFailed(s);
    return Canceled();
  }
  return Status::Ok();
}

// No chunk is in flight any more, so `large` is ours alone.
void CopyJob::FinishLarge(Large& large) {
  if (!large.status.ok() || stop_.load()) return;
  const FileEntry& file = state_.files[large.id];
  Arrived whole;
  whole.id = large.id;
  whole.path = TemporaryPath(file.dest, state_.uuid);
  whole.inherits = large.inherits;
  for (size_t i = 0; i < large.crcs.size(); i++) {
    const uint64_t offset = i * static_cast<uint64_t>(chunk_size_);
    whole.crc = Crc32cCombine(whole.crc, large.crcs[i], std::min<uint64_t>(chunk_size_, file.size - offset));
  }
  Status s = adopter_.CheckSource(large.id, large.from.get());
  if (s.ok()) s = adopter_.CheckEnd(large.id, large.from.get(), Status::Ok());
  whole.to = std::move(large.to);
  if (s.ok()) s = adopter_.GiveMetadata(&whole);
  if (!s.ok()) return RecordFailed(large.id, s);
  Harden(std::make_shared<Batch>(*this, Whole{}), std::move(whole));
}

}  // namespace axl
