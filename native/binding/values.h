// Values on their way between C++ and JavaScript. lib/base/native.ts declares what they look like over there.
// Numbers of enumerations cross as they are; lib/ has the words for them.
#pragma once

#include <napi.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "transfer.h"

namespace axl {

// Bytes that are no text: a Buffer.
struct AsBytes {
  const std::string& bytes;
};

// {code, errno, errnoName, reason, syscall, path, dest, detail}; what there is not is left out. undefined if it is ok.
Napi::Value ToJs(Napi::Env env, const Status& status);
Napi::Value ToJs(Napi::Env env, const Counters& counters);
Napi::Value ToJs(Napi::Env env, const PlanCounts& counts);
Napi::Value ToJs(Napi::Env env, const AsBytes& value);
Napi::Value ToJs(Napi::Env env, const Time& time);  // nanoseconds
Napi::Value ToJs(Napi::Env env, const Uuid& uuid);  // in hex digits
inline Napi::Value ToJs(Napi::Env, Napi::Value value) { return value; }
inline Napi::Value ToJs(Napi::Env env, const std::string& text) { return Napi::String::New(env, text); }
inline Napi::Value ToJs(Napi::Env env, const char* text) { return Napi::String::New(env, text); }
inline Napi::Value ToJs(Napi::Env env, bool value) { return Napi::Boolean::New(env, value); }
template <typename T>
requires(std::is_enum_v<T> || (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>)) Napi::Value
    ToJs(Napi::Env env, T number) {
  return Napi::Number::New(env, static_cast<double>(number));
}
template <typename T>
Napi::Value ToJs(Napi::Env env, const std::optional<T>& value) {
  return value ? ToJs(env, *value) : env.Undefined();
}
template <typename T>
Napi::Value ToJs(Napi::Env env, const std::vector<T>& values) {
  Napi::Array array = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); i++) array.Set(i, ToJs(env, values[i]));
  return array;
}

// Sets fields: a name and its value, again and again. What is undefined is left out.
inline void Set(Napi::Object) {}
template <typename T, typename... Rest>
void Set(Napi::Object object, const char* name, const T& value, const Rest&... rest) {
  if (const Napi::Value field = ToJs(object.Env(), value); !field.IsUndefined()) object.Set(name, field);
  Set(object, rest...);
}
// An object of such fields.
template <typename... Fields>
Napi::Object Object(Napi::Env env, const Fields&... fields) {
  Napi::Object object = Napi::Object::New(env);
  Set(object, fields...);
  return object;
}

// Bytes of a Buffer.
std::string Bytes(const Napi::Value& value);
// NUL-terminated names, one after the other: a hundred thousand cross as one Buffer.
std::vector<std::string_view> Unpack(std::string_view packed);
std::vector<std::string> Names(const Napi::Value& packed);

void FromJs(const Napi::Value& value, std::string* out);  // text, or a Buffer
void FromJs(const Napi::Value& value, Uuid* out);         // a Buffer; zeros if it is empty
void FromJs(const Napi::Value& value, std::vector<std::string>* out);
inline void FromJs(const Napi::Value& value, bool* out) { *out = value.As<Napi::Boolean>(); }
template <typename T>
requires(std::is_enum_v<T> || std::is_integral_v<T>) void FromJs(const Napi::Value& value, T* out) {
  *out = static_cast<T>(value.As<Napi::Number>().Int64Value());
}
template <typename T>
T FromJs(const Napi::Value& value) {
  T out{};
  FromJs(value, &out);
  return out;
}
// Takes fields: a name and where its value goes, again and again.
inline void Take(const Napi::Object&) {}
template <typename T, typename... Rest>
void Take(const Napi::Object& object, const char* name, T* out, Rest... rest) {
  FromJs(object.Get(name), out);
  Take(object, rest...);
}

PlanOptions ReadPlanOptions(const Napi::Object& options);
TransferOptions ReadTransferOptions(const Napi::Object& options);
// Mover NUL token NUL "running" or "ended" NUL, one after the other; undefined: none.
JobAnswers ReadAnswers(const Napi::Value& packed);
// [{id, message}, ...]: what could not be moved, and why; and whether the job was to end early.
Arrivals ReadArrivals(const Napi::Value& failures, const Napi::Value& stays);

// The files that a mover gets, by columns.
struct Pending {
  std::shared_ptr<std::string> names = std::make_shared<std::string>();  // source NUL temporary NUL, for each file
  std::vector<uint32_t> ids = {};
  std::vector<double> sizes = {};
};
// What a transfer retires; `left`: what is known to stay.
Napi::Array ToJs(Napi::Env env, const std::vector<Retire>& retire, const std::vector<Left>& left);
Pending PendingOf(const Transfer& transfer);
Napi::Value ToJs(Napi::Env env, const Pending& files);

// A function of an object.
template <typename Function>
void Define(Napi::Object object, const char* name, Function function) {
  object.Set(name, Napi::Function::New(object.Env(), std::move(function), name));
}

// The report of a transfer by columns: 100,000 files are a few large buffers, from which lib/transfer/report.ts makes
// objects for those that somebody looks at.
class ReportColumns {
 public:
  // REQUIRES quiet.
  explicit ReportColumns(const Transfer& transfer);
  Napi::Object ToJs(Napi::Env env) const;

 private:
  void Add(const FileEntry& file, const FileProgress& progress, bool all_published);

  std::shared_ptr<std::string> names_;  // source NUL destination NUL, for each file; JavaScript keeps it
  std::vector<double> sizes_;
  std::vector<uint8_t> states_;  // FileState, and the flags below
  std::vector<uint8_t> phases_;
  std::vector<uint32_t> crcs_;
  std::vector<uint8_t> lacks_;    // bits kLacks...
  uint64_t links_copied_ = 0;     // hard links that became files
  std::vector<uint64_t> inodes_;  // of the files
  Lacking directories_;
  std::vector<std::string> not_copied_;
  std::vector<std::string> unmatched_;  // patterns of commit files
  bool lacks_manifest_ = false;
  std::vector<axl::Retire> retire_;
  std::vector<Left> left_;                             // of these
  std::vector<std::pair<uint32_t, Status>> failures_;  // by index
  Status failure_;                                     // the transfer's own
};

}  // namespace axl
