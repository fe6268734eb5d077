// Fuzzes names.h and what reads other text from outside: /proc/PID/stat, names of drafts. The rules are written here a
// second time, in a simpler way.
#include <cctype>
#include <sstream>
#include <vector>

#include "base/names.h"
#include "check.h"
#include "os/process.h"

namespace axl::fuzz {
namespace {

bool IsCanonicalPath(const std::string& path) {
  if (path.empty() || path.size() > 4095 || path[0] != '/' || path.back() == '/') return false;
  std::istringstream components(path.substr(1));
  for (std::string c; std::getline(components, c, '/');)
    if (c.empty() || c == "." || c == ".." || c.find('\0') != std::string::npos) return false;
  return true;
}

void CheckPath(const std::string& path) {
  PROPERTY(IsCanonical(path) == IsCanonicalPath(path));
  PROPERTY(IsWithin(path, path));
  if (!IsCanonical(path)) return;
  const std::string parent(ParentOf(path)), base(BaseOf(path));
  PROPERTY(Join(parent, base) == path && !base.empty());
  PROPERTY(parent == "/" || IsCanonical(parent));
  PROPERTY(IsWithin(path, parent) && !IsWithin(parent, path) && !IsWithin(path + "x", path));
}

void CheckTemporary(const std::string& name, const Uuid& uuid) {
  const std::string temporary = TemporaryName(name, uuid);
  PROPERTY(temporary.ends_with("._AXL" + Hex(uuid.data(), 8)) && temporary != name);
  PROPERTY(name.size() > 234 ? temporary.size() == 255 : temporary.starts_with(name));
  PROPERTY((name.find('/') == std::string::npos) <= (temporary.find('/') == std::string::npos));
}

// The kernel writes everything but the name, which may be any bytes.
void CheckStat(std::string name) {
  for (char& c : name)
    if (c == '\0') c = ')';
  std::string text = "1234 (" + name + ") S";
  for (int field = 4; field < 22; field++) text += " " + std::to_string(field);
  const ProcessStat stat = ParseProcessStat(text + " 987654321 0 0\n");
  PROPERTY(stat.state == 'S' && stat.start_time == 987654321);
  (void)ParseProcessStat(name);
}

}  // namespace
}  // namespace axl::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t n) {
  using namespace axl::fuzz;
  const std::string bytes(reinterpret_cast<const char*>(data), n);
  CheckPath(bytes);
  CheckPath("/" + bytes);
  axl::Uuid uuid{};
  bytes.copy(reinterpret_cast<char*>(uuid.data()), uuid.size());
  CheckTemporary(bytes, uuid);
  CheckStat(bytes);
  return 0;
}
