#include "options.h"

#include <getopt.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <iostream>
#include <optional>
#include <ranges>
#include <string_view>

namespace axl::faults {
namespace {

constexpr const char* kUsage =
    "usage: axl_faults --root DIR --report FILE [--only CALL,...] [--at N --fault FAULT] [--trace FILE] -- COMMAND...\n"
    "FAULT: errno=NAME, kill, die, torn, short, delay=MS or pause=FILE (until FILE, which is made then, is removed), "
    "at\n"
    "the Nth system call of COMMAND and its children that names a file in DIR; errno=NAME+ and delay=MS+ at all later\n"
    "ones, too. Without it they are only counted.\n";

struct NamedErrno {
  std::string_view name;
  int value;
};

constexpr NamedErrno kErrnos[] = {
    {"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EINTR", EINTR},   {"ESTALE", ESTALE},
    {"EACCES", EACCES}, {"EROFS", EROFS},   {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM}, {"ENOENT", ENOENT},
    {"EPERM", EPERM},   {"EEXIST", EEXIST}, {"EINVAL", EINVAL}, {"ENOSYS", ENOSYS}, {"EOPNOTSUPP", EOPNOTSUPP},
};

struct NamedFault {
  std::string_view name;
  Fault fault;
};

constexpr NamedFault kPlainFaults[] = {
    {"kill", Fault::kKill}, {"die", Fault::kDie}, {"torn", Fault::kTorn}, {"short", Fault::kShort}};

std::optional<uint64_t> Number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool ParseErrno(std::string_view text, Options* out) {
  const auto found = std::ranges::find(kErrnos, text, &NamedErrno::name);
  if (found == std::end(kErrnos)) return false;
  out->fault = Fault::kErrno;
  out->value = found->value;
  return true;
}

bool ParseFault(std::string_view text, Options* out) {
  const size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  std::string_view value = equals == std::string_view::npos ? "" : text.substr(equals + 1);
  out->lasting = (name == "errno" || name == "delay") && value.ends_with('+');
  if (out->lasting) value.remove_suffix(1);
  if (name == "errno") return ParseErrno(value, out);
  if (name == "delay") {
    out->fault = Fault::kDelay;
    out->value = static_cast<int>(Number(value).value_or(0));
    return out->value > 0;
  }
  if (name == "pause") {
    out->fault = Fault::kPause;
    out->paused = value;
    return value.starts_with('/');
  }
  const auto found = std::ranges::find(kPlainFaults, text, &NamedFault::name);
  if (found == std::end(kPlainFaults)) return false;
  out->fault = found->fault;
  return true;
}

bool ParseCalls(std::string_view text, std::vector<const Call*>* out) {
  for (const auto part : std::views::split(text, ',')) {
    const Call* call = FindCall(std::string_view(&*part.begin(), std::ranges::distance(part)));
    if (call == nullptr) return false;
    out->push_back(call);
  }
  return !out->empty();
}

bool ParseOption(int option, std::string_view value, Options* out) {
  switch (option) {
    case 'r':
      out->root = value;
      return value.starts_with('/') && !value.ends_with('/');
    case 'o':
      return ParseCalls(value, &out->calls);
    case 'n':
      out->at = Number(value).value_or(0);
      return out->at > 0;
    case 'f':
      return ParseFault(value, out);
    case 'j':
      out->report = value;
      return true;
    case 't':
      out->trace = value;
      return true;
    default:
      return false;
  }
}

bool IsWhole(const Options& options) {
  return !options.root.empty() && !options.report.empty() && *options.command != nullptr &&
         (options.at > 0) == (options.fault != Fault::kNone);
}

}  // namespace

bool ParseOptions(int argc, char** argv, Options* out) {
  const option options[] = {{"root", required_argument, nullptr, 'r'},
                            {"only", required_argument, nullptr, 'o'},
                            {"at", required_argument, nullptr, 'n'},
                            {"fault", required_argument, nullptr, 'f'},
                            {"report", required_argument, nullptr, 'j'},
                            {"trace", required_argument, nullptr, 't'},
                            {nullptr, 0, nullptr, 0}};
  bool valid = true;
  for (int given; valid && (given = getopt_long(argc, argv, "+", options, nullptr)) != -1;)
    valid = ParseOption(given, optarg == nullptr ? "" : optarg, out);
  out->command = argv + optind;
  if (out->calls.empty())
    for (const Call& call : AllCalls()) out->calls.push_back(&call);
  if (valid && IsWhole(*out)) return true;
  std::cerr << kUsage;
  return false;
}

}  // namespace axl::faults
