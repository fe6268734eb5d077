// What a directory holds, as a value: every name with all that a transfer promises to carry. Two trees are compared
// with ==; Difference says where they differ.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/record.h"

namespace axl::test {

struct Node {
  uint32_t kind = 0;  // S_IFREG, S_IFDIR, S_IFLNK ...
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  Time mtime;
  std::string content;  // of a regular file; the target of a link
  std::map<std::string, std::string> xattrs;
  friend bool operator==(const Node&, const Node&) = default;
};

using Tree = std::map<std::string, Node>;  // by path below the root

// Where a descriptor leads, and a path that is relative to one.
std::string PathOf(int fd);
std::string PathAt(int dir, const char* path);
Node NodeAt(const std::string& path);
Tree TreeAt(const std::string& root);
// With all below it, also what a read-only directory holds. Nothing if it is not there.
void RemoveTree(const std::string& root);
std::string Difference(const Node& a, const Node& b);
// The first name that is not the same in both, and how it differs; empty if they are equal.
std::string Difference(const Tree& a, const Tree& b);

// Are all of these there, files as they are to be?
bool HasAll(const Tree& tree, const Tree& wanted);

}  // namespace axl::test
