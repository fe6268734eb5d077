// Every byte is read before anything is believed: a file that AXL was rewriting ends early, or is empty.
#include "journal/axl_file.h"

#include <fcntl.h>
#include <sys/stat.h>

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
  return ReadAxlTransfer(tree, out, is_axl);
}

// Different for different bytes: nothing is done to what AXL has rewritten since somebody looked.
void Identify(const uint8_t* data, size_t n, AxlTransfer* transfer) {
  transfer->info.dataset = IdOfBytes({reinterpret_cast<const char*>(data), n});
}

Status ReadBytes(Os& os, int fd, uint64_t size, std::vector<uint8_t>* bytes) {
  if (size > kMaxKvTree)
    return Status::Make(Code::kStateCorrupt, "a KVTree file that is larger than this program reads (64 MiB)");
  bytes->resize(size);
  const ssize_t n = ReadFull(os, fd, bytes->data(), bytes->size(), 0);
  if (n < 0) return Status::Errno(static_cast<int>(-n), "read", "");
  bytes->resize(static_cast<size_t>(n));
  return Status::Ok();
}

// AXL takes paths as they are given, links and all; we go through none.
std::string RealDestination(const FileEntry& file, RealPaths* real) {
  return Join(real->Of(ParentOf(file.dest)), BaseOf(file.dest));
}

Status ApplyAll(AxlTransfer transfer, Replay* out) {
  *out = {};
  TransferState& state = out->state;
  state.uuid = transfer.info.dataset;
  state.files.reserve(transfer.files.size());
  state.progress.reserve(transfer.files.size());
  const char* broken = HandOver(std::move(transfer), [&](Record record) {
    out->next_sequence++;
    return Apply(std::move(record), &state);
  });
  if (broken == nullptr) return Status::Ok();
  return Status::Make(Code::kStateCorrupt, std::string("a state file of AXL with ") + broken);
}

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

std::string RealPaths::Of(std::string_view dir) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = known_.find(dir); known != known_.end()) return known->second;
  }
  const std::string path(dir);
  std::string real;
  if (os_.RealPath(path.c_str(), &real) < 0) real = path;
  const std::lock_guard lock(mutex_);
  return known_.emplace(path, real).first->second;
}

Status ReplayAxl(Os& os, int fd, uint64_t size, bool sources, RealPaths* real, Replay* out, bool* is_axl) {
  *is_axl = true;
  std::vector<uint8_t> bytes;
  AxlTransfer transfer;
  Status s = ReadBytes(os, fd, size, &bytes);
  if (s.ok()) s = ReadTransfer(bytes.data(), bytes.size(), &transfer, is_axl);
  if (!s.ok()) {
    if (s.err == 0) out->state.info.axl.is = *is_axl;  // whose it is can be told, and no more
    return s;
  }
  Identify(bytes.data(), bytes.size(), &transfer);
  for (FileEntry& file : transfer.files) {
    file.dest = RealDestination(file, real);
    if (sources) LookAtSource(os, &file);
  }
  s = ApplyAll(std::move(transfer), out);
  out->valid_bytes = bytes.size();
  return s;
}

bool ReadAxlNames(Os& os, int fd, uint64_t size, RealPaths* real, std::vector<std::string>* names, bool* at_work) {
  std::vector<uint8_t> bytes;
  AxlTransfer transfer;
  bool is_axl = false;
  if (!ReadBytes(os, fd, size, &bytes).ok()) return false;
  if (!ReadTransfer(bytes.data(), bytes.size(), &transfer, &is_axl).ok()) return false;
  *at_work = transfer.dispatched && !transfer.info.axl.completed;
  for (const FileEntry& file : transfer.files) names->push_back(RealDestination(file, real));
  return true;
}

Status ReplayAxl(const uint8_t* data, size_t n, Replay* out, bool* is_axl) {
  AxlTransfer transfer;
  if (Status s = ReadTransfer(data, n, &transfer, is_axl); !s.ok()) return s;
  Identify(data, n, &transfer);
  return ApplyAll(std::move(transfer), out);
}

}  // namespace axl
