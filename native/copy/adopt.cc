// Each step is one check or one change; copy_job.cc calls them in their order, and writes DONE after the last.
#include "copy/adopt.h"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "base/names.h"
#include "os/same.h"
#include "os/sum.h"

namespace axl {

std::string Adopter::Temporary(uint32_t id) const { return TemporaryPathOf(state_, id); }

Status Adopter::OpenSource(uint32_t id, Fd* fd, struct stat* st) const {
  const std::string& path = state_.files[id].source;
  *fd = Fd(os_, os_.Open(AT_FDCWD, path.c_str(), O_RDONLY | O_NOCTTY | O_NONBLOCK));
  if (!fd->valid()) return Status::Errno(fd->error(), "open", path);
  return CheckSource(id, fd->get(), st);
}

Status Adopter::CheckSource(uint32_t id, int fd, struct stat* out) const {
  const FileEntry& file = state_.files[id];
  struct stat own;
  struct stat& st = out == nullptr ? own : *out;
  if (int r = os_.Fstat(fd, &st); r < 0) return Status::Errno(-r, "fstat", file.source);
  if (S_ISREG(st.st_mode) && static_cast<uint64_t>(st.st_size) == file.size && st.st_ino == file.source_inode &&
      TimeOf(st.st_mtim) == file.meta.mtime && TimeOf(st.st_ctim) == file.source_ctime)
    return Status::Ok();
  return Status::Make(Code::kSourceChanged, "the source has changed since dispatch", file.source);
}

Status Adopter::CheckEnd(uint32_t id, int fd, Status read) const {
  const FileEntry& file = state_.files[id];
  char more;
  ssize_t n = 0;
  if (read.ok()) n = os_.Read(fd, &more, 1, static_cast<off_t>(file.size));
  if (n < 0) return Status::Errno(static_cast<int>(-n), "read", file.source);
  if (read.ok() ? n == 0 : read.code != Code::kSourceChanged && read.code != Code::kVerify) return read;
  Status changed = CheckSource(id, fd);
  return changed.ok() ? HasNoSize(file.source) : changed;
}

// Nothing that somebody could have put there instead: it gets the owner and the mode of the source.
Status Adopter::CheckTemporary(uint32_t id, const std::string& path, const struct stat& st) const {
  const FileEntry& file = state_.files[id];
  const uid_t user = os_.EffectiveUser();
  if (!S_ISREG(st.st_mode))
    return Status::Make(Code::kVerify, "the mover has left no regular file at the temporary name", path);
  if (st.st_nlink != 1) return Status::Make(Code::kVerify, "the temporary file has a second name", path);
  if (st.st_uid != user && st.st_uid != file.meta.uid)
    return Status::Make(Code::kVerify, "the temporary file belongs to another user", path);
  if (static_cast<uint64_t>(st.st_size) == file.size) return Status::Ok();
  return Status::Make(Code::kVerify, "the temporary file does not have the size of its source", path);
}

// A source that is out of reach, as a node's own disk is after the job, may stay so if the mover vouches for its bytes.
Status Adopter::SumSource(uint32_t id, std::optional<uint32_t>* crc, const std::atomic<bool>& stop) const {
  const FileEntry& file = state_.files[id];
  Fd from;
  Status s = OpenSource(id, &from);
  if (*crc) return s.err == ENOENT || s.err == ENOTDIR ? Status::Ok() : s;
  if (!s.ok()) return s;
  uint32_t sum = 0;
  s = SumBytes(os_, from.get(), file.source, 0, file.size, stop, &sum);
  if (s = CheckEnd(id, from.get(), std::move(s)); !s.ok()) return s;
  *crc = sum;
  return CheckSource(id, from.get());
}

Status Adopter::Look(uint32_t id, std::optional<uint32_t> crc, const std::atomic<bool>& stop, ParentDirectory* parent,
                     Arrived* out) const {
  const std::string path = Temporary(id);
  if (Status s = parent->Open(path); !s.ok()) return s;
  const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  Fd to(os_, os_.Open(parent->fd(), std::string(BaseOf(path)).c_str(), flags));
  if (!to.valid()) return Status::Errno(to.error(), "open", path);
  struct stat st;
  if (int r = os_.Fstat(to.get(), &st); r < 0) return Status::Errno(-r, "fstat", path);
  if (Status s = CheckTemporary(id, path, st); !s.ok()) return s;
  // Read back as the disk has it, not as a cache does that a power cut would take. A write-back that failed is told
  // here.
  if (int r = durable() ? os_.Fsync(to.get()) : 0; r < 0) return Status::Errno(-r, "fsync", path);
  (void)os_.DropCache(to.get());
  if (Status s = SumBytes(os_, to.get(), path, 0, state_.files[id].size, stop, &out->crc); !s.ok()) return s;
  if (Status s = SumSource(id, &crc, stop); !s.ok()) return s;
  if (out->crc != *crc)
    return Status::Make(Code::kVerify, "the temporary file does not have the bytes of its source", path);
  out->id = id;
  out->path = path;
  out->privileges = st.st_uid == os_.EffectiveUser();  // another user may have it open, and change it still
  out->to = std::move(to);
  return Status::Ok();
}

Status Adopter::CheckExpected(uint32_t id, uint32_t crc) const {
  const auto expected = state_.expected.find(id);
  if (expected == state_.expected.end() || expected->second == crc) return Status::Ok();
  std::array<char, 128> why;
  std::snprintf(why.data(), why.size(), "its CRC-32C is %08x, and that of its manifest %08x: take another copy of it",
                crc, expected->second);
  return Status::Make(Code::kVerify, why.data(), state_.files[id].source);
}

Status Adopter::GiveMetadata(Arrived* file) const {
  const Giving how{keep_, file->inherits, file->privileges};
  return ApplyMetadata(os_, file->to.get(), file->path, state_.files[file->id].meta, how, &file->given);
}

Status Adopter::MakeDurable(Arrived* file) const {
  if (!file->to.valid()) return Status::Ok();  // a link: its directory's fsync is its own
  if (durable())
    if (int r = os_.Fsync(file->to.get()); r < 0) return Status::Errno(-r, "fsync", file->path);
  return Seal(file);
}

Status Adopter::Seal(Arrived* file) const {
  if (!file->to.valid()) return Status::Ok();
  Seen seen;  // last: what comes before changes the ctime
  if (int r = os_.Look(file->to.get(), "", &seen); r < 0) return Status::Errno(-r, "statx", file->path);
  file->temporary = IdentityOf(seen);
  const FileEntry& entry = state_.files[file->id];
  if (Status s = ReadBack(seen.st, file->path, entry.meta, keep_, entry.kind, &file->given); !s.ok()) return s;
  if (int r = file->to.Close(); r < 0) return Status::Errno(-r, "close", file->path);
  return Status::Ok();
}

}  // namespace axl
