// Is what stands at a name the file, or the directory, of which the journal tells? Asked before anything is published,
// mended, believed to be published, or believed not to be there. A name proves nothing, nor does an inode number alone:
// it is used again, and on some file systems it means nothing. Changes nothing. Thread-safe.
#pragma once

#include <string>

#include "base/answer.h"
#include "base/record.h"
#include "base/status.h"
#include "base/stop.h"
#include "os/os.h"

namespace axl {

Identity IdentityOf(const Seen& seen);
// Of a file that is still written: without what every write changes.
Identity LastingIdentityOf(const Seen& seen);
// By inode and, where both are known, birth or handle.
bool IsOfSameBirth(const Identity& a, const Identity& b);
// Is this open state file the one that `then` was recorded of? kStateCopy if it is another; where that cannot be told,
// it is.
Status CheckOriginal(Os& os, int fd, const Identity& now, const Identity& then, const std::string& path);

// A name of a file of the transfer, as it was just looked at.
struct Sighting {
  int dir;  // a descriptor
  std::string name;
  std::string path;  // of it, for errors
  Seen seen;
  bool untouched = true;  // a temporary name: since DONE nobody should have changed even the ctime
};

struct Recognized {
  Answer answer = Answer::kNo;
  Status why = {};      // it cannot be told
  bool summed = false;  // the contents were compared
};

// Is it the file of which DONE tells? By inode and birth, or inode and ctime of an untouched file; where less is known,
// by the contents: the size and the CRC-32C of a file, the target of a link. `by_contents`: where inodes differ, too,
// as in a tree that was moved or restored. kCannotTell: it cannot be read, or `*stop` became true (kCanceled).
// REQUIRES: DONE.
Recognized IsDoneFile(Os& os, const TransferState& state, uint32_t id, const Sighting& at, bool by_contents,
                      const std::atomic<bool>* stop = &kGoOn);

// Is what stands at a final name what stood there at the dispatch, or what its journal lets it replace? False
// where that cannot be told. `dir`: a descriptor of its directory.
bool IsExpected(Os& os, const TransferState& state, uint32_t id, int dir, const Seen& there);
// If not: does it differ from what stood there by the ctime alone, with no birth known and no byte written since? Then
// another name of it may have been made or taken away, and nothing else.
bool MayBeTouched(Os& os, const TransferState& state, uint32_t id, int dir, const Seen& there);

// Are the directories below which the transfer works those that they were when it was added? Only then is what is not
// found there believed not to exist. kConflict: one is not there, or another stands in its place.
Status CheckAnchors(Os& os, const TransferState& state);

// What inode numbers and births are worth on the file system of an open file.
struct Worth {
  bool files = true;        // a file keeps its inode number over a rename and a remount
  bool directories = true;  // a directory keeps inode number and birth
};
Worth WorthOf(Os& os, int fd);
// `magic`: f_type of statfs(2); `type`: as /proc/self/mountinfo has it, asked only of FUSE.
Worth WorthOf(long magic, const std::string& type);

}  // namespace axl
