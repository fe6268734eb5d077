#include "made.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <vector>

#include "base/crc32c.h"
#include "base/names.h"

namespace axl::test {

namespace {

constexpr size_t kHead = 4;  // lines of a manifest that come before its files

uint32_t Umask() {
  const mode_t mask = umask(0);
  (void)umask(mask);
  return mask;
}

Node Made(uint32_t kind, std::string content) {
  const uint32_t mode = kind == S_IFLNK ? 0777 : 0666 & ~Umask();
  return {kind, mode, geteuid(), getegid(), {}, std::move(content), {}};
}

std::string Line(const std::string& name, const Node& node) {
  char sum[16], about[64];
  std::snprintf(sum, sizeof sum, "%08x", Crc32c(0, node.content.data(), node.content.size()));
  std::snprintf(about, sizeof about, "# %zu %lld.%09u\n", node.content.size(), static_cast<long long>(node.mtime.sec),
                node.mtime.nsec);
  return about + ("CRC32C (" + name + ") = ") + sum + "\n";
}

// Two lines a file.
std::string Sorted(const std::string& manifest) {
  std::istringstream in(manifest);
  std::string head, line, next;
  for (size_t i = 0; i < kHead && std::getline(in, line); i++) head += line + "\n";
  std::vector<std::string> files;
  while (std::getline(in, line) && std::getline(in, next)) files.push_back(line + "\n" + next + "\n");
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) head += file;
  return head;
}

}  // namespace

void AddMade(Tree* tree, const Tree& others, const Uuid& dataset, const std::string& target) {
  std::string lines;
  int files = 0;
  for (const auto& [name, node] : *tree) {
    const auto other = others.find(name);
    if (!S_ISREG(node.kind) || (other != others.end() && other->second == node)) continue;
    lines += Line(name, node);
    files++;
  }
  const std::string head = "# axl-manifest 1\n# rank 0 of 1\n# dataset " + Hex(dataset.data(), dataset.size()) +
                           "\n# files " + std::to_string(files) + "\n";
  (*tree)[kManifest] = Made(S_IFREG, Sorted(head + lines));
  (*tree)[kLatest] = Made(S_IFLNK, target);
  (*tree)[kLatestText] = Made(S_IFREG, target + "\n");
}

void Settle(Tree* tree) {
  for (const char* name : {kManifest, kLatest, kLatestText}) {
    const auto found = tree->find(name);
    if (found != tree->end()) found->second.mtime = {};
  }
  if (const auto manifest = tree->find(kManifest); manifest != tree->end())
    manifest->second.content = Sorted(manifest->second.content);
}

}  // namespace axl::test
