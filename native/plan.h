// What a transfer will copy, before dispatch: AXL's rules for adding, the walk through directories, conflicts.
// Nothing here makes or changes a file.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "os.h"
#include "record.h"
#include "status.h"

namespace axl {

enum class Links : uint8_t { kDefault = 0, kFollow = 1, kCopy = 2, kSkip = 3 };

struct PlanOptions {
  // kDefault: follow a named source, copy a link inside a tree.
  Links links = Links::kDefault;
};

struct PlanCounts {
  uint64_t files = 0;
  uint64_t dirs = 0;
  uint64_t bytes = 0;
  friend bool operator==(const PlanCounts&, const PlanCounts&) = default;
};

class Plan {
 public:
  explicit Plan(Os& os) : os_(os) {}

  // Adds one source. A file goes to `dest`, or into it if it is a directory (on disk or in this plan); a directory
  // becomes `dest`, or goes into it under its own name; a directory onto a file is an error. Both are absolute paths
  // (callers resolve relative ones when add is called); missing parents of dest are planned as directories.
  // On failure the plan is what it was before the call.
  // Errors: kIo (stat, opendir ...), kNotSupported (FIFO, socket, device, dangling link), kConflict (two sources to one
  // destination, source is destination, destination inside the source, file where a directory is needed), kUnsafePath.
  Status Add(const std::string& source, const std::string& dest, PlanOptions options);

  // Adds one source under exactly this final path, as a glob match: a directory becomes an (empty) directory there,
  // an existing directory is merged into. Links inside a match follow options.links (kDefault: copy).
  Status AddAs(const std::string& source, const std::string& dest, PlanOptions options);

  // Reads size, mode, owner, times, inode and xattrs of every source, again at dispatch: this is what the journal says.
  // Errors: kIo with the source's path if one vanished; kSourceChanged if one changed its kind.
  Status Describe();

  // The plan's entries in the order they were added, directories with parents first. Empties the plan.
  void Take(std::vector<FileEntry>* files, std::vector<DirEntry>* dirs);

  PlanCounts counts() const { return counts_; }

 private:
  enum class Name : uint8_t { kFile, kDir, kExistingDir };
  struct Mark;  // to undo a failed add

  Status AddFile(const std::string& source, const std::string& dest, FileKind kind, const struct stat& st);
  Status AddDirectory(const std::string& source, const std::string& dest);
  Status AddParents(const std::string& dest);
  Status AddTree(const std::string& source, const std::string& dest, PlanOptions options);
  Status Claim(const std::string& dest, Name name, bool* is_new);
  Status Canonical(const std::string& dest, std::string* out);

  Os& os_;
  std::vector<FileEntry> files_;
  std::vector<DirEntry> dirs_;
  std::vector<std::string> dir_sources_;          // parallel to dirs_; empty for parents
  std::unordered_map<std::string, Name> names_;   // every final path, and every directory above one
  PlanCounts counts_;
};

}  // namespace axl
