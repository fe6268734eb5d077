// What the directories that a transfer made get of the metadata of their sources: tried before anything is renamed,
// and given when all files have their final names.
#pragma once

#include "base/record.h"
#include "base/status.h"
#include "os/metadata.h"
#include "os/os.h"
#include "publish/owners.h"

namespace axl {

class MadeDirectories {
 public:
  // `keep`: what to do where something is refused. `numbers`: what those of the writer are here.
  MadeDirectories(Os& os, const TransferState& state, const Policies& keep, const Numbers& numbers = {})
      : os_(os), state_(state), keep_(keep), numbers_(numbers) {}

  // Would a directory be refused something that `keep` demands? Each is given what it will get, but stays ours, and
  // closed to all others: so what is refused, or finds no room, is met while nothing of the transfer can be seen.
  // REQUIRES: no file has its final name yet. May be done any number of times.
  Status Rehearse() const;
  // Children before parents: what is renamed into a directory changes its mtime, and a mode may shut us out.
  // Durable afterwards. `*lacking`: what was left out.
  Status Finish(Lacking* lacking) const;

 private:
  Status Open(const DirEntry& dir, Fd* fd, struct stat* st) const;
  Metadata WantedOf(const DirEntry& dir, const struct stat& st, uint8_t* lacks) const;
  bool CannotBeRefused(const DirEntry& dir, const struct stat& st) const;
  Status Try(const DirEntry& dir) const;
  Status TryOwner(const DirEntry& dir, int fd, const struct stat& st, bool* has) const;
  Status FinishOne(const DirEntry& dir, Lacking* lacking) const;
  Status CheckGivenAway(const DirEntry& dir, const struct stat& st, Lacking* lacking) const;
  bool IsGivenAway(const struct stat& st) const { return !os_.IsRoot() && st.st_uid != os_.EffectiveUser(); }

  Os& os_;
  const TransferState& state_;
  const Policies keep_;
  const Numbers numbers_;
};

}  // namespace axl
