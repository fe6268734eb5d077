// Publishes or rolls back ONE transfer. The only code that renames or deletes what a transfer made.
// A live wait() and axl-finalize both use it. REQUIRES: the journal is locked by the caller.
#pragma once

#include <map>
#include <set>
#include <string>

#include "journal.h"
#include "os.h"
#include "record.h"
#include "status.h"

namespace axl {

// Fsyncs directories, each once for however many transfers asked. Not thread-safe.
class DirectoryBarrier {
 public:
  explicit DirectoryBarrier(Os& os) : os_(os) {}
  void Need(const std::string& dir) { wanted_.insert(dir); }
  // Fsyncs all that were needed. Results stay readable until the object goes away.
  void Run();
  // The status of one directory that was needed.
  Status Result(const std::string& dir) const;

 private:
  Os& os_;
  std::set<std::string> wanted_;
  std::map<std::string, Status> results_;
};

// Publishing goes in phases, so that many transfers share a barrier:
//   Check -> Rename -> NeedDirectories, barrier.Run -> Finish
// A failure before the first rename leaves everything as it was; after it, publishing only rolls forward: the journal
// stays, `state().progress[].published` says which files are at their final names, and the next run goes on.
class Publisher {
 public:
  Publisher(Os& os, Journal& journal) : os_(os), journal_(journal) {}

  // Every temporary file is there, is the journalled inode, and has its size and metadata (mended and fsynced if not);
  // no final name is a directory; or the final name already is that inode. Records SETTLED if it was not.
  // kVerify if a file is lost or is not ours; kInvalidState if a file is not DONE.
  Status Check(OwnerPolicy policy);
  // All renames, then the metadata of directories we made. Stops at the first error.
  Status Rename();
  void NeedDirectories(DirectoryBarrier* barrier) const;
  // After the barrier: FINAL is durable.
  Status Finish(const DirectoryBarrier& barrier);

  // The four phases for one transfer alone.
  Status Publish(OwnerPolicy policy);

  // Unlinks the temporary files and removes the directories we made, if they are empty; FINAL is durable afterwards.
  // kInvalidState if a file is already published: then only publishing goes on.
  Status RollBack();

  // Is a file of this transfer at its final name already?
  bool AnyPublished();

 private:
  struct Found;
  Status CheckFile(uint32_t id, OwnerPolicy policy);
  Status MendFile(uint32_t id, int dir, const struct stat& st, OwnerPolicy policy);
  Status FinishDirectories();
  Status RemoveTemporaries();
  Status RemoveDirectories();
  int DirectoryOf(const std::string& path, Status* status);

  Os& os_;
  Journal& journal_;
  Fd dir_;                // the directory last used: files of one directory come together
  std::string dir_path_;
  uint64_t renames_ = 0;  // made by this object
};

}  // namespace axl
