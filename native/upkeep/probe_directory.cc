// Everything is named from descriptors: the directory that holds it may be another user's.
#include "upkeep/probe_directory.h"

#include <fcntl.h>

#include <random>
#include <vector>

#include "base/names.h"

namespace axl {

namespace {

std::string Digits() {
  std::random_device random;
  uint8_t bytes[8];
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return Hex(bytes, sizeof bytes);
}

}  // namespace

Status ProbeDirectory::Make(Os& os, const std::string& dir, std::unique_ptr<ProbeDirectory>* out) {
  Fd parent(os, os.Open(AT_FDCWD, dir.c_str(), O_RDONLY | O_DIRECTORY));
  if (!parent.valid()) return Status::Errno(parent.error(), "open", dir);
  std::unique_ptr<ProbeDirectory> made(new ProbeDirectory(os, std::move(parent), std::string(kPrefix) + Digits()));
  const std::string path = Join(dir, made->name_);
  const char* name = made->name_.c_str();
  if (const int r = os.Mkdir(made->parent(), name, 0700); r < 0) return Status::Errno(-r, "mkdir", path);
  made->fd_ = Fd(os, os.Open(made->parent(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (!made->fd_.valid()) return Status::Errno(made->fd_.error(), "open", path);
  struct stat st;
  if (const int r = os.Fstat(made->fd(), &st); r < 0) return Status::Errno(-r, "fstat", path);
  const bool empty_and_ours = st.st_uid == os.EffectiveUser() && S_ISDIR(st.st_mode);
  if (!empty_and_ours) made->fd_.Reset();
  if (!empty_and_ours) return Status::Make(Code::kUnsafePath, "this is not the directory that was just made", path);
  *out = std::move(made);
  return Status::Ok();
}

ProbeDirectory::~ProbeDirectory() {
  std::vector<OsDirEntry> entries;
  if (fd_.valid()) (void)os_.List(fd(), &entries);
  for (const OsDirEntry& entry : entries)
    if (os_.Unlink(fd(), entry.name.c_str()) < 0) (void)os_.Rmdir(fd(), entry.name.c_str());
  fd_.Reset();
  (void)os_.Rmdir(parent(), name_.c_str());
}

}  // namespace axl
