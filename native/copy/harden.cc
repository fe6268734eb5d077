// From copied to DONE: the fsync of each file, on threads that do nothing else, or one syncfs for a batch; then an
// append for all of it. docs/explanation/performance.md says when syncfs may be believed, and why.
#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <utility>

#include "base/engine.h"
#include "base/names.h"
#include "copy/copy_job.h"
#include "copy/copy_job_files.h"

namespace axl {

namespace {

// What others have written, a syncfs waits for as well: it pays only where that is little for each file.
constexpr uint64_t kOthersPerFile = 16 << 10;
constexpr uint64_t kPage = 4096;

std::atomic<uint64_t> unsynced{0};  // bytes that batches of this process have written, and no syncfs has made durable

}  // namespace

CopyJob::Batch::Batch(CopyJob& of, Whole fs) : owner(of.weak_from_this().lock()), job(of), whole(std::move(fs)) {
  std::lock_guard lock(job.mutex_);
  job.running_++;
}

CopyJob::Batch::~Batch() {
  whole.fd.Reset();  // before the job may end
  unsynced -= bytes;
  job.RecordDone(std::move(done));
  (void)job.End();
}

void CopyJob::Batch::Add(std::vector<Record> records) {
  std::lock_guard lock(mutex);
  std::move(records.begin(), records.end(), std::back_inserter(done));
}

void CopyJob::Harden(const std::shared_ptr<Batch>& batch, Arrived copied) {
  std::vector<uint32_t> refused;
  if (stop_.load(std::memory_order_relaxed)) return;
  if (Status s = MakeLinks(&copied, &refused); !s.ok()) return RecordFailed(copied.id, s);
  CopyRefused(refused, batch);
  const bool waits = engine_ != nullptr && journal_.durable() && copied.to.valid() && !copied.synced;
  if (!waits) return Complete(*batch, copied);
  const auto waiting = std::make_shared<Arrived>(std::move(copied));
  engine_->Fsync([this, batch, waiting] {
    Complete(*batch, *waiting);
    waiting->to.Reset();  // before the batch, which may be the end of the job
  });
}

void CopyJob::Complete(Batch& batch, Arrived& copied) {
  if (stop_.load(std::memory_order_relaxed)) return;  // an fsync each would make a cancel wait
  Status s = adopter_.CheckExpected(copied.id, copied.crc);
  if (s.ok()) s = copied.synced ? adopter_.Seal(&copied) : adopter_.MakeDurable(&copied);
  if (!s.ok()) return RecordFailed(copied.id, s);
  std::vector<DoneRecord> done{DoneOf(copied, copied.id)};
  for (uint32_t id : copied.names)
    if (const Status is = adopter_.CheckExpected(id, copied.crc); is.ok())
      done.push_back(DoneOf(copied, id));
    else
      RecordFailed(id, is);
  for (uint32_t id : copied.names) bytes_.fetch_add(state_.files[id].size, std::memory_order_relaxed);
  if (copied.synced) {
    const uint64_t written = (state_.files[copied.id].size + kPage - 1) / kPage * kPage;
    batch.bytes += written;
    unsynced += written;
    std::move(done.begin(), done.end(), std::back_inserter(batch.waiting));
  } else {
    batch.Add({done.begin(), done.end()});
  }
}

CopyJob::Whole CopyJob::OpenWhole(std::span<const uint32_t> ids) {
  const auto is_file = [&](uint32_t id) { return state_.files[id].kind == FileKind::kRegular; };
  const auto files = static_cast<size_t>(std::count_if(ids.begin(), ids.end(), is_file));
  if (!MaySync() || files < os_.SyncfsLeast()) return {};
  const std::string dir(ParentOf(state_.files[ids.front()].dest));
  Whole whole{Fd(os_, os_.OpenNoLinks(AT_FDCWD, dir.c_str(), O_RDONLY | O_DIRECTORY))};
  struct stat st;
  if (!whole.fd.valid() || os_.Fstat(whole.fd.get(), &st) < 0 || !os_.SyncfsTells(whole.fd.get())) {
    whole_ = false;
    return {};
  }
  whole.device = st.st_dev;
  const uint64_t own = unsynced, dirty = os_.DirtyBytes();
  if (dirty == UINT64_MAX || dirty - std::min(dirty, own) > kOthersPerFile * files) return {};
  return whole;
}

void CopyJob::Sync(const std::shared_ptr<Batch>& batch) {
  if (!batch->waiting.empty()) engine_->Fsync([this, batch] { SyncNow(*batch); });
}

// It tells of every write that was lost since the descriptor was opened, but not of which file: all have failed, for
// good. Another call would say yes (invariant 5).
void CopyJob::SyncNow(Batch& batch) {
  if (stop_.load(std::memory_order_relaxed)) return;
  const int r = os_.Syncfs(batch.whole.fd.get());
  if (r >= 0) return batch.Add({batch.waiting.begin(), batch.waiting.end()});
  for (const DoneRecord& file : batch.waiting)
    RecordFailed(file.file, Status::Errno(-r, "syncfs", TemporaryPathOf(state_, file.file)));
}

}  // namespace axl
