// The table of docs/reference/kvtree.md, row by row: what becomes of a file of a transfer of AXL.
#include "finalize/axl_decide.h"

#include "test.h"

namespace axl::test {
namespace {

struct Row {
  const char* what;
  AxlSeen seen;
  AxlFate fate;
};

constexpr There kNone = There::kNothing, kWhole = There::kWhole, kShort = There::kShort, kLong = There::kLong,
                kOdd = There::kStrange;
constexpr Compared kNot = Compared::kNot, kEqual = Compared::kEqual, kDiffers = Compared::kDiffers;

constexpr AxlSeen Temporary(There temporary, There final = kNone, Renamed renamed = Renamed::kNo,
                            Compared compared = kNot) {
  return {.temporary = temporary, .final = final, .renamed = renamed, .compared = compared};
}
constexpr AxlSeen Final(There final, Renamed renamed = Renamed::kNo, Compared compared = kNot, bool trusts = false) {
  return {.trusts = trusts, .final = final, .renamed = renamed, .compared = compared};
}
constexpr AxlSeen InPlace(There final, Compared compared = kNot) {
  return {.extension = false, .final = final, .compared = compared};
}
constexpr AxlSeen Completed(There temporary, There final, bool extension = true) {
  return {.extension = extension, .completed = true, .temporary = temporary, .final = final};
}

constexpr Row kRows[] = {
    {"whole at its temporary name", Temporary(kWhole), AxlFate::kArrived},
    {"the same, and the older file still has the final name", Temporary(kWhole, kWhole), AxlFate::kArrived},
    {"the same as its source", Temporary(kWhole, kNone, Renamed::kNo, kEqual), AxlFate::kArrived},
    {"of the right size, with other bytes", Temporary(kWhole, kNone, Renamed::kNo, kDiffers), AxlFate::kIncomplete},
    {"short", Temporary(kShort), AxlFate::kIncomplete},
    {"short, beside an older file of the same size", Temporary(kShort, kWhole), AxlFate::kIncomplete},
    {"long", Temporary(kLong), AxlFate::kIncomplete},
    {"a link, or another user's", Temporary(kOdd), AxlFate::kCannotTell},
    {"nowhere", Final(kNone), AxlFate::kIncomplete},
    {"renamed", Final(kWhole, Renamed::kYes), AxlFate::kAtFinal},
    {"renamed, and another transfer has the temporary name", Temporary(kShort, kWhole, Renamed::kYes),
     AxlFate::kAtFinal},
    {"renamed, and that other one is whole", Temporary(kWhole, kWhole, Renamed::kYes), AxlFate::kAtFinal},
    {"an older file of the same size", Final(kWhole), AxlFate::kIncomplete},
    {"the same bytes, with another mtime", Final(kWhole, Renamed::kNo, kEqual), AxlFate::kAtFinal},
    {"an older file, and no metadata was to be copied", Final(kWhole, Renamed::kCannotTell), AxlFate::kCannotTell},
    {"the same, with its bytes", Final(kWhole, Renamed::kCannotTell, kEqual), AxlFate::kAtFinal},
    {"the same, with other bytes", Final(kWhole, Renamed::kCannotTell, kDiffers), AxlFate::kIncomplete},
    {"the same, and the caller vouches for it", Final(kWhole, Renamed::kCannotTell, kNot, true), AxlFate::kAtFinal},
    {"nobody vouches for other bytes", Final(kWhole, Renamed::kCannotTell, kDiffers, true), AxlFate::kIncomplete},
    {"of another size at the final name", Final(kLong), AxlFate::kIncomplete},
    {"in place, whole", InPlace(kWhole), AxlFate::kAtFinal},
    {"in place, with other bytes", InPlace(kWhole, kDiffers), AxlFate::kIncomplete},
    {"in place, short", InPlace(kShort), AxlFate::kPartial},
    {"in place, longer: AXL has not begun", InPlace(kLong), AxlFate::kIncomplete},
    {"in place, nothing", InPlace(kNone), AxlFate::kIncomplete},
    {"in place, a link", InPlace(kOdd), AxlFate::kCannotTell},
    {"completed", Completed(kNone, kWhole), AxlFate::kAtFinal},
    {"completed, and changed since", Completed(kNone, kLong), AxlFate::kAtFinal},
    {"completed, and a later transfer has the temporary name", Completed(kWhole, kWhole), AxlFate::kAtFinal},
    {"completed, and a power cut took the rename", Completed(kWhole, kNone), AxlFate::kArrived},
    {"completed, and a part of it is left", Completed(kShort, kNone), AxlFate::kLost},
    {"completed, and gone", Completed(kNone, kNone), AxlFate::kLost},
    {"completed in place, and gone", Completed(kNone, kNone, false), AxlFate::kLost},
};

TEST(WhatAxlLeftIsPublishedOnEvidenceThatItIsWholeAndOnNothingElse) {
  for (const Row& row : kRows)
    if (Decide(row.seen) != row.fate)
      Fail(__FILE__, __LINE__, std::string(row.what) + ": " + Show(Decide(row.seen)) + ", not " + Show(row.fate));
}

}  // namespace
}  // namespace axl::test
