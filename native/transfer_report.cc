// What a transfer tells of its files.
#include "copy/copy_job.h"
#include "transfer.h"

namespace axl {

void Transfer::EachPending(const std::function<void(uint32_t, const FileEntry&)>& f) const {
  const TransferState& s = journal_->state();
  for (uint32_t id = 0; id < s.files.size(); id++)
    if (s.progress[id].state == FileState::kPending && s.files[id].kind == FileKind::kRegular) f(id, s.files[id]);
}

// What was done goes beyond what the journal says of it: an owner given at last, a failure when it was full.
FileProgress Transfer::ProgressOf(uint32_t id) const {
  FileProgress p = journal_->state().progress[id];
  if (publisher_) {
    const auto& disk = publisher_->disk(id);
    p.published |= disk.published;
    p.lacking = disk.lacking;
  }
  const auto copies = job();
  if (!copies || p.state != FileState::kPending) return p;
  if (const auto found = copies->unrecorded().find(id); found != copies->unrecorded().end()) {
    p.state = FileState::kFailed;
    p.failure = found->second;
  }
  return p;
}

void Transfer::EachFile(const std::function<void(const FileEntry&, const FileProgress&)>& f) const {
  const TransferState& s = journal_->state();
  for (uint32_t id = 0; id < s.files.size(); id++) f(s.files[id], ProgressOf(id));
}

}  // namespace axl
