// Files beside their manifests: what is as it was published, what has changed, what is there that no manifest names.
// Reads only, follows no link, opens nothing but regular files.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/engine.h"
#include "base/status.h"
#include "manifest/text.h"
#include "os/os.h"

namespace axl {

// The manifest at `path`, which is absolute and without links. kIo, kUnsafePath: it could not be read; kNotSupported:
// it is no regular file, or has more than 1 GiB. What is wrong with its lines is among its problems.
Status LoadManifest(Os& os, const std::string& path, Manifest* out);

struct Expected {
  std::string path;  // absolute
  uint32_t crc = 0;
  std::optional<uint64_t> size = {};
};

// By number; lib/base/native-manifest.ts has the words. kUnchecked: it was to stop before.
enum class FileVerdict : uint8_t { kOk = 0, kChanged = 1, kMissing = 2, kUnreadable = 3, kUnchecked = 4 };

struct Checked {
  FileVerdict verdict = FileVerdict::kUnchecked;
  Status why = {};  // of all but kOk
};

// In the order of the files. Each of `threads` threads has a file of its own; when none is left they share the large
// ones by pieces. Memory depends on the number of files alone. Once `stop` is true, or the engine stops, the rest is
// kUnchecked.
std::vector<Checked> CheckFiles(Os& os, Engine& engine, const std::vector<Expected>& files, unsigned threads,
                                const std::atomic<bool>& stop);

struct Listing {
  std::vector<std::string> files;  // absolute
  std::vector<Status> unreadable;
};

// All that is below `dir` but directories and symbolic links. Snapshots are not entered.
Listing ListBelow(Os& os, const Engine& engine, const std::string& dir, const std::atomic<bool>& stop);

}  // namespace axl
