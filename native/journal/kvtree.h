// Reads the bytes of a KVTree file, as the C libraries AXL and SCR write it: a tree of keys. Knows no meaning of any
// key and makes no system call. See docs/reference/kvtree.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace axl {

inline constexpr uint8_t kKvTreeMagic[4] = {0x95, 0x1f, 0xc3, 0xf5};
inline constexpr size_t kMaxKvTree = 64u << 20;
inline constexpr size_t kMaxKvDepth = 16;

// Does a file that begins so say that it is KVTree's?
bool IsKvTree(const uint8_t* data, size_t n);

// The keys in the order of the file, each before those below it. Views into the bytes that were parsed.
class KvTree {
 public:
  using At = uint32_t;  // of a key; kTop: what is above all
  static constexpr At kTop = UINT32_MAX;

  // kStateCorrupt, with the offset and what is wrong, for anything but a whole file with a right CRC; kStateVersion for
  // another version of the format.
  static Status Parse(const uint8_t* data, size_t n, KvTree* out);

  std::string_view key(At at) const { return data_ + nodes_[at].key; }  // up to its NUL, which is there
  // Where in the file the key begins.
  size_t offset(At at) const { return at == kTop ? kHeader : nodes_[at].key; }
  At first(At of) const { return of == kTop ? 0 : of + 1; }
  // Behind all that is below it.
  At end(At of) const { return of == kTop ? static_cast<At>(nodes_.size()) : nodes_[of].end; }
  At next(At of) const { return nodes_[of].end; }
  size_t size() const { return nodes_.size(); }
  size_t memory() const { return nodes_.capacity() * sizeof(Node); }
  bool IsLeaf(At of) const { return nodes_[of].end == of + 1; }

  static constexpr size_t kHeader = 20;

 private:
  friend class KvParser;
  // Few bytes: in the file a key has five, if it is empty.
  struct Node {
    uint32_t key = 0;
    At end = 0;
  };
  const char* data_ = nullptr;
  std::vector<Node> nodes_;
};

// The CRC-32 of zlib (IEEE), with which such a file ends.
uint32_t Crc32(const uint8_t* data, size_t n);

}  // namespace axl
