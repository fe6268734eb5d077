// Somebody wants to be told now and then, however slow the files are. But at the end of a slice threads wait for the
// last one of them: so a slice is as many files as a second takes.
#include "manifest/verification.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <limits>
#include <span>
#include <unordered_set>
#include <utility>

#include "base/names.h"
#include "base/stop.h"

namespace axl {

namespace {

constexpr size_t kFiles = 1 << 17;  // bounds the memory of what is told
constexpr std::chrono::seconds kSlice{1};

void AddRow(const Part& part, const ManifestFile& file, FileVerdict verdict, Rows* rows) {
  rows->names.append(Join(part.directory, file.name)).push_back('\0');
  rows->sizes.push_back(file.size ? static_cast<double>(*file.size) : std::numeric_limits<double>::quiet_NaN());
  rows->crcs.push_back(file.crc);
  rows->verdicts.push_back(verdict);
}

bool IsWell(FileVerdict verdict) { return verdict == FileVerdict::kOk || verdict == FileVerdict::kUnchecked; }

// Of the files that have a verdict, which are the first.
void Tell(const std::vector<Part>& parts, Checked checked, bool all_rows, Slice* slice) {
  auto problem = checked.problems.begin();
  const auto tell = [&](const Part& part, const ManifestFile& file) {
    const FileVerdict verdict = checked.verdicts[slice->files];
    slice->counts[static_cast<size_t>(verdict)]++;
    slice->bytes += file.size.value_or(0);
    if (verdict == FileVerdict::kOk) slice->bytes_ok += file.size.value_or(0);
    if (problem != checked.problems.end() && problem->index == slice->files)
      slice->rows.problems.push_back({slice->rows.verdicts.size(), std::move((problem++)->why)});
    if (all_rows || !IsWell(verdict)) AddRow(part, file, verdict, &slice->rows);
    slice->files++;
  };
  for (const Part& part : parts)
    for (const ManifestFile& file :
         part.files.first(std::min(part.files.size(), checked.verdicts.size() - slice->files)))
      tell(part, file);
}

}  // namespace

std::vector<Summary> Verification::Read(const std::vector<std::string>& paths) {
  std::vector<Summary> summaries(paths.size());
  std::vector<Loaded> loaded(paths.size());
  engine_.ParallelFor(paths.size(), threads_, [&](size_t i) {
    Manifest& manifest = loaded[i].manifest;
    Summary& summary = summaries[i];
    loaded[i].directory = ParentOf(paths[i]);
    summary.failure = stop_ ? Canceled() : LoadManifest(os_, paths[i], &manifest);
    summary.head = manifest.head;
    summary.problems = std::move(manifest.problems);
    summary.files = manifest.files.size();
    for (const ManifestFile& file : manifest.files) summary.bytes += file.size.value_or(0);
  });
  std::move(loaded.begin(), loaded.end(), std::back_inserter(loaded_));
  return summaries;
}

std::vector<Part> Verification::PartsAhead() const {
  std::vector<Part> parts;
  size_t from = file_, files = 0;
  for (size_t i = manifest_; i < loaded_.size() && files < kFiles; i++, from = 0) {
    const std::span<const ManifestFile> left = std::span(loaded_[i].manifest.files).subspan(from);
    parts.push_back({loaded_[i].directory, left.first(std::min(left.size(), kFiles - files))});
    files += parts.back().files.size();
  }
  return parts;
}

void Verification::Pass(size_t files) {
  file_ += files;
  while (manifest_ < loaded_.size() && file_ >= loaded_[manifest_].manifest.files.size())
    file_ -= loaded_[manifest_++].manifest.files.size();
}

Slice Verification::Next(bool all_rows) {
  Slice slice;
  const std::vector<Part> parts = PartsAhead();
  if (parts.empty()) return slice;
  const Deadline until = std::chrono::steady_clock::now() + kSlice;
  Tell(parts, CheckFiles(os_, engine_, parts, threads_, stop_, until), all_rows, &slice);
  Pass(slice.files);
  return slice;
}

Listing Verification::ListOthers(const std::string& dir) const {
  Listing listing = ListBelow(os_, engine_, dir, stop_);
  std::unordered_set<std::string> named;
  for (const auto& [directory, manifest] : loaded_)
    if (IsWithin(directory, dir))
      for (const ManifestFile& file : manifest.files) named.insert(Join(directory, file.name));
  std::erase_if(listing.files, [&](const std::string& path) { return named.contains(path); });
  return listing;
}

}  // namespace axl
