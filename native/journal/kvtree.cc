// Anybody may have written these bytes: every count and length is checked against the bytes that are left before it is
// used, and nesting costs no stack.
#include "journal/kvtree.h"

#include <array>
#include <cstring>
#include <string>

namespace axl {

namespace {

constexpr size_t kSum = 4;           // bytes of the CRC at the end
constexpr size_t kSmallest = 1 + 4;  // of a key: its NUL, and the count of what is below it
constexpr uint16_t kType = 1, kVersion = 1;
constexpr uint32_t kHasSum = 1;

constexpr size_t kStep = 8;  // bytes of the CRC at a time

// What a byte does to the CRC that has so many behind it.
constexpr std::array<std::array<uint32_t, 256>, kStep> kTables = [] {
  std::array<std::array<uint32_t, 256>, kStep> tables{};
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; bit++) c = (c & 1) != 0 ? 0xedb88320 ^ (c >> 1) : c >> 1;
    tables[0][i] = c;
  }
  for (size_t k = 1; k < kStep; k++)
    for (uint32_t i = 0; i < 256; i++) tables[k][i] = tables[0][tables[k - 1][i] & 0xff] ^ (tables[k - 1][i] >> 8);
  return tables;
}();

template <class T>
T Big(const uint8_t* p) {
  T v = 0;
  for (size_t i = 0; i < sizeof v; i++) v = static_cast<T>(v << 8 | p[i]);
  return v;
}

Status BadTree(const std::string& what, size_t at) {
  return Status::Make(Code::kStateCorrupt, "a KVTree file: " + what + " at byte " + std::to_string(at));
}

Status CheckHeader(const uint8_t* data, size_t n) {
  if (!IsKvTree(data, n)) return BadTree(n == 0 ? "it is empty" : "its magic is missing", 0);
  if (n < KvTree::kHeader + kSum) return BadTree("it is cut short: it ends", n);
  if (Big<uint16_t>(data + 4) != kType || Big<uint16_t>(data + 6) != kVersion)
    return Status::Make(Code::kStateVersion,
                        "a KVTree file of another type or version (" + std::to_string(Big<uint16_t>(data + 4)) + ", " +
                            std::to_string(Big<uint16_t>(data + 6)) + "): this program reads 1, 1");
  const auto size = Big<uint64_t>(data + 8);
  if (size > n) return BadTree("it is cut short: " + std::to_string(size) + " bytes are expected, and it ends", n);
  if (size < n) return BadTree("more bytes follow than it says that it has,", size);
  if (n > kMaxKvTree) return BadTree("it is larger than this program reads (64 MiB)", kMaxKvTree);
  if (Big<uint32_t>(data + 16) != kHasSum) return BadTree("it has no CRC, or unknown flags,", 16);
  if (Crc32(data, n - kSum) != Big<uint32_t>(data + n - kSum)) return BadTree("its CRC is wrong", n - kSum);
  return Status::Ok();
}

}  // namespace

uint32_t Crc32(const uint8_t* data, size_t n) {
  uint32_t c = UINT32_MAX;
  size_t i = 0;
  for (; n - i >= kStep; i += kStep) {
    const auto at = [&](size_t k) { return kTables[kStep - 1 - k][data[i + k] ^ (k < 4 ? (c >> (8 * k)) & 0xff : 0)]; };
    c = at(0) ^ at(1) ^ at(2) ^ at(3) ^ at(4) ^ at(5) ^ at(6) ^ at(7);
  }
  for (; i < n; i++) c = kTables[0][(c ^ data[i]) & 0xff] ^ (c >> 8);
  return ~c;
}

bool IsKvTree(const uint8_t* data, size_t n) {
  return n >= sizeof kKvTreeMagic && std::memcmp(data, kKvTreeMagic, sizeof kKvTreeMagic) == 0;
}

class KvParser {
 public:
  KvParser(const uint8_t* data, size_t end, KvTree* out) : data_(data), end_(end), tree_(*out) {}

  Status Run() {
    // As many as there can be: a vector that grows would hold all of them twice for a while, and what is not filled
    // takes no memory.
    tree_.nodes_.reserve((end_ - at_) / kSmallest);
    if (Status s = Enter(KvTree::kTop); !s.ok()) return s;
    while (!open_.empty()) {
      if (open_.back().left == 0) {
        Leave();
        continue;
      }
      open_.back().left--;
      if (Status s = Key(); !s.ok()) return s;
    }
    return at_ == end_ ? Status::Ok() : BadTree("more bytes follow than its counts tell", at_);
  }

 private:
  struct Open {
    KvTree::At of;
    uint32_t left;  // keys that follow below it
  };

  Status Enter(KvTree::At of) {
    if (end_ - at_ < 4) return BadTree("a count is missing", at_);
    const auto count = Big<uint32_t>(data_ + at_);
    if (count > (end_ - at_ - 4) / kSmallest)
      return BadTree("a count of " + std::to_string(count) + ", for which no bytes are left,", at_);
    if (open_.size() > kMaxKvDepth) return BadTree("keys that are nested too deep", at_);
    at_ += 4;
    open_.push_back({of, count});
    return Status::Ok();
  }

  void Leave() {
    if (open_.back().of != KvTree::kTop) tree_.nodes_[open_.back().of].end = static_cast<uint32_t>(tree_.nodes_.size());
    open_.pop_back();
  }

  Status Key() {
    const auto* nul = static_cast<const uint8_t*>(std::memchr(data_ + at_, 0, end_ - at_));
    if (nul == nullptr) return BadTree("a key without an end", at_);
    const auto node = static_cast<KvTree::At>(tree_.nodes_.size());
    tree_.nodes_.push_back({static_cast<uint32_t>(at_), 0});
    at_ = static_cast<size_t>(nul - data_) + 1;
    return Enter(node);
  }

  const uint8_t* data_;
  const size_t end_;
  KvTree& tree_;
  size_t at_ = KvTree::kHeader;
  std::vector<Open> open_;
};

Status KvTree::Parse(const uint8_t* data, size_t n, KvTree* out) {
  if (Status s = CheckHeader(data, n); !s.ok()) return s;
  *out = {};
  out->data_ = reinterpret_cast<const char*>(data);
  return KvParser(data, n - kSum, out).Run();
}

}  // namespace axl
