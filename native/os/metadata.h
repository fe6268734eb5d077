// Owner, mode, times and user xattrs: read from a source, given to a descriptor, compared with a stat.
#pragma once

#include <sys/stat.h>

#include "base/record.h"
#include "base/status.h"
#include "os/os.h"

namespace axl {

Time TimeOf(const struct timespec& t);
Metadata MetadataOf(const struct stat& st);  // without xattrs

// The user.* xattrs of an open file. A file system without xattrs has none: not an error.
Status ReadXattrs(Os& os, int fd, const std::string& path, std::vector<Xattr>* out);

// What the file will carry when chown was not possible: no setuid, no setgid.
uint32_t EffectiveMode(const Metadata& meta, bool owner_given);

// What a file was given of its metadata: what it has now, and what it lacks (bits kLacks...).
struct Given {
  uint32_t uid = 0, gid = 0, mode = 0;
  uint8_t lacking = kLacksOwner;
  bool owner() const { return (lacking & kLacksOwner) == 0; }
};

// xattrs, chown, then chmod (chown clears setuid), then times. On failure the file is partly changed, and is not
// to be published. Under kFail a refused chown is an error.
Status ApplyMetadata(Os& os, int fd, const std::string& path, const Metadata& meta, OwnerPolicy policy, Given* given);
// The same for a symbolic link: owner and times only, and neither where what is given does not `reach` the link: it
// would be given to the target. kVerify if something else has its name.
Status ApplyLinkMetadata(Os& os, int dir, const std::string& name, const std::string& path, const Metadata& meta,
                         OwnerPolicy policy, bool reach, Given* given);
// Where it is not known (mounts.h): does it reach a link? One that points to itself is made under this name, tried and
// removed again, since nothing else can be changed by that.
bool TryLink(Os& os, int dir, const std::string& name);

// Only a file or a symbolic link is replaced: whoever made a socket, a FIFO or a device uses it by its name.
inline bool IsSpecial(mode_t mode) { return S_ISSOCK(mode) || S_ISFIFO(mode) || S_ISCHR(mode) || S_ISBLK(mode); }
inline constexpr const char* kNotReplaced =
    "the destination is a socket, a FIFO or a device, and only a file or a symbolic link is replaced: remove it, then "
    "try again";

// Does the stat show this owner (if given), mode and mtime?
bool MetadataMatches(const struct stat& st, const Metadata& meta, bool owner_given, FileKind kind);

}  // namespace axl
