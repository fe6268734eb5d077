// What axl-finalize passes and gets: options in, what was done or seen out. lib/base/native.ts declares the shapes.
#pragma once

#include <napi.h>

#include "finalizer.h"
#include "survey.h"

namespace axl {

Policy ReadPolicy(const Napi::Object& policy);
Word ReadWord(const Napi::Object& from);
// Counts, and an entry for each or for each problem.
Napi::Value ToJs(Napi::Env env, const std::vector<Finalized>& batch, bool all);
// Of a commit: how many are committed, and an entry for each that could not be.
Napi::Value CommittedToJs(Napi::Env env, const std::vector<Finalized>& batch);
Napi::Value ToJs(Napi::Env env, const Resumed& resumed);
Napi::Value ToJs(Napi::Env env, const Surveyed& surveyed);
// A survey with `transfer`, `files` and `directories`: all that the state file says.
Napi::Value ToJs(Napi::Env env, const Surveyed& surveyed, const Replay& replay);

}  // namespace axl
