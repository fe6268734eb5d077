#include "finalize/axl_decide.h"

namespace axl {

namespace {

// AXL says so after its last rename. What became of the file since is its owner's business.
AxlFate OfCompleted(const AxlSeen& s) {
  if (s.final != There::kNothing) return AxlFate::kAtFinal;
  return s.extension && s.temporary == There::kWhole ? AxlFate::kArrived : AxlFate::kLost;
}

AxlFate OfInPlace(const AxlSeen& s) {
  if (s.final == There::kStrange) return AxlFate::kCannotTell;
  if (s.final == There::kWhole && s.compared != Compared::kDiffers) return AxlFate::kAtFinal;
  // What is longer, or has other bytes, AXL has perhaps not begun to write: it is what was there before.
  return s.final == There::kShort ? AxlFate::kPartial : AxlFate::kIncomplete;
}

AxlFate OfFinal(const AxlSeen& s) {
  if (s.final != There::kWhole || s.compared == Compared::kDiffers) return AxlFate::kIncomplete;
  if (s.compared == Compared::kEqual || s.trusts) return AxlFate::kAtFinal;
  // The file that stood there before may have the same size.
  return s.renamed == Renamed::kCannotTell ? AxlFate::kCannotTell : AxlFate::kIncomplete;
}

}  // namespace

AxlFate Decide(const AxlSeen& s) {
  if (s.completed) return OfCompleted(s);
  if (!s.extension) return OfInPlace(s);
  // Then what is at the temporary name is another transfer's: all those of AXL to a file have the same name.
  if (s.renamed == Renamed::kYes) return AxlFate::kAtFinal;
  switch (s.temporary) {
    case There::kNothing:
      return OfFinal(s);
    case There::kStrange:
      return AxlFate::kCannotTell;
    case There::kWhole:
      return s.compared == Compared::kDiffers ? AxlFate::kIncomplete : AxlFate::kArrived;
    default:
      return AxlFate::kIncomplete;
  }
}

}  // namespace axl
