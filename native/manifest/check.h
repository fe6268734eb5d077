// Files beside their manifests: what is as it was published, what has changed, what is there that no manifest names.
// Reads only, follows no link, opens nothing but regular files.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/engine.h"
#include "base/status.h"
#include "manifest/text.h"
#include "os/os.h"

namespace axl {

// The manifest at `path`, which is absolute and without links. kIo, kUnsafePath: it could not be read; kNotSupported:
// it is no regular file, or has more than 1 GiB. What is wrong with its lines is among its problems.
Status LoadManifest(Os& os, const std::string& path, Manifest* out);

// Files of a manifest.
struct Part {
  std::string_view directory;  // of the manifest: absolute
  std::span<const ManifestFile> files;
};

// By number; lib/base/native-manifest.ts has the words. kUnchecked: it was to stop before.
enum class FileVerdict : uint8_t { kOk = 0, kChanged = 1, kMissing = 2, kUnreadable = 3, kUnchecked = 4 };

struct Problem {
  size_t index = 0;  // of the file
  Status why = {};
};

struct Checked {
  std::vector<FileVerdict> verdicts;  // in the order of the files: of all that were begun
  std::vector<Problem> problems;      // of those that are neither kOk nor kUnchecked, in their order
};

using Deadline = std::chrono::steady_clock::time_point;

// Each of `threads` threads has files of its own; when none is left they share the large ones by pieces. Memory depends
// on the number of files alone. Once `stop` is true, or the engine stops, the rest is kUnchecked. After `until` no more
// files are begun, but for the first.
Checked CheckFiles(Os& os, Engine& engine, const std::vector<Part>& parts, unsigned threads,
                   const std::atomic<bool>& stop, Deadline until = Deadline::max());

struct Listing {
  std::vector<std::string> files;  // absolute
  std::vector<Status> unreadable;
};

// All that is below `dir` but directories and symbolic links. Snapshots are not entered.
Listing ListBelow(Os& os, const Engine& engine, const std::string& dir, const std::atomic<bool>& stop);

}  // namespace axl
