// What operators ask for: temporary files without a state file. lib/base/native-upkeep.ts declares the shapes.
#pragma once

#include <napi.h>

#include <memory>

#include "binding/environment.h"

namespace axl {

void DefineUpkeep(Napi::Object exports, const std::shared_ptr<Environment>& environment);

}  // namespace axl
