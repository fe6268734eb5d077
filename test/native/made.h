// What a transfer makes without a source, as a tree of destinations shows it: a manifest and pointers, told from the
// files alone, without a line of what makes them.
#pragma once

#include <string>

#include "base/record.h"
#include "tree.h"

namespace axl::test {

inline constexpr const char* kManifest = ".axl-manifest.0";
inline constexpr const char* kLatest = "latest";
inline constexpr const char* kLatestText = "latest.txt";

// The manifest, a link to `target` and a file of this line, beside the files of `tree`, all of which are of the
// transfer but those that `others` has as they are.
void AddMade(Tree* tree, const Tree& others, const Uuid& dataset, const std::string& target);
// Without what nobody can tell beforehand: their times, and the order of the lines of the manifest.
void Settle(Tree* tree);

}  // namespace axl::test
