// The list, and fnmatch(3); see commit_files.h.
#include "plan/commit_files.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>

#include "base/names.h"

namespace axl {

namespace {

// PyTorch DCP; Orbax; indexes as of safetensors; SCR.
constexpr std::array kCommitFiles = {
    ".metadata",    "__*.metadata", "commit_success.txt", "_CHECKPOINT_METADATA",
    "*.index.json", "summary.scr",  "index.scr",
};
constexpr std::array kDrafts = {".metadata.tmp", "__*.metadata.tmp"};
constexpr std::string_view kDraft = ".tmp";

bool IsPlain(const std::string& pattern) { return pattern.find_first_of("*?[\\") == std::string::npos; }

// It ends where the path does.
const char* NameOf(const std::string& path) { return BaseOf(path).data(); }

}  // namespace

CommitFiles::CommitFiles() {
  for (const char* text : kCommitFiles) patterns_.push_back({text, IsPlain(text)});
}

void CommitFiles::Replace(const std::vector<std::string>& patterns) {
  patterns_.clear();
  for (const std::string& text : patterns) patterns_.push_back({text, IsPlain(text)});
  own_ = true;
}

bool CommitFiles::Matches(const Pattern& pattern, const char* name) {
  return pattern.plain ? pattern.text == name : fnmatch(pattern.text.c_str(), name, 0) == 0;
}

bool CommitFiles::IsCommit(const char* name) const {
  return std::any_of(patterns_.begin(), patterns_.end(), [&](const Pattern& p) { return Matches(p, name); });
}

Phase CommitFiles::PhaseOf(const std::string& dest, PublishAs as) const {
  if (as == PublishAs::kDefault) return IsCommit(NameOf(dest)) ? Phase::kCommit : Phase::kData;
  return as == PublishAs::kLast ? Phase::kCommit : Phase::kData;
}

bool CommitFiles::IsDraft(const std::string& path) const {
  if (!path.ends_with(kDraft)) return false;
  const std::string name(NameOf(path));
  const auto is = [&](const char* pattern) { return fnmatch(pattern, name.c_str(), 0) == 0; };
  return std::any_of(kDrafts.begin(), kDrafts.end(), is) &&
         IsCommit(name.substr(0, name.size() - kDraft.size()).c_str());
}

void CommitFiles::Meet(const std::string& dest) {
  if (!own_) return;
  for (Pattern& p : patterns_) p.met |= Matches(p, NameOf(dest));
}

std::vector<std::string> CommitFiles::Unmatched() const {
  std::vector<std::string> out;
  for (const Pattern& p : patterns_)
    if (own_ && !p.met) out.push_back(p.text);
  return out;
}

}  // namespace axl
