// What JavaScript sees of PMIx. Its promises do not keep the process alive, and some are never settled.
#pragma once

#include <napi.h>

#include "binding/environment.h"

namespace axl {

// Adds pmixLoad, pmixOpen, pmixAllTrue, pmixBarrier, pmixClose and pmixLost; lib/base/native.ts has their shape.
// `environment` lives longer than `exports`.
void DefinePmix(Napi::Object exports, Environment& environment);

}  // namespace axl
