// How the engine reports failure: as data, to the last layer. Nothing here throws or prints.
// The binding turns a Status into an AxlError; axl-finalize prints one sentence of it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace axl {

// Stable: lib/base/errors.ts has the same list, in the same order.
enum class Code : uint8_t {
  kOk = 0,
  kInvalidState,    // AXL_INVALID_STATE: the call does not fit the transfer's state
  kTransferFailed,  // AXL_TRANSFER_FAILED: a file of the transfer failed; the report says which
  kIo,              // AXL_IO: a system call failed; `err` and `call` say how
  kSourceChanged,   // AXL_SOURCE_CHANGED: a source is not what it was at dispatch
  kVerify,          // AXL_VERIFY: a file is not what the journal, or a manifest, says
  kStateCorrupt,    // AXL_STATE_CORRUPT: the state file cannot be believed; nothing was touched
  kStateLocked,     // AXL_STATE_LOCKED: its writer, or a finalizer, is at work on it
  kStateVersion,    // AXL_STATE_VERSION: written by another version of the format
  kStateExists,     // AXL_STATE_EXISTS: a state file of that name is there; use Transfer.open
  kCanceled,        // AXL_CANCELED
  kNotSupported,    // AXL_NOT_SUPPORTED: a FIFO, socket, device, dangling link ...
  kUnsafePath,      // AXL_UNSAFE_PATH: relative, "..", through a link, or not ours
  kConflict,        // AXL_CONFLICT: two names that cannot both hold
  kUnavailable,     // AXL_BACKEND_UNAVAILABLE: moved by something that this program does not know, or cannot reach
  kStateCopy,       // AXL_STATE_COPY: a copy of the state file that the writer made; nothing was touched
};
inline constexpr Code kLastCode = Code::kStateCopy;

struct [[nodiscard]] Status {
  Code code = Code::kOk;
  int err = 0;         // errno, 0 if no system call failed
  std::string call;    // the system call, empty if none failed
  std::string path;    // bytes, not UTF-8
  std::string dest;    // the second path of the call, if it has one
  std::string detail;  // a sentence without the paths, for what errno cannot say

  bool ok() const { return code == Code::kOk; }
  friend bool operator==(const Status&, const Status&) = default;

  static Status Ok() { return {}; }
  static Status Errno(int err, std::string call, std::string path, std::string dest = {}) {
    return {Code::kIo, err, std::move(call), std::move(path), std::move(dest), {}};
  }
  static Status Make(Code code, std::string detail, std::string path = {}) {
    return {code, 0, {}, std::move(path), {}, std::move(detail)};
  }
};

// "ENOSPC" for ENOSPC, "E123" for a number without a name.
std::string ErrnoName(int err);
// "AXL_IO" for Code::kIo.
const char* CodeName(Code code);

}  // namespace axl
