// State files made by hand: the records of a small transfer, records that no writer of ours would write, and what the
// reader makes of the bytes.
#pragma once

#include <functional>
#include <string>

#include "base/crc32c.h"
#include "journal/format.h"
#include "journal/reader.h"
#include "journal/writer.h"

namespace axl::test {

inline constexpr Uuid kUuid{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x46, 0x77,
                            0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

inline TransferInfo SampleInfo() {
  TransferInfo info;
  info.name = "ckpt";
  info.host = "n1";
  info.boot_id = "b";
  info.pid = 7;
  info.start_time = 9;
  info.pid_namespace = 10;
  info.chunk_size = 4096;
  info.job = "j";
  info.local_rank = 3;
  info.dataset = {0xd1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  info.attempt = 2;
  info.home = "/";
  info.home_identity.inode = 12;
  info.self.inode = 13;
  info.directory.inode = 14;
  return info;
}

inline FileEntry SampleFile(const std::string& name = "a", uint64_t size = 5) {
  FileEntry file;
  file.source = "/s/" + name;
  file.dest = "/d/" + name;
  file.size = size;
  file.source_inode = 11;
  file.source_ctime = {1'700'000'000, 1};
  file.meta = {0640, 1000, 100, {1'700'000'000, 2}, {1'700'000'000, 3}, {{"user.k", "v"}}};
  file.stood = Stood::kNothing;
  return file;
}

inline DirEntry SampleDir(const std::string& path = "/d") {
  DirEntry dir;
  dir.path = path;
  return dir;
}

// A state file under construction: one function a record, and raw records with a right CRC.
class StateBytes : public JournalWriter {
 public:
  explicit StateBytes(const Uuid& uuid = kUuid, uint32_t first_sequence = 0) : JournalWriter(uuid, first_sequence) {}
  std::string File() const { return Header(kUuid) + bytes(); }

  void Transfer(const TransferInfo& info) { Write(TransferRecord{info}); }
  void File(uint32_t id, const FileEntry& file) { Write(FileRecord{id, file}); }
  void Dir(uint32_t id, const DirEntry& dir) { Write(DirRecord{id, dir}); }
  void Sealed(uint32_t files, uint32_t dirs, uint64_t bytes, uint32_t anchors = 0) {
    Write(SealedRecord{files, dirs, anchors, bytes, {1'700'000'001, 4}});
  }
  void Chunk(uint32_t file, ChunkSum chunk) { Write(ChunkRecord{file, chunk}); }
  void Done(uint32_t file, uint64_t inode, uint64_t size, uint32_t crc, uint8_t lacking = 0) {
    Write(DoneRecord{file, {.inode = inode}, size, crc, 1000, 100, 0640, lacking});
  }
  void Failed(uint32_t file, const Status& failure) { Write(FailedRecord{file, failure}); }
  void Canceled() { Write(CanceledRecord()); }
  void Resumed() { Write(ResumedRecord()); }
  void Renounced(uint32_t dir) { Write(RenouncedRecord{dir}); }
  void Settled() { Write(SettledRecord()); }
  void Confirmed() { Write(ConfirmedRecord()); }
  void Published(uint32_t file) { Write(PublishedRecord{file}); }
  void Kept(uint32_t file) { Write(KeptRecord{file}); }
  void Final(Outcome outcome) { Write(FinalRecord{outcome}); }

  // A transfer of `files` files of 5 bytes and one directory.
  StateBytes& Begun() {
    Transfer(info_);
    return *this;
  }
  // It does not say which file it is, so that it is no copy of another.
  StateBytes& Anywhere() {
    info_.self = {};
    return *this;
  }
  StateBytes& Dispatched(uint32_t files = 1) {
    Begun();
    for (uint32_t id = 0; id < files; id++) File(id, SampleFile(std::string(1, static_cast<char>('a' + id))));
    Dir(0, SampleDir());
    Sealed(files, 1, 5ull * files);
    return *this;
  }
  StateBytes& WithDone(uint32_t file) {
    Done(file, 20 + file, 5, 0x12345678);
    return *this;
  }
  StateBytes& Committed() {
    Dispatched().WithDone(0).Settled();
    return *this;
  }

 private:
  TransferInfo info_ = SampleInfo();
};

inline std::string Put32(uint32_t v) {
  std::string out;
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(v >> shift));
  return out;
}

// A record with any type, sequence number and payload, whose CRC is right.
inline std::string RawRecord(uint8_t type, uint32_t sequence, const std::string& payload) {
  std::string record = Put32(static_cast<uint32_t>(payload.size()));
  record.push_back(static_cast<char>(type));
  record += Put32(sequence) + payload;
  const uint32_t seed = Crc32c(0, kUuid.data(), kUuid.size());
  return record + Put32(Crc32c(seed, record.data(), record.size()));
}

inline Status Read(const std::string& bytes, Replay* replay) {
  return ReplayJournal(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), replay);
}

inline Status Read(const std::string& bytes) {
  Replay replay;
  return Read(bytes, &replay);
}

}  // namespace axl::test
