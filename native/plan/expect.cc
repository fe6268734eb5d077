// Part of Plan: what was added against what manifests say. A restore of a checkpoint that lacks a file, or has another
// one, ends before a byte is copied.
#include "base/names.h"
#include "plan/plan.h"

namespace axl {

// Of the files from `first` on. `all`: and every file that a manifest names below a directory of the pairs is one of
// them.
Status Plan::Expect(const Pairs& pairs, size_t first, bool all, const ExpectedSources& expected) {
  std::set<std::string_view> seen;
  for (size_t id = first; id < files_.size(); id++)
    if (Status s = ExpectFile(id, expected, &seen); !s.ok()) return s;
  for (size_t i = 0; all && i + 1 < pairs.size(); i += 2)
    if (Status s = ExpectAll(std::string(pairs[i]), expected, seen); !s.ok()) return s;
  return Status::Ok();
}

Status Plan::ExpectFile(size_t id, const ExpectedSources& expected, std::set<std::string_view>* seen) {
  const FileEntry& file = files_[id];
  if (file.kind == FileKind::kSymlink || IsManifestName(BaseOf(file.source))) return Status::Ok();
  const auto found = expected.find(file.source);
  if (found == expected.end())
    return Status::Make(Code::kVerify, "no manifest names this source: add it without expect, or find its manifest",
                        file.source);
  const auto& [crc, size] = found->second;
  if (size && *size != file.size)
    return Status::Make(Code::kVerify,
                        "it has " + std::to_string(file.size) + " bytes, and its manifest says " +
                            std::to_string(*size) + ": take another copy of it",
                        file.source);
  expected_[static_cast<uint32_t>(id)] = crc;
  seen->insert(found->first);
  return Status::Ok();
}

Status Plan::ExpectAll(const std::string& given, const ExpectedSources& expected,
                       const std::set<std::string_view>& seen) {
  std::string dir;
  if (int r = os_.RealPath(given.c_str(), &dir); r < 0) return Status::Errno(-r, "realpath", given);
  const std::string below = Join(dir, "");
  for (auto at = expected.lower_bound(below); at != expected.end() && at->first.starts_with(below); ++at)
    if (!seen.contains(at->first))
      return Status::Make(Code::kVerify, "a manifest names this file, and it is not among the sources", at->first);
  return Status::Ok();
}

}  // namespace axl
