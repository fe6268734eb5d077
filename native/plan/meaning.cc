// The spelling of a path; see meaning.h.
#include "plan/meaning.h"

namespace axl {

Meaning MeaningOf(std::string_view path) {
  Meaning out;
  out.path.reserve(path.size());
  std::string_view last;
  for (size_t at = 0; at < path.size();) {
    size_t end = path.find('/', at);
    if (end == std::string_view::npos) end = path.size();
    const std::string_view component = path.substr(at, end - at);
    if (!component.empty()) last = component;
    if (!component.empty() && component != ".") out.path.append("/").append(component);
    at = end + 1;
  }
  if (out.path.empty()) out.path = "/";
  out.contents = last == ".";
  out.directory = path.ends_with('/') || out.contents || last == "..";
  return out;
}

bool HasDotDot(std::string_view path) {
  for (size_t at = path.find("/.."); at != std::string_view::npos; at = path.find("/..", at + 1))
    if (at + 3 == path.size() || path[at + 3] == '/') return true;
  return false;
}

bool HasWildcard(std::string_view path) { return path.find_first_of("*?[{") != std::string_view::npos; }

}  // namespace axl
