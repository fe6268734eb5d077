// Part of Transfer: from what was added, and what manifests say of it, to the records of a dispatch.
#include <ctime>

#include "base/names.h"
#include "dataset/rank.h"
#include "manifest/check.h"
#include "os/metadata.h"
#include "transfer.h"

namespace axl {

namespace {

constexpr size_t kRecordsPerAppend = 1000;  // bounds the memory of a dispatch, not its speed

Time Now() {
  struct timespec now {};
  (void)clock_gettime(CLOCK_REALTIME, &now);
  return TimeOf(now);
}

}  // namespace

// What options.manifests say, all of it or nothing: what is cut short cannot be expected.
Status Transfer::LoadExpected(Os& os, PlanOptions* options, ExpectedSources* expected) {
  for (const std::string& path : options->manifests) {
    Manifest manifest;
    if (Status s = LoadManifest(os, path, &manifest); !s.ok()) return s;
    if (!manifest.problems.empty()) return std::move(manifest.problems.front());
    for (const ManifestFile& file : manifest.files) {
      const ExpectedSource said{file.crc, file.size};
      const auto [at, is_new] = expected->try_emplace(Join(ParentOf(path), file.name), said);
      if (!is_new && at->second.crc != file.crc)
        return Status::Make(Code::kConflict, "another manifest says another CRC-32C of " + std::string(file.name),
                            path);
    }
  }
  if (!options->manifests.empty()) options->expected = expected;
  return Status::Ok();
}

Status Transfer::Point(const std::string& path, std::string target, bool text) {
  if (state() != State::kCreated) return Status::Make(Code::kInvalidState, "point after dispatch", journal_->path());
  if (journal_->state().info.rank != 0)
    return Status::Make(Code::kConflict, "only rank 0 of a dataset may have a pointer, for there is one for all ranks",
                        path);
  return plan_.AddPointer(path, std::move(target), text);
}

Status Transfer::Retire(const std::vector<std::string>& paths) {
  const TransferInfo& info = journal_->state().info;
  if (state() != State::kCreated) return Status::Make(Code::kInvalidState, "retire after dispatch", journal_->path());
  if (info.durability != Durability::kFull)
    return Status::Make(Code::kNotSupported,
                        "nothing older is deleted for a transfer that may be lost in a power cut: give it durability "
                        "full",
                        journal_->path());
  if (info.size > 1 && !info.all_ranks)
    return Status::Make(Code::kNotSupported,
                        "it is one of several ranks, each of which is published for itself: create it with comm or "
                        "allRanks, so that nothing older is deleted before all of them are published",
                        journal_->path());
  return plan_.AddRetired(paths, {journal_->path(), HomeOf(info, journal_->path())});
}

// The manifest is there as long as the dispatch goes on: before another one more may be added.
Status Transfer::DescribePlan() {
  Status s;
  const size_t added = plan_.file_count();
  if (manifest_) s = plan_.AddManifest(*manifest_, ManifestName(journal_->state().info.rank));
  lacks_manifest_ = manifest_ && plan_.file_count() == added;
  if (s.ok()) s = plan_.CheckRetired();
  if (s.ok()) s = plan_.Describe(&engine_);
  if (!s.ok()) plan_.DropManifest();
  return s;
}

// FILE, EXPECT, CONTENT, DIR, ANCHOR, SEALED and RETIRE. What could not be written is left in *batch.
Status Transfer::JournalPlan(std::vector<Record>* batch) {
  SealedRecord sealed;
  sealed.files = static_cast<uint32_t>(plan_.file_count());
  sealed.dirs = static_cast<uint32_t>(plan_.dir_count());
  if (plan_.file_count() + plan_.dir_count() > kMaxFiles)
    return Status::Make(Code::kNotSupported, "a transfer can have 4,000,000 files and directories: split it",
                        journal_->path());
  std::vector<Anchor> anchors = plan_.Anchors();
  // Takes one after the other until there is none, and appends them in batches.
  const auto append = [&](auto take) {
    Status s;
    for (uint32_t id = 0; s.ok() && take(id); id++)
      if (batch->size() == kRecordsPerAppend) s = AppendAll(batch);
    return s.ok() ? AppendAll(batch) : s;
  };
  Status s = append([&](uint32_t id) {
    FileRecord r{id, {}};
    if (!plan_.Take(&r.file)) return false;
    sealed.bytes += r.file.size;
    batch->push_back(std::move(r));
    return true;
  });
  if (s.ok()) s = JournalExpected(batch);
  if (s.ok())
    s = append([&](uint32_t id) {
      DirRecord r{id, {}};
      if (!plan_.Take(&r.dir)) return false;
      batch->push_back(std::move(r));
      return true;
    });
  if (!s.ok()) return s;
  for (Anchor& anchor : anchors) batch->push_back(AnchorRecord{sealed.anchors++, std::move(anchor)});
  sealed.dispatched = Now();
  batch->push_back(sealed);
  uint32_t retired = 0;
  for (axl::Retire& retire : plan_.retired()) batch->push_back(RetireRecord{retired++, std::move(retire)});
  return AppendAll(batch);
}

// What is known of single files beforehand.
Status Transfer::JournalExpected(std::vector<Record>* batch) {
  for (const auto& [id, bytes] : plan_.contents()) batch->push_back(ContentRecord{id, bytes});
  for (const auto& [id, crc] : plan_.expected()) {
    batch->push_back(ExpectRecord{id, crc});
    if (batch->size() < kRecordsPerAppend) continue;
    if (Status s = AppendAll(batch); !s.ok()) return s;
  }
  return AppendAll(batch);
}

}  // namespace axl
