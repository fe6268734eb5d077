// The one way in which bytes at a temporary name become a DONE file, whoever has brought them there: our copies end in
// it, and what a mover has brought goes through all of it. Nothing here copies, renames or writes the journal.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/record.h"
#include "base/status.h"
#include "os/directories.h"
#include "os/metadata.h"
#include "os/os.h"

namespace axl {

// A file whose bytes are at its temporary name; MakeDurable closes it, and says which file it is. A link has no
// descriptor.
struct Arrived {
  uint32_t id = 0;
  std::string path = {};  // its temporary name
  Fd to = {};
  Identity temporary;
  uint32_t crc = 0;
  bool inherits = true;    // as in Giving
  bool privileges = true;  // as in Giving
  Given given;
  std::vector<uint32_t> names;  // other files that have got its inode
  dev_t whole = 0;              // the file system that one syncfs makes durable once more files are there; 0: none
  bool synced = false;          // it is there: it needs no fsync of its own
};

// What a mover says of a file that it was given.
struct Arrival {
  std::optional<uint32_t> crc = {};  // of the bytes that it has read from a source which had not changed
  Status failure = {};               // it could not move the file
};
// `stays`: a file of which the mover has said nothing, and that is not whole, stays pending instead of being FAILED.
struct Arrivals {
  std::map<uint32_t, Arrival> told;  // by file
  bool stays = false;
  const std::atomic<bool>* stop = nullptr;  // instead of Cancel
};

class Adopter {
 public:
  // `keep`: what to do where metadata are refused.
  Adopter(Os& os, const TransferState& state, const Policies& keep) : os_(os), state_(state), keep_(keep) {}

  const Policies& keep() const { return keep_; }

  // Opens the source of a file. kSourceChanged unless it is what it was at dispatch.
  // `st`: what it is, too.
  Status OpenSource(uint32_t id, Fd* fd, struct stat* st = nullptr) const;
  Status CheckSource(uint32_t id, int fd, struct stat* st = nullptr) const;
  // After its bytes were read, or could not be: do they end where its size says? kNotSupported if not, and it has not
  // changed. `read`: what reading said.
  Status CheckEnd(uint32_t id, int fd, Status read) const;

  // Of bytes that somebody else has brought: the temporary file is a regular file of its size, ours, with one name; and
  // its bytes, read back from the disk, are those of the source. kVerify if not; kSourceChanged; kCanceled; kIo.
  // `crc`: that of the source, as the mover has read it; without it the source is read again.
  Status Look(uint32_t id, std::optional<uint32_t> crc, const std::atomic<bool>& stop, ParentDirectory* parent,
              Arrived* out) const;
  // kVerify unless a file with this CRC-32C is what EXPECT says of it, if it says anything.
  Status CheckExpected(uint32_t id, uint32_t crc) const;
  // Owner, mode, times, xattrs. REQUIRES: the bytes are right, and the source was still what it was after they were
  // read.
  Status GiveMetadata(Arrived* file) const;
  // Bytes and metadata are on the disk afterwards (durability full), and the descriptor is closed: the file is DONE.
  // Invariant 5: a failed fsync or close fails the file, and is not tried again.
  Status MakeDurable(Arrived* file) const;
  // The same of a file that a syncfs makes durable afterwards.
  Status Seal(Arrived* file) const;

 private:
  Status CheckTemporary(uint32_t id, const std::string& path, const struct stat& st) const;
  Status SumSource(uint32_t id, std::optional<uint32_t>* crc, const std::atomic<bool>& stop) const;
  std::string Temporary(uint32_t id) const;
  bool durable() const { return state_.info.durability == Durability::kFull; }

  Os& os_;
  const TransferState& state_;
  const Policies keep_;
};

}  // namespace axl
