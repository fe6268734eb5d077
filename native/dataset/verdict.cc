#include "dataset/verdict.h"

#include <algorithm>
#include <cstring>

#include "base/crc32c.h"

namespace axl {

namespace {

constexpr unsigned char kMagic[8] = {0x89, 'A', 'X', 'V', 0x0d, 0x0a, 0x1a, 0x0a};
constexpr uint32_t kVersion = 1;

void PutU32(std::string* out, uint32_t v) {
  for (int shift = 0; shift < 32; shift += 8) out->push_back(static_cast<char>(v >> shift));
}

void PutString(std::string* out, std::string_view s) {
  PutU32(out, static_cast<uint32_t>(s.size()));
  out->append(s);
}

void PutUuid(std::string* out, const Uuid& uuid) {
  out->append(reinterpret_cast<const char*>(uuid.data()), uuid.size());
}

// Takes from the front. Nothing is read beyond the end: ok() is false from then on.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }
  size_t left() const { return rest_.size(); }

  std::string_view Bytes(size_t n) {
    if (n > rest_.size()) ok_ = false;
    if (!ok_) return {};
    const std::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }
  uint8_t U8() {
    const std::string_view b = Bytes(1);
    return ok_ ? static_cast<uint8_t>(b[0]) : 0;
  }
  uint32_t U32() {
    uint32_t v = 0;
    for (int shift = 0; shift < 32; shift += 8) v |= static_cast<uint32_t>(U8()) << shift;
    return v;
  }
  std::string String() { return std::string(Bytes(U32())); }
  Uuid Id() {
    Uuid uuid{};
    if (const std::string_view b = Bytes(uuid.size()); ok_) std::memcpy(uuid.data(), b.data(), b.size());
    return uuid;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

bool IsStateFileName(const std::string& name) {
  if (name.empty() || name.find('\0') != std::string::npos || name == "." || name == "..") return false;
  return name[0] == '/' || name.find('/') == std::string::npos;
}

bool TakeTransfers(Taker* in, Verdict* v) {
  const uint32_t count = in->U32();
  if (!in->ok() || count > in->left()) return false;
  v->transfers.resize(count);
  for (auto& [uuid, state_file] : v->transfers) {
    uuid = in->Id();
    state_file = in->String();
    if (!in->ok() || !IsStateFileName(state_file)) return false;
  }
  return in->done() && (v->scope == Scope::kListed) != v->transfers.empty();
}

}  // namespace

bool Verdict::Concerns(const Uuid& transfer) const {
  return scope != Scope::kListed ||
         std::any_of(transfers.begin(), transfers.end(), [&](const Listed& listed) { return listed.uuid == transfer; });
}

std::string EncodeVerdict(const Verdict& verdict) {
  std::string out(reinterpret_cast<const char*>(kMagic), sizeof kMagic);
  PutU32(&out, kVersion);
  out.push_back(static_cast<char>(verdict.decision));
  out.push_back(static_cast<char>(verdict.scope));
  PutUuid(&out, verdict.dataset);
  PutString(&out, verdict.name);
  PutU32(&out, verdict.size);
  PutU32(&out, static_cast<uint32_t>(verdict.transfers.size()));
  for (const auto& [uuid, state_file] : verdict.transfers) {
    PutUuid(&out, uuid);
    PutString(&out, state_file);
  }
  PutU32(&out, Crc32c(0, out.data(), out.size()));
  return out;
}

bool DecodeVerdict(std::string_view bytes, Verdict* verdict) {
  constexpr size_t kSum = sizeof(uint32_t);
  if (bytes.size() < sizeof kMagic + kSum || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0) return false;
  const std::string_view body = bytes.substr(0, bytes.size() - kSum);
  if (Taker(bytes.substr(body.size())).U32() != Crc32c(0, body.data(), body.size())) return false;
  Taker in(body.substr(sizeof kMagic));
  Verdict v;
  if (in.U32() != kVersion) return false;
  const uint8_t decision = in.U8(), scope = in.U8();
  if (decision < 1 || decision > 2 || scope < 1 || scope > 3) return false;
  v.decision = static_cast<Decision>(decision);
  v.scope = static_cast<Scope>(scope);
  v.dataset = in.Id();
  v.name = in.String();
  v.size = in.U32();
  if (!TakeTransfers(&in, &v)) return false;
  *verdict = std::move(v);
  return true;
}

}  // namespace axl
