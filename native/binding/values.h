// Values on their way between C++ and JavaScript. lib/base/native.ts declares what they look like over there.
// Numbers of enumerations cross as they are; lib/ has the words for them.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "transfer.h"

namespace axl {

// {code, errno, errnoName, reason, syscall, path, dest, detail}; what there is not is left out.
Napi::Object ToJs(Napi::Env env, const Status& status);
Napi::Object ToJs(Napi::Env env, const Counters& counters);

// Small ones.
Napi::Value ToBuffer(Napi::Env env, const std::string& bytes);
uint32_t Uint(const Napi::Object& options, const char* key);
double Double(uint64_t n);
// Bytes of a Buffer.
std::string Bytes(const Napi::Value& value);
// NUL-terminated names, one after the other: a hundred thousand cross as one Buffer.
std::vector<std::string_view> Unpack(std::string_view packed);

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
Pending PendingOf(const Transfer& transfer);
Napi::Object ToJs(Napi::Env env, const Pending& files);

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
  std::vector<uint32_t> crcs_;
  std::vector<std::pair<uint32_t, Status>> failures_;  // by index
  Status failure_;                                     // the transfer's own
};

}  // namespace axl
