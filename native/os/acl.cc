// Version 2: a u32, then u16 tag, u16 permissions and u32 id of each entry, little-endian.
#include "os/acl.h"

#include <vector>

namespace axl {

namespace {

constexpr size_t kHeader = 4, kEntry = 8;
constexpr uint8_t kVersion = 2;
enum Tag : uint8_t { kUserObj = 0x01, kUser = 0x02, kGroupObj = 0x04, kGroup = 0x08, kMask = 0x10, kOther = 0x20 };
constexpr uint8_t kAll = 7;

uint8_t TagAt(const std::string& acl, size_t at) { return static_cast<uint8_t>(acl[at]); }
uint8_t MayAt(const std::string& acl, size_t at) { return static_cast<uint8_t>(acl[at + 2]) & kAll; }

bool IsAcl(const std::string& acl) {
  return acl.size() > kHeader && (acl.size() - kHeader) % kEntry == 0 && static_cast<uint8_t>(acl[0]) == kVersion;
}

// What the entries of a tag grant; `none` if there is no such entry.
uint8_t Of(const std::string& acl, Tag tag, uint8_t none) {
  for (size_t at = kHeader; at + kEntry <= acl.size(); at += kEntry)
    if (TagAt(acl, at) == tag) return MayAt(acl, at);
  return none;
}

void Set(std::string* acl, Tag tag, uint8_t may) {
  for (size_t at = kHeader; at + kEntry <= acl->size(); at += kEntry)
    if (TagAt(*acl, at) == tag) (*acl)[at + 2] = static_cast<char>(may);
}

uint32_t With(uint32_t mode, uint32_t group, uint32_t others) { return (mode & ~077u) | group << 3 | others; }

}  // namespace

const std::string* FindXattr(const Metadata& meta, std::string_view name) {
  for (const Xattr& xattr : meta.xattrs)
    if (xattr.name == name) return &xattr.value;
  return nullptr;
}

uint32_t ModeWithoutAcl(uint32_t mode, const std::string& acl) {
  if (!IsAcl(acl)) return With(mode, 0, 0);
  const uint8_t mask = Of(acl, kMask, kAll);
  uint8_t named = kAll;  // what every user and group that is named may: each may be of the group, or one of the others
  for (size_t at = kHeader; at < acl.size(); at += kEntry)
    if (TagAt(acl, at) == kUser || TagAt(acl, at) == kGroup) named &= MayAt(acl, at) & mask;
  return With(mode, Of(acl, kGroupObj, 0) & mask & named, Of(acl, kOther, 0) & named);
}

uint32_t ModeForAnotherGroup(uint32_t mode) {
  const uint32_t both = (mode >> 3) & mode & kAll;
  return With(mode, both, both);
}

std::string AclForAnotherGroup(const std::string& acl) {
  if (!IsAcl(acl)) return acl;
  std::string out = acl;
  const uint8_t group = Of(acl, kGroupObj, 0), others = Of(acl, kOther, 0);
  Set(&out, kGroupObj, group & others);
  Set(&out, kOther, group & others & Of(acl, kMask, kAll));
  return out;
}

uint32_t OthersOf(const std::string& acl) { return Of(acl, kOther, 0); }

}  // namespace axl
