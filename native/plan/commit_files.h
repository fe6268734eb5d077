// Which files a reader takes for the word that the others are there, by their names; the one place that lists them.
// No system call.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/record.h"

namespace axl {

// When the files of an add get their final names. kDefault: as their names say.
enum class PublishAs : uint8_t { kDefault = 0, kLast = 1, kAsAdded = 2 };

class CommitFiles {
 public:
  CommitFiles();

  // Instead of the default list: patterns as of fnmatch(3), of names without their directories.
  void Replace(const std::vector<std::string>& patterns);

  // Of the file that gets the final path `dest`.
  Phase PhaseOf(const std::string& dest, PublishAs as) const;
  // Is it what PyTorch's DCP renames to a commit file once it is whole?
  bool IsDraft(const std::string& path) const;

  // Notes that there is a file of this final path; then, which of the patterns that the caller gave no file has.
  void Meet(const std::string& dest);
  std::vector<std::string> Unmatched() const;

 private:
  struct Pattern {
    std::string text;
    bool plain = false;  // without a wildcard: most files are told apart by a comparison
    bool met = false;
  };
  static bool Matches(const Pattern& pattern, const char* name);
  bool IsCommit(const char* name) const;

  std::vector<Pattern> patterns_;
  bool own_ = false;  // the caller gave them
};

}  // namespace axl
