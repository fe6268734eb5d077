#include "dataset/verdict.h"

#include <algorithm>
#include <cstring>

#include "base/codec.h"
#include "base/crc32c.h"

namespace axl {

constexpr Decision Last(Decision) { return Decision::kPublishInPhases; }
constexpr Scope Last(Scope) { return Scope::kEveryoneAtHome; }
static void Fields(Like<Verdict::Listed> auto& x, auto& v) { v(x.uuid, x.state_file); }
static void Fields(Like<Verdict> auto& x, auto& v) { v(x.decision, x.scope, x.dataset, x.name, x.size, x.transfers); }

namespace {

constexpr unsigned char kMagic[8] = {0x89, 'A', 'X', 'V', 0x0d, 0x0a, 0x1a, 0x0a};
constexpr uint32_t kVersion = 1;

bool IsStateFileName(const std::string& name) {
  if (name.empty() || name.find('\0') != std::string::npos || name == "." || name == "..") return false;
  return name[0] == '/' || name.find('/') == std::string::npos;
}

}  // namespace

bool Verdict::Concerns(const Uuid& transfer) const {
  return scope != Scope::kListed ||
         std::any_of(transfers.begin(), transfers.end(), [&](const Listed& listed) { return listed.uuid == transfer; });
}

std::string EncodeVerdict(const Verdict& verdict) {
  std::string out(reinterpret_cast<const char*>(kMagic), sizeof kMagic);
  Encoder put(&out);
  put(kVersion, verdict);
  put(Crc32c(0, out.data(), out.size()));
  return out;
}

bool DecodeVerdict(std::string_view bytes, Verdict* verdict) {
  uint32_t sum = 0, version = 0;
  if (bytes.size() < sizeof kMagic + sizeof sum || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0) return false;
  const std::string_view body = bytes.substr(0, bytes.size() - sizeof sum);
  Decoder(bytes.substr(body.size()))(sum);
  if (sum != Crc32c(0, body.data(), body.size())) return false;
  Decoder take(body.substr(sizeof kMagic));
  Verdict v;
  take(version, v);
  if (!take.Finished() || version != kVersion || (v.scope == Scope::kListed) == v.transfers.empty()) return false;
  for (const auto& [uuid, state_file] : v.transfers)
    if (!IsStateFileName(state_file)) return false;
  *verdict = std::move(v);
  return true;
}

}  // namespace axl
