// POSIX access control lists, as Linux has them in extended attributes (linux/posix_acl_xattr.h), and what a mode may
// say where the list, or the group that it speaks of, is missing: never more than the list did. No I/O.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/names.h"
#include "base/record.h"

namespace axl {

// The value of an xattr of that name; nullptr: there is none.
const std::string* FindXattr(const Metadata& meta, std::string_view name);

// The mode without its access list, whose mask the bits of the group were: group and others get what each entry grants
// that may have been about one of them. Nothing, if it is no list.
uint32_t ModeWithoutAcl(uint32_t mode, const std::string& acl);

// For a file that belongs to another group than its source: who is of that group had what others had, and the source's
// group, which is among the others now, what it had. Both lose what only one of them had.
uint32_t ModeForAnotherGroup(uint32_t mode);
// The same of a list: of its entries for the owning group and for others. A list that is none stays as it is.
std::string AclForAnotherGroup(const std::string& acl);
// The list as a mode of 0700 leaves it: nobody but the owner has anything. A list that is none stays as it is.
std::string ClosedAcl(const std::string& acl);
// The bits of others in it.
uint32_t OthersOf(const std::string& acl);

}  // namespace axl
