// What is to become of a file of a transfer of AXL, by what is seen of it: one table, without I/O. AXL leaves the
// STATUS of a file as it was before the copy, so nothing but the disk tells how far it came; and what is not told
// counts for nothing. See docs/reference/kvtree.md.
#pragma once

#include <cstdint>

namespace axl {

// At a name: compared with the SIZE that AXL recorded.
enum class There : uint8_t {
  kNothing,
  kWhole,
  kShort,
  kLong,
  kStrange  // no regular file, of another user, or with a second name
};
// At the final name of a transfer with temporary names, what is whole: is it what AXL has renamed?
enum class Renamed : uint8_t {
  kNo,          // it is not whole, or has another mtime than AXL would have given it
  kCannotTell,  // AXL was not to copy metadata
  kYes          // it has the mtime of its source, which AXL gives before it renames the first file
};
enum class Compared : uint8_t { kNot, kEqual, kDiffers };  // with the source, where that is what it was

struct AxlSeen {
  bool extension = true;   // there are temporary names
  bool completed = false;  // AXL has said that all is done
  bool trusts = false;     // --verify none
  There temporary = There::kNothing;
  There final = There::kNothing;
  Renamed renamed = Renamed::kNo;
  Compared compared = Compared::kNot;  // what is at the temporary name; or, if nothing is, at the final one
};

enum class AxlFate : uint8_t {
  kArrived,     // whole at its temporary name: to be published
  kAtFinal,     // at its final name
  kIncomplete,  // to be copied again, or rolled back
  kPartial,     // the same, and a part of it stands at the final name
  kCannotTell,
  kLost,  // AXL has said that it is there, and it is not
};

AxlFate Decide(const AxlSeen& seen);

}  // namespace axl
