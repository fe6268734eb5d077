// Fuzzes the reader of AXL's state files. Each input is read as it is, and once more with the size and the CRC that it
// should have: without that a fuzzer would stop at the checksum. What is read has to be safe to act on.
#include <set>
#include <string>

#include "base/names.h"
#include "check.h"
#include "journal/axl_file.h"
#include "journal/kvtree.h"

namespace axl::fuzz {
namespace {

void PutBig(std::string* bytes, size_t at, uint64_t n, int width) {
  for (int i = 0; i < width; i++) (*bytes)[at + i] = static_cast<char>(n >> (8 * (width - 1 - i)));
}

std::string Framed(std::string bytes) {
  constexpr size_t kSum = 4;
  bytes.resize(std::max(bytes.size(), KvTree::kHeader + 2 * kSum));
  for (size_t i = 0; i < sizeof kKvTreeMagic; i++) bytes[i] = static_cast<char>(kKvTreeMagic[i]);
  PutBig(&bytes, 4, 0x00010001, 4);
  PutBig(&bytes, 8, bytes.size(), 8);
  PutBig(&bytes, 16, 1, 4);
  const size_t sum = bytes.size() - kSum;
  PutBig(&bytes, sum, Crc32(reinterpret_cast<const uint8_t*>(bytes.data()), sum), 4);
  return bytes;
}

// Each key is within the bytes, and what is below it within what is below the key above.
void CheckTree(const KvTree& tree, KvTree::At of, const std::string& bytes, size_t depth) {
  PROPERTY(depth <= kMaxKvDepth);
  for (KvTree::At at = tree.first(of); at < tree.end(of); at = tree.next(at)) {
    PROPERTY(tree.next(at) > at && tree.next(at) <= tree.end(of));
    PROPERTY(tree.offset(at) + tree.key(at).size() < bytes.size());
    PROPERTY(tree.key(at).find('\0') == std::string_view::npos);
    CheckTree(tree, at, bytes, depth + 1);
  }
}

// Whatever a state file says: only these names can be deleted or renamed.
void CheckNames(const TransferState& s) {
  std::set<std::string> finals;
  for (uint32_t id = 0; id < s.files.size(); id++) {
    const FileEntry& f = s.files[id];
    PROPERTY(IsCanonical(f.source) && IsCanonical(f.dest) && f.meta.mode <= 07777 && f.meta.xattrs.empty());
    PROPERTY(finals.insert(f.dest).second || !s.sealed);
    const std::string temporary = AxlPathOf(s, id);
    PROPERTY(ParentOf(temporary) == ParentOf(f.dest));
    const std::string_view suffix = s.info.axl.suffix;
    PROPERTY(suffix.empty() || suffix.starts_with("._AXL"));
    PROPERTY(suffix.size() <= 5 || suffix.find_first_not_of("0123456789", 5) == std::string_view::npos);
    PROPERTY(temporary.substr(f.dest.size()) == suffix);
  }
}

void Check(const std::string& bytes) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  KvTree tree;
  const Status parsed = KvTree::Parse(data, bytes.size(), &tree);
  if (parsed.ok()) CheckTree(tree, KvTree::kTop, bytes, 0);
  Replay replay;
  bool is_axl = false;
  const Status read = ReplayAxl(data, bytes.size(), &replay, &is_axl);
  PROPERTY(parsed.ok() || !read.ok());
  PROPERTY(read.ok() || read.code == Code::kStateCorrupt || read.code == Code::kStateVersion);
  if (!read.ok()) return;
  const TransferState& s = replay.state;
  PROPERTY(is_axl && s.info.axl.is && !s.settled && s.outcome == Outcome::kNone && s.uuid != Uuid{});
  PROPERTY(s.progress.size() == s.files.size() && s.dirs.empty());
  for (uint32_t failed : s.info.axl.failed) PROPERTY(failed < s.files.size());
  CheckNames(s);
}

}  // namespace
}  // namespace axl::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t n) {
  const std::string bytes(reinterpret_cast<const char*>(data), n);
  axl::fuzz::Check(bytes);
  axl::fuzz::Check(axl::fuzz::Framed(bytes));
  return 0;
}
