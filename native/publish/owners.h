// Whose is what stands there: ours, its owner's, or somebody's whose numbers the writer saw from within another user
// namespace. No I/O.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>

#include "base/record.h"
#include "os/os.h"

namespace axl {

// As root: was it made by us, or given to its owner? What is neither was put there by whoever can write to the
// directory, and must not get another owner, or a setuid, from us. Everybody else can give nothing away.
bool IsOurs(Os& os, const struct stat& st, const Metadata& meta);

// Has the file of DONE other numbers here than its writer saw? Nobody but root can have given it to another user since,
// and only its owner to another group: so the numbers of DONE are those of another user namespace, and say nothing
// here. It keeps the owner that it has. Never for root: its numbers are those of the disk. REQUIRES: it is that file.
bool IsForeign(Os& os, const FileEntry& file, const FileProgress& done, const struct stat& st);

// Which numbers here are the writer's, as far as the files of a transfer tell: of each it is known what it has there
// and here.
class Numbers {
 public:
  // REQUIRES: it is the file of DONE.
  void Learn(const FileProgress& done, const struct stat& st, bool foreign);
  // Was one a foreign file?
  bool differ() const { return differ_; }
  // Is what a source had there what `st` has here? Of what no file tells, or two files tell differently: no.
  bool SameUser(uint32_t there, const struct stat& st) const { return Same(users_, there, st.st_uid); }
  bool SameGroup(uint32_t there, const struct stat& st) const { return Same(groups_, there, st.st_gid); }

 private:
  using Map = std::map<uint32_t, uint32_t>;
  static void Put(Map* map, uint32_t there, uint32_t here);
  static bool Same(const Map& map, uint32_t there, uint32_t here);

  Map users_, groups_;
  bool differ_ = false;
};

// Metadata with the numbers of this user namespace, as far as they are known: those in access control lists are not.
// *lacks: what is left out.
Metadata AsSeenHere(const Metadata& meta, const struct stat& st, const Numbers& numbers, uint8_t* lacks);

}  // namespace axl
