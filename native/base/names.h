// Names and paths as bytes: the temporary name of a final name, parents, what a safe path looks like; and of xattrs.
#pragma once

#include <string>
#include <string_view>

#include "base/record.h"

namespace axl {

// NAME._AXL<16 hex digits of the UUID>, in the same directory. A NAME that would pass NAME_MAX (255 bytes)
// is cut and carries a CRC of the whole instead.
std::string TemporaryName(std::string_view name, const Uuid& uuid);
std::string TemporaryPath(std::string_view path, const Uuid& uuid);
// Of a file of a transfer: what AXL has brought is at its temporary name, all else at ours.
std::string TemporaryNameOf(const TransferState& state, uint32_t file);
std::string TemporaryPathOf(const TransferState& state, uint32_t file);
// Where AXL puts the bytes of a file.
std::string AxlPathOf(const TransferState& state, uint32_t file);
// Of a temporary name, the hex digits of its transfer; empty: it is no temporary name.
std::string_view DigitsOfTemporary(std::string_view name);
// The name before them; empty where the name was, or may have been, cut.
std::string_view FinalOfTemporary(std::string_view name);

// Of a state file that is being made.
bool IsDraftName(std::string_view name);
// Of what this library leaves beside state files and destinations, and that is nobody's data: temporary files, drafts,
// verdicts, locks, unfinished reports, probes, what ranks say. lib/finalize/scan.ts knows the same.
bool IsOwnName(std::string_view name);
// Of the manifest of a rank: data, but never a state file.
bool IsManifestName(std::string_view name);
// Of a directory in which a file system shows what was: nothing can be deleted there, and nothing in it is of today.
bool IsSnapshot(std::string_view name);

std::string_view ParentOf(std::string_view path);  // "/" for "/x"
std::string_view BaseOf(std::string_view path);
std::string Join(std::string_view dir, std::string_view name);
// Is `path` the directory itself, or below it?
bool IsWithin(std::string_view path, std::string_view dir);

// The deepest directory that the final paths of these files have in common, but for what the transfer makes itself: a
// pointer stands beside what it leads to, or above. Empty: there is no other file.
template <class Files>
std::string CommonDirectory(const Files& files) {
  std::string_view common;
  for (const FileEntry& file : files) {
    if (file.source.empty()) continue;
    if (common.empty()) common = ParentOf(file.dest);
    while (!IsWithin(file.dest, common)) common = ParentOf(common);
  }
  return std::string(common);
}

// Absolute, no empty, "." or ".." component, no NUL, no trailing slash; at most 4,095 bytes.
bool IsCanonical(std::string_view path);
// The same, or "/".
bool IsCanonicalDirectory(std::string_view path);
// scheme:rest, which only a mover resolves.
bool IsUri(std::string_view path);

// Of transfers whose caller names no dataset: the same for all ranks that say the same, and for no others.
// `home`: the canonical path of the directory where the verdict lives.
Uuid DatasetId(const TransferInfo& info, std::string_view home, uint32_t user);
// The same for the same bytes.
Uuid IdOfBytes(std::string_view bytes);

inline constexpr const char* kAccessAcl = "system.posix_acl_access";
inline constexpr const char* kDefaultAcl = "system.posix_acl_default";  // of a directory
inline constexpr const char* kCapability = "security.capability";
// Is it an xattr that is copied: user.*, an access control list, a capability?
bool IsCopiedXattr(std::string_view name);

std::string Hex(const uint8_t* data, size_t n);

}  // namespace axl
