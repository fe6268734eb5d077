// native/manifest as functions that return promises. lib/base/native-manifest.ts declares the shapes.
#pragma once

#include <napi.h>

#include <memory>

#include "binding/environment.h"

namespace axl {

void DefineManifest(Napi::Object exports, const std::shared_ptr<Environment>& environment);

}  // namespace axl
