// From values to the bytes of a manifest; see text.h.
#include <array>
#include <cstdio>

#include "base/names.h"
#include "manifest/text.h"

namespace axl {

namespace {

constexpr std::string_view kBlank = " \t";

// RHash takes a file with such a byte for a binary one, and reads no further.
bool IsControl(char c) { return static_cast<unsigned char>(c) < 32 && c != '\t'; }

bool NeedsEscape(std::string_view name, size_t at) {
  const char c = name[at];
  return c == '\\' || IsControl(c) || (at + 1 == name.size() && kBlank.find(c) != std::string_view::npos);
}

void AppendEscape(char c, std::string* out) {
  *out += '\\';
  const auto byte = static_cast<uint8_t>(c);
  if (c == '\\')
    *out += '\\';
  else if (c == '\n')
    *out += 'n';
  else if (c == '\r')
    *out += 'r';
  else
    *out += "x" + Hex(&byte, 1);
}

// The name as it stands between parentheses. @returns whether anything was escaped
bool AppendName(std::string_view name, std::string* out) {
  bool escaped = false;
  if (name[0] == '*' || kBlank.find(name[0]) != std::string_view::npos) *out += "./";
  for (size_t i = 0; i < name.size(); i++) {
    const bool needs = NeedsEscape(name, i);
    escaped |= needs;
    if (needs)
      AppendEscape(name[i], out);
    else
      *out += name[i];
  }
  return escaped;
}

void AppendFile(const ManifestFile& file, std::string* out) {
  std::array<char, 96> numbers;
  const Time mtime = file.mtime.value_or(Time{});
  std::snprintf(numbers.data(), numbers.size(), "# %llu %lld.%09u\n",
                static_cast<unsigned long long>(file.size.value_or(0)), static_cast<long long>(mtime.sec), mtime.nsec);
  *out += numbers.data();
  std::string name;
  if (AppendName(file.name, &name)) *out += '\\';
  std::snprintf(numbers.data(), numbers.size(), ") = %08x\n", file.crc);
  out->append("CRC32C (").append(name).append(numbers.data());
}

}  // namespace

std::string ManifestName(uint32_t rank) { return ".axl-manifest." + std::to_string(rank); }

std::string ManifestText(const ManifestHead& head, const std::vector<ManifestFile>& files) {
  std::string out =
      "# axl-manifest 1\n# rank " + std::to_string(head.rank) + " of " + std::to_string(head.ranks) + "\n";
  if (head.dataset != Uuid{}) out += "# dataset " + Hex(head.dataset.data(), head.dataset.size()) + "\n";
  out += "# files " + std::to_string(files.size()) + "\n";
  for (const ManifestFile& file : files) AppendFile(file, &out);
  return out;
}

}  // namespace axl
