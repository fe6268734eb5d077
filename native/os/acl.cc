// Version 2: a u32, then u16 tag, u16 permissions and u32 id of each entry, little-endian.
#include "os/acl.h"

#include <algorithm>
#include <initializer_list>

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

bool Has(const std::string& acl, Tag tag) { return Of(acl, tag, kAll + 1) <= kAll; }

// What every entry of these tags grants.
uint8_t AllOf(const std::string& acl, std::initializer_list<Tag> tags) {
  uint8_t all = kAll;
  for (size_t at = kHeader; at + kEntry <= acl.size(); at += kEntry)
    if (std::find(tags.begin(), tags.end(), TagAt(acl, at)) != tags.end()) all &= MayAt(acl, at);
  return all;
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
  // Each may be of the group, or one of the others.
  const uint8_t named = Has(acl, kUser) || Has(acl, kGroup) ? AllOf(acl, {kUser, kGroup}) & mask : kAll;
  return With(mode, Of(acl, kGroupObj, 0) & mask & named, Of(acl, kOther, 0) & named);
}

uint32_t ModeForAnotherGroup(uint32_t mode) {
  const uint32_t both = (mode >> 3) & mode & kAll;
  return With(mode, both, both);
}

std::string AclForAnotherGroup(const std::string& acl) {
  if (!IsAcl(acl)) return acl;
  std::string out = acl;
  const uint8_t both = Of(acl, kGroupObj, 0) & Of(acl, kOther, 0);
  // Who is of a group that is named, and of the new one, was not one of the others, and has what either grants.
  Set(&out, kGroupObj, both & AllOf(acl, {kGroup}));
  Set(&out, kOther, both & Of(acl, kMask, kAll));
  return out;
}

std::string ClosedAcl(const std::string& acl) {
  if (!IsAcl(acl)) return acl;
  std::string out = acl;
  const bool has_mask = Has(acl, kMask);
  Set(&out, has_mask ? kMask : kGroupObj, 0);
  Set(&out, kOther, 0);
  return out;
}

uint32_t OthersOf(const std::string& acl) { return Of(acl, kOther, 0); }

}  // namespace axl
