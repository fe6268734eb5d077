// Reads two small files of the kernel directly, like process.cc: they are no part of what a test of ours makes fail.
#include "os/mounts.h"

#include <fstream>
#include <sstream>
#include <string_view>

namespace axl {

namespace {

std::string LineWith(const std::string& file, std::string_view begin) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(begin)) return line;
  return "";
}

}  // namespace

// ID parent major:minor root where options [more...] - type source options
Mount ParseMount(const std::string& line) {
  const size_t separator = line.find(" - ");
  if (separator == std::string::npos) return {};
  std::istringstream before(line.substr(0, separator)), behind(line.substr(separator + 3));
  std::string skipped, options;
  Mount mount;
  for (int field = 0; field < 5; field++) before >> skipped;
  before >> options;
  behind >> mount.type >> skipped >> mount.options;
  mount.options = options + "," + mount.options;
  return mount;
}

Mount MountOf(int fd) {
  std::istringstream line(LineWith("/proc/self/fdinfo/" + std::to_string(fd), "mnt_id:"));
  std::string key, id;
  line >> key >> id;
  return id.empty() ? Mount{} : ParseMount(LineWith("/proc/self/mountinfo", id + " "));
}

}  // namespace axl
