// What another process is writing meanwhile has a wrong CRC, and is refused as what is damaged is.
#include "upkeep/kvtree_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <vector>

#include "journal/budget.h"
#include "journal/kvtree.h"
#include "os/metadata.h"

namespace axl {

namespace {

// SCR has some forty keys for each dataset. JavaScript has a string for each key.
constexpr size_t kMostKeys = 1u << 18;

Status Read(Os& os, const std::string& path, std::vector<uint8_t>* bytes, Budget::Share* share) {
  const Fd fd(os, os.Open(AT_FDCWD, path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  struct stat st;
  if (!fd.valid()) return Status::Errno(fd.error(), "open", path);
  if (const int r = os.Fstat(fd.get(), &st); r < 0) return Status::Errno(-r, "fstat", path);
  if (!S_ISREG(st.st_mode)) return Status::Make(Code::kUnsafePath, "this is not a regular file", path);
  const auto size = static_cast<uint64_t>(st.st_size);
  if (size > kMaxKvTree)
    return Status::Make(Code::kStateCorrupt, "a KVTree file that is larger than this program reads (64 MiB)", path);
  *share = StateBudget().Wait(size);
  bytes->resize(size);
  const ssize_t n = ReadFull(os, fd.get(), bytes->data(), size, 0);
  if (n < 0) return Status::Errno(static_cast<int>(-n), "read", path);
  bytes->resize(static_cast<size_t>(n));
  return Status::Ok();
}

void Flatten(const KvTree& tree, KvTreeKeys* out) {
  std::vector<KvTree::At> ends;  // of the keys that this one is below
  for (KvTree::At at = 0; at < tree.size(); at++) {
    while (!ends.empty() && ends.back() <= at) ends.pop_back();
    out->keys.append(tree.key(at)).push_back('\0');
    out->depths.push_back(static_cast<char>(ends.size()));
    ends.push_back(tree.end(at));
  }
}

}  // namespace

Status ReadKvTreeFile(Os& os, const std::string& path, KvTreeKeys* out) {
  std::vector<uint8_t> bytes;
  Budget::Share share;
  KvTree tree;
  Status s = Read(os, path, &bytes, &share);
  if (s.ok()) s = KvTree::Parse(bytes.data(), bytes.size(), &tree);
  if (s.ok() && tree.size() > kMostKeys)
    s = Status::Make(Code::kStateCorrupt, "a KVTree file with more keys than this program reads (262,144)", path);
  if (s.ok()) Flatten(tree, out);
  if (s.path.empty()) s.path = path;
  return s;
}

}  // namespace axl
