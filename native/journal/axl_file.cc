// Every byte is read before anything is believed: a file that AXL was rewriting ends early, or is empty.
#include "journal/axl_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "base/names.h"
#include "journal/apply.h"
#include "journal/axl_records.h"
#include "os/metadata.h"

namespace axl {

namespace {

Status ReadTransfer(const uint8_t* data, size_t n, AxlTransfer* out, bool* is_axl) {
  KvTree tree;
  *is_axl = true;
  if (n == 0)
    return Status::Make(Code::kStateCorrupt,
                        "the state file is empty: AXL leaves it so when it is killed while it rewrites it");
  if (Status s = KvTree::Parse(data, n, &tree); !s.ok()) return s;
  if (Status s = ReadAxlTransfer(tree, out, is_axl); !s.ok()) return s;
  // Different for different bytes: nothing is done to what AXL has rewritten since somebody looked.
  out->info.dataset = IdOfBytes({reinterpret_cast<const char*>(data), n});
  return Status::Ok();
}

Status ApplyAll(std::vector<Record> records, const Uuid& uuid, Replay* out) {
  *out = {};
  out->state.uuid = uuid;
  out->next_sequence = static_cast<uint32_t>(records.size());
  for (Record& record : records)
    if (const char* broken = Apply(std::move(record), &out->state))
      return Status::Make(Code::kStateCorrupt, std::string("a state file of AXL with ") + broken);
  return Status::Ok();
}

// AXL takes paths as they are given, links and all; we go through none.
class Places {
 public:
  explicit Places(Os& os) : os_(os) {}
  void Canonicalize(std::string* path) {
    const std::string dir(ParentOf(*path));
    const auto [known, added] = known_.emplace(dir, dir);
    if (added && os_.RealPath(dir.c_str(), &known->second) < 0) known->second = dir;
    *path = Join(known->second, BaseOf(*path));
  }

 private:
  Os& os_;
  std::map<std::string, std::string, std::less<>> known_;
};

// AXL records neither the inode nor, of a file that was restored since, the ctime that its source has: size and mtime
// tell whether it is what was dispatched, and from here on nothing of it may change.
void LookAtSource(Os& os, FileEntry* file) {
  struct stat st;
  if (os.Stat(AT_FDCWD, file->source.c_str(), &st, 0) < 0) return;
  if (static_cast<uint64_t>(st.st_size) != file->size || TimeOf(st.st_mtim) != file->meta.mtime) return;
  file->source_inode = st.st_ino;
  file->source_ctime = TimeOf(st.st_ctim);
}

}  // namespace

bool IsAxlName(std::string_view name) { return name.ends_with(".state_file"); }

bool IsOfAxl(const uint8_t* data, size_t n, std::string_view name) {
  return IsKvTree(data, n) || (n == 0 && IsAxlName(name));
}

Status ReplayAxl(Os& os, int fd, uint64_t size, bool sources, Replay* out, bool* is_axl) {
  *is_axl = true;
  if (size > kMaxKvTree)
    return Status::Make(Code::kStateCorrupt, "a KVTree file that is larger than this program reads (64 MiB)");
  std::vector<uint8_t> bytes(size);
  const ssize_t n = ReadFull(os, fd, bytes.data(), bytes.size(), 0);
  if (n < 0) return Status::Errno(static_cast<int>(-n), "read", "");
  AxlTransfer transfer;
  if (Status s = ReadTransfer(bytes.data(), static_cast<size_t>(n), &transfer, is_axl); !s.ok()) {
    out->state.info.axl.is = *is_axl;  // whose it is can be told, and no more
    return s;
  }
  Places places(os);
  for (FileEntry& file : transfer.files) {
    places.Canonicalize(&file.dest);
    if (sources) LookAtSource(os, &file);
  }
  const Uuid uuid = transfer.info.dataset;
  Status s = ApplyAll(RecordsOf(std::move(transfer)), uuid, out);
  out->valid_bytes = static_cast<uint64_t>(n);
  return s;
}

Status ReplayAxl(const uint8_t* data, size_t n, Replay* out, bool* is_axl) {
  AxlTransfer transfer;
  if (Status s = ReadTransfer(data, n, &transfer, is_axl); !s.ok()) return s;
  const Uuid uuid = transfer.info.dataset;
  return ApplyAll(RecordsOf(std::move(transfer)), uuid, out);
}

}  // namespace axl
