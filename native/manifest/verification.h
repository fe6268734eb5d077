// All that is verified together: manifests, in their order, and the files that they name, a slice at a time, so that
// somebody can be told in between. One call at a time, from any thread; Stop at any moment.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/engine.h"
#include "manifest/check.h"

namespace axl {

// What was read of one manifest.
struct Summary {
  Status failure = {};  // why nothing was
  ManifestHead head = {};
  std::vector<Status> problems = {};
  uint64_t files = 0;
  uint64_t bytes = 0;  // of the files whose size it says
};

// Files, by columns.
struct Rows {
  std::string names = {};          // absolute paths, each ended by a NUL
  std::vector<double> sizes = {};  // NaN: the manifest does not say it
  std::vector<uint32_t> crcs = {};
  std::vector<FileVerdict> verdicts = {};
  std::vector<Problem> problems = {};  // by row
};

struct Slice {
  uint64_t files = 0;  // 0: there was none left
  uint64_t bytes = 0;  // of those whose size the manifests say
  uint64_t bytes_ok = 0;
  std::array<uint64_t, 5> counts{};  // by FileVerdict
  Rows rows = {};
};

class Verification {
 public:
  Verification(Os& os, Engine& engine, unsigned threads) : os_(os), engine_(engine), threads_(threads) {}

  // Adds the manifests at these paths, which are absolute and without links. Several are read at a time.
  std::vector<Summary> Read(const std::vector<std::string>& paths);
  // Checks the next files: those that are begun within a second. Its rows are all of them, or those that are neither
  // kOk nor kUnchecked.
  Slice Next(bool all_rows);
  // What is below a directory and named by none of the manifests.
  Listing ListOthers(const std::string& dir) const;
  // The calls end soon: what was not read is kUnchecked, or not listed.
  void Stop() { stop_ = true; }

 private:
  struct Loaded {
    std::string directory;
    Manifest manifest;
  };

  std::vector<Part> PartsAhead() const;
  void Pass(size_t files);

  Os& os_;
  Engine& engine_;
  const unsigned threads_;
  std::atomic<bool> stop_{false};
  std::vector<Loaded> loaded_;
  size_t manifest_ = 0, file_ = 0;  // the next file
};

}  // namespace axl
