// The home of a dataset, for finalizers in lib/. lib/base/native.ts declares the shapes.
#pragma once

#include <napi.h>

#include <memory>

#include "binding/environment.h"

namespace axl {

void DefineHome(Napi::Object exports, const std::shared_ptr<Environment>& environment);

}  // namespace axl
