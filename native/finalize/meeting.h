// Transfers of a batch that go to the same final names. What is dispatched later is newer, and comes last: when the
// older one is durably done with, and when the newer one has said durably that it may replace what that one put there.
// So a run that is killed anywhere is followed by one that does the same.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "finalize/opening.h"

namespace axl {

// The open cases in the order of their dispatch; those that are not open stay where they are.
std::vector<Case*> InOrderOfDispatch(std::span<Case> cases);

// REPLACES for each final name that `newer` has in common with `older`, which is complete, but for what `newer` says
// already. *meet: have they any in common?
std::vector<Record> Replacements(const TransferState& older, const TransferState& newer, bool* meet);

struct Meeting {
  uint32_t older, newer;  // places in the order
};

// Transfers of AXL that put the same file at one temporary name, unless AXL has completed them: nobody can tell whose
// it is, so none of them is touched.
void RefuseSharedByAxl(std::span<Case> cases);

// Has each newer one say in its journal, durably, what it may replace. If one cannot, all that meet fail.
std::vector<Meeting> LetReplace(const std::vector<Case*>& in_order);

}  // namespace axl
