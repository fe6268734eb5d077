// Encodes the records of a state file into bytes. No I/O. One function a record type; see docs/state-format.md.
#pragma once

#include <string>

#include "base/record.h"
#include "journal/format.h"

namespace axl {

class JournalWriter {
 public:
  JournalWriter(const Uuid& uuid, uint32_t next_sequence) : uuid_(uuid), sequence_(next_sequence) {}

  static std::string Header(const Uuid& uuid);

  void Transfer(const TransferInfo& info);
  void File(uint32_t id, const FileEntry& file);
  void Dir(uint32_t id, const DirEntry& dir);
  void Sealed(uint32_t files, uint32_t dirs, uint64_t bytes);
  void Chunk(uint32_t file, ChunkSum chunk);
  void Done(uint32_t file, uint64_t inode, uint64_t size, uint32_t crc, bool owner_given);
  void Failed(uint32_t file, const Status& failure);
  void Canceled();
  void Resumed();
  void Renounced(uint32_t dir);
  void Settled();
  void Confirmed();
  void Published(uint32_t file);
  void Kept(uint32_t file);
  void Final(Outcome outcome);

  // The encoded records since the last Take.
  const std::string& bytes() const { return out_; }
  std::string Take() { return std::move(out_); }
  uint32_t sequence() const { return sequence_; }
  // Has every record a length that a reader takes?
  bool fits() const { return fits_; }

 private:
  void Begin(RecordType type);
  void End();
  void U8(uint8_t v);
  void U32(uint32_t v);
  void U64(uint64_t v);
  void String(const std::string& s);
  void Times(const Time& t);
  void Known(const Identity& i);
  void Meta(const Metadata& m);

  Uuid uuid_;
  uint32_t sequence_;
  std::string out_;
  size_t start_ = 0;
  bool fits_ = true;
};

}  // namespace axl
