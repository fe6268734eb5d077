// What long work asks again and again: is it to end soon?
#pragma once

#include <atomic>

#include "base/status.h"

namespace axl {

// For work that nobody ends early.
inline constinit const std::atomic<bool> kGoOn{false};

inline Status Canceled() { return Status::Make(Code::kCanceled, "canceled"); }

}  // namespace axl
