// What CopyJob keeps of the files that are being copied. Only copy_*.cc include it.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "copy/copy_job.h"

namespace axl {

// A file that threads copy together. The first to come opens it, the last to go finishes it.
struct CopyJob::Large {
  Large(uint32_t file, uint64_t size, uint32_t chunk_size)
      : id(file), crcs((size + chunk_size - 1) / chunk_size), left(static_cast<uint32_t>(crcs.size())) {}

  const uint32_t id;
  std::vector<uint32_t> crcs;  // by chunk; each is written by the one thread that has the chunk

  // The job's mutex guards these.
  uint32_t next = 0;  // the first chunk that nobody has taken
  unsigned busy = 0;  // threads that copy chunks of it

  std::mutex mutex;  // guards what follows; from, to and kept do not change once opened
  uint32_t left;     // chunks that have not ended
  bool opened = false;
  bool sparse = false;
  bool inherits = true;  // as in Giving
  Status status;         // the first failure
  Fd from, to;
  Fd old;  // what a killed run wrote elsewhere: its chunks are copied from here, and it has no name any more
  std::vector<bool> has_kept;
  std::vector<uint32_t> kept;  // what a killed run says of a chunk that it wrote
};

// Files whose DONE are one append, once they are durable. Whoever still works at one of them owns it: with the last it
// ends.
struct CopyJob::Batch {
  Batch(CopyJob& of, Whole fs);
  ~Batch();
  void Add(std::vector<Record> records);

  const std::shared_ptr<CopyJob> owner;  // if the job is owned: an fsync may be the last that knows it
  CopyJob& job;
  Whole whole;                      // invalid: each file has an fsync of its own
  std::vector<DoneRecord> waiting;  // for the syncfs; only the thread that copies adds to them
  uint64_t bytes = 0;               // of these files
  std::mutex mutex;                 // guards what follows
  std::vector<Record> done;
};

}  // namespace axl
