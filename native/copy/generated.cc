// What the transfer makes itself: text pointers, whose bytes the journal has from the dispatch on, and the manifest,
// whose bytes follow from what DONE says of the other files.
#include <algorithm>

#include "base/crc32c.h"
#include "base/names.h"
#include "copy/copy_job.h"
#include "manifest/text.h"
#include "os/metadata.h"

namespace axl {

namespace {

constexpr uint64_t kPiece = 256 << 10;           // what a cancel waits for
constexpr size_t kContent = kMaxRecord - 2 * 4;  // of one record

Status Unknown(const FileEntry& file) {
  return Status::Make(Code::kNotSupported, "nothing says what this generated file holds", file.dest);
}

}  // namespace

bool CopyJob::IsMadeLast(uint32_t id) const {
  const FileEntry& file = state_.files[id];
  return file.kind == FileKind::kGenerated && file.phase != Phase::kPointer;
}

Status CopyJob::WriteGenerated(Arrived* small, ParentDirectory* parent) {
  const FileEntry& file = state_.files[small->id];
  const std::string& temporary = small->path = TemporaryPath(file.dest, state_.uuid);
  const auto content = state_.contents.find(small->id);
  if (content == state_.contents.end()) return Unknown(file);
  if (Status s = OpenTemporary(small->id, temporary, nullptr, parent, &small->to); !s.ok()) return s;
  small->inherits = parent->HasDefaultAcl();
  small->synced = small->whole != 0 && parent->Device() == small->whole;
  const std::string& bytes = content->second;
  for (uint64_t at = 0; at < bytes.size(); at += kPiece) {
    if (stop_.load(std::memory_order_relaxed)) return Status::Make(Code::kCanceled, "canceled");
    const size_t n = std::min<size_t>(kPiece, bytes.size() - at);
    if (int r = WriteAll(os_, small->to.get(), bytes.data() + at, n, static_cast<off_t>(at)); r < 0)
      return Status::Errno(-r, "write", temporary);
  }
  small->crc = Crc32c(0, bytes.data(), bytes.size());
  bytes_.fetch_add(file.size, std::memory_order_relaxed);
  return adopter_.GiveMetadata(small);
}

// Nothing is left of the others. One that failed, or was not copied, is one that it cannot name: a resume makes it.
void CopyJob::MakeLast(uint32_t id) {
  Arrived file;
  file.id = id;
  ParentDirectory parent(os_);
  Status s = JournalManifest(id);
  if (s.ok()) s = WriteGenerated(&file, &parent);
  if (s.ok()) s = adopter_.MakeDurable(&file);
  if (s.ok())
    RecordDone({DoneOf(file, id)});
  else
    RecordFailed(id, s);
}

// kCanceled: it is not its turn, or the journal cannot be written.
Status CopyJob::JournalManifest(uint32_t id) {
  std::lock_guard lock(journal_mutex_);
  const auto is_done = [&](uint32_t other) { return IsMadeLast(other) || IsDone(other); };
  bool all = !stop_.load();
  for (uint32_t other = 0; all && other < state_.files.size(); other++) all = is_done(other);
  if (!all) return Status::Make(Code::kCanceled, "canceled");
  std::string text;
  if (Status s = ManifestOf(id, &text); !s.ok()) return s;
  return JournalContent(id, text);
}

// A killed run may have journalled some of it.
Status CopyJob::JournalContent(uint32_t id, const std::string& text) {
  const auto begun = state_.contents.find(id);
  size_t at = 0;
  if (begun != state_.contents.end()) at = begun->second.size();
  if (at > 0 && !text.starts_with(begun->second))
    return Status::Make(Code::kVerify,
                        "what a killed run has said of files in this manifest is no longer true of them: free the "
                        "transfer, and copy them anew",
                        state_.files[id].dest);
  // Durable before the next: behind a page that a power cut kept from the disk only progress may be lost.
  for (bool first = at == 0; first || at < text.size(); first = false) {
    const size_t n = std::min(kContent, text.size() - at);
    Status s = journal_.Sync();
    if (s.ok()) s = journal_.Append(ContentRecord{id, text.substr(at, n)});
    if (!s.ok()) {
      JournalFailed(s);
      return Status::Make(Code::kCanceled, "canceled");
    }
    at += n;
  }
  return Status::Ok();
}

// Regular files, under all their names. A pointer is not of the checkpoint: the next one moves it.
Status CopyJob::ManifestOf(uint32_t id, std::string* text) const {
  const std::string_view dir = ParentOf(state_.files[id].dest);
  std::vector<ManifestFile> files;
  for (uint32_t other = 0; other < state_.files.size(); other++) {
    const FileEntry& file = state_.files[other];
    if (file.kind == FileKind::kSymlink || file.kind == FileKind::kGenerated) continue;
    if (!IsWithin(file.dest, dir)) return Unknown(state_.files[id]);
    const size_t begin = dir.size() + (dir.ends_with('/') ? 0 : 1);
    files.push_back(
        {std::string_view(file.dest).substr(begin), state_.progress[other].crc, file.size, file.meta.mtime});
  }
  *text = ManifestText({state_.info.rank, state_.info.size, state_.info.dataset}, files);
  return Status::Ok();
}

}  // namespace axl
