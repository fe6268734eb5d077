// From copied to DONE: the fsync of each file, on threads that do nothing else; an append for those of a batch.
#include <utility>

#include "base/engine.h"
#include "copy/copy_job.h"
#include "copy/copy_job_files.h"

namespace axl {

CopyJob::Batch::Batch(CopyJob& of) : owner(of.weak_from_this().lock()), job(of) {
  std::lock_guard lock(job.mutex_);
  job.running_++;
}

CopyJob::Batch::~Batch() {
  job.RecordDone(std::move(done));
  (void)job.End();
}

void CopyJob::Batch::Add(Record record) {
  std::lock_guard lock(mutex);
  done.push_back(std::move(record));
}

void CopyJob::Harden(const std::shared_ptr<Batch>& batch, Arrived copied) {
  if (engine_ == nullptr || !journal_.durable() || !copied.to.valid()) return Complete(*batch, copied);
  const auto waiting = std::make_shared<Arrived>(std::move(copied));
  engine_->Fsync([this, batch, waiting] {
    Complete(*batch, *waiting);
    waiting->to.Reset();  // before the batch, which may be the end of the job
  });
}

void CopyJob::Complete(Batch& batch, Arrived& copied) {
  if (stop_.load(std::memory_order_relaxed)) return;  // an fsync each would make a cancel wait
  std::vector<uint32_t> linked, refused;
  Status s = MakeLinks(copied, &linked, &refused);
  if (s.ok()) s = adopter_.MakeDurable(&copied);
  if (!s.ok()) return RecordFailed(copied.id, s);
  batch.Add(DoneOf(copied, copied.id));
  for (uint32_t id : linked) batch.Add(DoneOf(copied, id));
  for (uint32_t id : linked) bytes_.fetch_add(state_.files[id].size, std::memory_order_relaxed);
  CopyRefused(refused, &batch);
}

}  // namespace axl
