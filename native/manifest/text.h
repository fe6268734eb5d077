// A manifest: names of files and their CRC-32C, as text that `rhash -c` checks, too. docs/reference/manifest.md is the
// grammar. Pure functions of bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/record.h"
#include "base/status.h"

namespace axl {

// Names in a few blocks of memory. Each stays where it is as long as they live, also when they are moved.
class NameBlocks {
 public:
  std::string_view Keep(std::string_view name);

 private:
  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t block_ = 0, used_ = 0;  // bytes of the last block
};

struct ManifestFile {
  std::string_view name;  // relative to the directory of the manifest; the manifest owns it
  uint32_t crc = 0;
  std::optional<uint64_t> size = {};
  std::optional<Time> mtime = {};
  friend bool operator==(const ManifestFile&, const ManifestFile&) = default;
};

struct ManifestHead {
  uint32_t rank = 0;
  uint32_t ranks = 0;  // 0: not known
  Uuid dataset{};      // zero: not known
  friend bool operator==(const ManifestHead&, const ManifestHead&) = default;
};

struct Manifest {
  ManifestHead head;
  NameBlocks names;  // of the files
  std::vector<ManifestFile> files;
  std::vector<Status> problems;  // lines that are bad, or missing: what the others say counts all the same
};

// `.axl-manifest.<rank>`.
std::string ManifestName(uint32_t rank);

// The bytes of a manifest. A transfer publishes them as a file that it generates (kind 4, CONTENT), in its commit
// phase: when the last file of its data phase is DONE, all sizes and sums are known. REQUIRES: files with size and
// mtime, whose names are different and have no empty, "." or ".." component, and no NUL.
std::string ManifestText(const ManifestHead& head, const std::vector<ManifestFile>& files);

// What a manifest says, as far as it can be believed. `path` is for sentences. `next` gives piece after piece of its
// text, and an empty one at its end: memory depends on the files that it names alone.
Manifest ReadManifest(const std::function<std::string_view()>& next, const std::string& path);
Manifest ReadManifest(std::string_view text, const std::string& path);

}  // namespace axl
