// Names as bytes; see names.h. Pure functions, no system call.
#include "base/names.h"

#include "base/crc32c.h"

namespace axl {
namespace {

constexpr size_t kMaxName = 255;   // NAME_MAX
constexpr size_t kMaxPath = 4095;  // PATH_MAX without its NUL
constexpr std::string_view kMark = "._AXL";
constexpr size_t kDigits = 16;
constexpr size_t kSuffix = kMark.size() + kDigits;
// A cut name: 225 bytes, "~" and 8 hex digits, the suffix: 255 in all.
constexpr size_t kSum = 1 + 8;
constexpr size_t kCut = kMaxName - kSuffix - kSum;
constexpr std::string_view kHex = "0123456789abcdef";

bool IsCanonicalComponent(std::string_view c) { return !c.empty() && c != "." && c != ".."; }

// FNV-1a of 128 bits.
class Sum {
 public:
  void Add(std::string_view bytes) {
    for (const char c : bytes) sum_ = (sum_ ^ static_cast<uint8_t>(c)) * kPrime;
  }
  void Add(uint64_t n) {
    for (int shift = 0; shift < 64; shift += 8) sum_ = (sum_ ^ static_cast<uint8_t>(n >> shift)) * kPrime;
  }
  Uuid Take() const {
    Uuid out;
    for (size_t i = 0; i < out.size(); i++) out[i] = static_cast<uint8_t>(sum_ >> (8 * i));
    return out;
  }

 private:
  __extension__ using Wide = unsigned __int128;
  static constexpr Wide kPrime = (Wide{1} << 88) + 0x13b;
  Wide sum_ = (Wide{0x6c62272e07bb0142} << 64) + 0x62b821756295c58d;
};

}  // namespace

bool IsCopiedXattr(std::string_view name) {
  return name.starts_with("user.") || name == kAccessAcl || name == kDefaultAcl || name == kCapability;
}

std::string Hex(const uint8_t* data, size_t n) {
  std::string out;
  out.reserve(2 * n);
  for (size_t i = 0; i < n; i++) {
    out += kHex[data[i] >> 4];
    out += kHex[data[i] & 15];
  }
  return out;
}

std::string TemporaryName(std::string_view name, const Uuid& uuid) {
  std::string out(name);
  if (name.size() > kMaxName - kSuffix) {
    const uint32_t crc = Crc32c(0, name.data(), name.size());
    const uint8_t bytes[4] = {static_cast<uint8_t>(crc >> 24), static_cast<uint8_t>(crc >> 16),
                              static_cast<uint8_t>(crc >> 8), static_cast<uint8_t>(crc)};
    out.resize(kCut);
    out += "~" + Hex(bytes, sizeof bytes);
  }
  return out.append(kMark) + Hex(uuid.data(), kDigits / 2);
}

std::string_view DigitsOfTemporary(std::string_view name) {
  if (name.size() <= kSuffix || name.size() > kMaxName) return {};
  const std::string_view digits = name.substr(name.size() - kDigits);
  const bool is = name.substr(name.size() - kSuffix, kMark.size()) == kMark &&
                  digits.find_first_not_of(kHex) == std::string_view::npos;
  return is ? digits : std::string_view();
}

std::string_view FinalOfTemporary(std::string_view name) {
  if (DigitsOfTemporary(name).empty()) return {};
  const std::string_view rest = name.substr(0, name.size() - kSuffix);
  const bool cut = rest.size() == kCut + kSum && rest[kCut] == '~' &&
                   rest.find_first_not_of(kHex, kCut + 1) == std::string_view::npos;
  return cut ? std::string_view() : rest;
}

bool IsDraftName(std::string_view name) {
  constexpr size_t kDraftDigits = 32;
  return name.size() == kDraftDigits + 5 && name.starts_with('.') && name.ends_with(".new") &&
         name.substr(1, kDraftDigits).find_first_not_of(kHex) == std::string_view::npos;
}

bool IsOwnName(std::string_view name) {
  constexpr std::string_view kBegins = ".axl-";
  if (!DigitsOfTemporary(name).empty() || IsDraftName(name)) return true;
  if (!name.starts_with(kBegins)) return false;
  for (const std::string_view kind : {"finalize.", "verdict.", "report.", "comm-", "probe-"})
    if (name.substr(kBegins.size()).starts_with(kind)) return true;
  return false;
}

bool IsManifestName(std::string_view name) {
  constexpr std::string_view kManifest = ".axl-manifest.";
  return name.starts_with(kManifest) && name.size() > kManifest.size() &&
         name.find_first_not_of("0123456789", kManifest.size()) == std::string_view::npos;
}

bool IsSnapshot(std::string_view name) { return name == ".snapshot" || name == ".snapshots" || name == ".zfs"; }

std::string TemporaryPath(std::string_view path, const Uuid& uuid) {
  return Join(ParentOf(path), TemporaryName(BaseOf(path), uuid));
}

std::string AxlPathOf(const TransferState& state, uint32_t file) {
  return state.files[file].dest + state.info.axl.suffix;
}

std::string TemporaryPathOf(const TransferState& state, uint32_t file) {
  return state.progress[file].by_axl ? AxlPathOf(state, file) : TemporaryPath(state.files[file].dest, state.uuid);
}

std::string TemporaryNameOf(const TransferState& state, uint32_t file) {
  return std::string(BaseOf(TemporaryPathOf(state, file)));
}

std::string_view ParentOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  return path.substr(0, slash == 0 ? 1 : slash);
}

std::string_view BaseOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string Join(std::string_view dir, std::string_view name) {
  std::string out;
  out.reserve(dir.size() + 1 + name.size());
  out.append(dir);
  if (!out.empty() && out.back() != '/') out += '/';
  return out.append(name);
}

bool IsWithin(std::string_view path, std::string_view dir) {
  if (!path.starts_with(dir)) return false;
  return path.size() == dir.size() || dir.ends_with('/') || path[dir.size()] == '/';
}

bool IsCanonical(std::string_view path) {
  if (path.empty() || path.size() > kMaxPath || path[0] != '/') return false;
  if (path.find('\0') != std::string_view::npos) return false;
  for (size_t at = 1; at <= path.size();) {
    size_t end = path.find('/', at);
    if (end == std::string_view::npos) end = path.size();
    if (!IsCanonicalComponent(path.substr(at, end - at))) return false;
    at = end + 1;
  }
  return true;
}

bool IsCanonicalDirectory(std::string_view path) { return path == "/" || IsCanonical(path); }

bool IsUri(std::string_view path) {
  constexpr std::string_view kScheme = "abcdefghijklmnopqrstuvwxyz0123456789+.-";
  const size_t colon = path.find_first_not_of(kScheme);
  return path.size() <= kMaxPath && path.find('\0') == std::string_view::npos && colon != std::string_view::npos &&
         path[colon] == ':' && path[0] >= 'a' && path[0] <= 'z' && colon + 1 < path.size();
}

Uuid DatasetId(const TransferInfo& info, std::string_view home, uint32_t user) {
  Sum sum;
  for (const std::string_view text : {std::string_view(info.name), std::string_view(info.job), home}) {
    sum.Add(text.size());
    sum.Add(text);
  }
  for (const uint64_t number : {uint64_t{info.size}, info.attempt, uint64_t{user}}) sum.Add(number);
  return sum.Take();
}

Uuid IdOfBytes(std::string_view bytes) {
  Sum sum;
  sum.Add(bytes.size());
  sum.Add(bytes);
  return sum.Take();
}

}  // namespace axl
