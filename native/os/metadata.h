// Owner, mode, times, xattrs and access control lists: read from a source, given to a descriptor, compared with a stat.
#pragma once

#include <sys/stat.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/record.h"
#include "base/status.h"
#include "os/os.h"

namespace axl {

Time TimeOf(const struct timespec& t);
// Without xattrs. Who is a stranger here has kUnknownId: what another user namespace calls by that number is another.
Metadata MetadataOf(const struct stat& st, const Strangers& strangers = {});

// Of a file or a link that this process makes now, with no source: its user, group and umask. Times of whole even
// seconds, which no file system rounds.
Metadata MetadataOfNew(Os& os, FileKind kind);

// Is it one that grants or denies access, and that is not copied: another kind of access control list (NFSv4, SMB), or
// a label of SELinux?
bool IsForeignXattr(std::string_view name);
// Those of an open file that are copied; and the names of such as are not. A file system without xattrs has none: not
// an error.
Status ReadXattrs(Os& os, int fd, const std::string& path, std::vector<Xattr>* out,
                  std::set<std::string>* foreign = nullptr);

// What a file was given of its metadata: what it has now, and what it lacks (bits kLacks...).
struct Given {
  uint32_t uid = 0, gid = 0, mode = 0;
  uint8_t lacking = kLacksOwner;
  bool owner() const { return (lacking & kLacksOwner) == 0; }
};

// How it is given.
struct Giving {
  Policies keep = {};
  bool inherits = true;              // it may have the access control list of its directory, which it is not to have
  bool privileges = true;            // it may get setuid, setgid and capabilities: nobody else can have changed it
  bool gives = true;                 // its owner may be changed, as `keep` has it
  const struct stat* now = nullptr;  // as it is: for who has just looked
};

// xattrs, chown, then access control lists and chmod (chown clears setuid), capabilities, times. On failure the file is
// partly changed, and is not to be published. What is refused is an error under kFail. Where the group or the list
// cannot be given, the mode grants nobody what the source does not. `given`: as far as calls tell, see ReadBack.
Status ApplyMetadata(Os& os, int fd, const std::string& path, const Metadata& meta, const Giving& how, Given* given);
// The same for a symbolic link: owner and times only, and neither where what is given does not `reach` the link: it
// would be given to the target. kVerify if something else has its name.
Status ApplyLinkMetadata(Os& os, int dir, const std::string& name, const std::string& path, const Metadata& meta,
                         const Policies& keep, bool reach, Given* given);
// After the last change: what the file really has of mode and times, which file systems round or ignore.
Status ReadBack(const struct stat& st, const std::string& path, const Metadata& meta, const Policies& keep,
                FileKind kind, Given* given);
// Where it is not known (mounts.h): does it reach a link? One that points to itself is made under this name, tried and
// removed again, since nothing else can be changed by that.
bool TryLink(Os& os, int dir, const std::string& name);

// Only a file or a symbolic link is replaced: whoever made a socket, a FIFO or a device uses it by its name.
inline bool IsSpecial(mode_t mode) { return S_ISSOCK(mode) || S_ISFIFO(mode) || S_ISCHR(mode) || S_ISBLK(mode); }
inline constexpr const char* kNotReplaced =
    "the destination is a socket, a FIFO or a device, and only a file or a symbolic link is replaced: remove it, then "
    "try again";

// Does the stat show what the file had when it was DONE: mode, mtime, and the owner?
bool IsAsGiven(const struct stat& st, const FileEntry& file, const FileProgress& done, bool owner);

}  // namespace axl
