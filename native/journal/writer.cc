// The encoding of each record: u32 length, u8 type, u32 sequence, payload, CRC over the UUID and all of that.
#include "journal/writer.h"

#include <cstring>

#include "base/crc32c.h"

namespace axl {

namespace {

void Put32(std::string* out, uint32_t v) {
  for (int shift = 0; shift < 32; shift += 8) out->push_back(static_cast<char>(v >> shift));
}

}  // namespace

std::string JournalWriter::Header(const Uuid& uuid) {
  std::string h(kJournalMagic, sizeof kJournalMagic);
  Put32(&h, kJournalVersion);
  Put32(&h, static_cast<uint32_t>(kHeaderSize));
  h.append(reinterpret_cast<const char*>(uuid.data()), uuid.size());
  Put32(&h, kJournalEdition);
  h.resize(kHeaderSize - 4, '\0');
  Put32(&h, Crc32c(0, h.data(), h.size()));
  return h;
}

void JournalWriter::Begin(RecordType type) {
  start_ = out_.size();
  U32(0);  // the length, set by End
  U8(static_cast<uint8_t>(type));
  U32(sequence_++);
}

void JournalWriter::End() {
  const auto length = static_cast<uint32_t>(out_.size() - start_ - (kRecordOverhead - 4));
  fits_ &= length <= kMaxRecord;
  for (int i = 0; i < 4; i++) out_[start_ + static_cast<size_t>(i)] = static_cast<char>(length >> (8 * i));
  const uint32_t seed = Crc32c(0, uuid_.data(), uuid_.size());
  U32(Crc32c(seed, out_.data() + start_, out_.size() - start_));
}

void JournalWriter::U8(uint8_t v) { out_.push_back(static_cast<char>(v)); }
void JournalWriter::U32(uint32_t v) { Put32(&out_, v); }

void JournalWriter::U64(uint64_t v) {
  U32(static_cast<uint32_t>(v));
  U32(static_cast<uint32_t>(v >> 32));
}

void JournalWriter::String(const std::string& s) {
  U32(static_cast<uint32_t>(s.size()));
  out_ += s;
}

void JournalWriter::Times(const Time& t) {
  U64(static_cast<uint64_t>(t.sec));
  U32(t.nsec);
}

void JournalWriter::Known(const Identity& i) {
  const Time none;
  const std::string& handle = i.more->handle;
  U8(static_cast<uint8_t>((i.inode != 0 ? 1 : 0) | (i.ctime != none ? 2 : 0) | (i.more->birth != none ? 4 : 0) |
                          (handle.empty() ? 0 : 8)));
  if (i.inode != 0) U64(i.inode);
  if (i.ctime != none) Times(i.ctime);
  if (i.more->birth != none) Times(i.more->birth);
  if (!handle.empty()) String(handle);
}

void JournalWriter::Meta(const Metadata& m) {
  U32(m.mode);
  U32(m.uid);
  U32(m.gid);
  Times(m.atime);
  Times(m.mtime);
  U32(static_cast<uint32_t>(m.xattrs.size()));
  for (const auto& x : m.xattrs) {
    String(x.name);
    String(x.value);
  }
}

void JournalWriter::Transfer(const TransferInfo& info) {
  Begin(RecordType::kTransfer);
  String(info.name);
  String(info.backend);
  U32(info.rank);
  U32(info.size);
  String(info.host);
  String(info.boot_id);
  U32(info.pid);
  U64(info.start_time);
  U64(info.pid_namespace);
  U8(static_cast<uint8_t>(info.durability));
  for (OwnerPolicy policy : {info.owner, info.mode, info.times, info.xattrs, info.acls})
    U8(static_cast<uint8_t>(policy));
  U32(info.chunk_size);
  String(info.job);
  U32(info.local_rank);
  U8(info.all_ranks ? 2 : 1);
  out_.append(reinterpret_cast<const char*>(info.dataset.data()), info.dataset.size());
  U64(info.attempt);
  String(info.home);
  for (const Identity* identity : {&info.home_identity, &info.self, &info.directory}) Known(*identity);
  U8(static_cast<uint8_t>(info.inodes));
  U32(info.heartbeat_ms);
  End();
}

void JournalWriter::File(uint32_t id, const FileEntry& file) {
  Begin(RecordType::kFile);
  U32(id);
  U8(static_cast<uint8_t>(file.kind));
  String(file.source);
  String(file.dest);
  String(file.link_target);
  U64(file.size);
  U64(file.source_inode);
  Times(file.source_ctime);
  Meta(file.meta);
  End();
}

void JournalWriter::Dir(uint32_t id, const DirEntry& dir) {
  Begin(RecordType::kDir);
  U32(id);
  String(dir.path);
  U8(dir.described ? 1 : 0);
  if (dir.described) Meta(dir.meta);
  End();
}

void JournalWriter::Sealed(uint32_t files, uint32_t dirs, uint64_t bytes) {
  Begin(RecordType::kSealed);
  U32(files);
  U32(dirs);
  U64(bytes);
  End();
}

void JournalWriter::Chunk(uint32_t file, ChunkSum chunk) {
  Begin(RecordType::kChunk);
  U32(file);
  U32(chunk.index);
  U32(chunk.crc);
  End();
}

void JournalWriter::Done(uint32_t file, uint64_t inode, uint64_t size, uint32_t crc, bool owner_given) {
  Begin(RecordType::kDone);
  U32(file);
  U64(inode);
  U64(size);
  U32(crc);
  U8(owner_given ? 1 : 0);
  End();
}

void JournalWriter::Failed(uint32_t file, const Status& failure) {
  Begin(RecordType::kFailed);
  U32(file);
  U8(static_cast<uint8_t>(failure.code));
  U32(static_cast<uint32_t>(failure.err));
  String(failure.call);
  String(failure.path);
  String(failure.dest);
  String(failure.detail);
  End();
}

void JournalWriter::Canceled() {
  Begin(RecordType::kCanceled);
  End();
}

void JournalWriter::Resumed() {
  Begin(RecordType::kResumed);
  End();
}

void JournalWriter::Renounced(uint32_t dir) {
  Begin(RecordType::kRenounced);
  U32(dir);
  End();
}

void JournalWriter::Settled() {
  Begin(RecordType::kSettled);
  End();
}

void JournalWriter::Confirmed() {
  Begin(RecordType::kConfirmed);
  End();
}

void JournalWriter::Published(uint32_t file) {
  Begin(RecordType::kPublished);
  U32(file);
  End();
}

void JournalWriter::Kept(uint32_t file) {
  Begin(RecordType::kKept);
  U32(file);
  End();
}

void JournalWriter::Final(Outcome outcome) {
  Begin(RecordType::kFinal);
  U8(static_cast<uint8_t>(outcome));
  End();
}

}  // namespace axl
