// From the bytes of a manifest to values; see text.h. Whatever the bytes are, nothing but a name that stays below the
// directory of the manifest comes out.
#include <algorithm>
#include <charconv>
#include <functional>

#include "manifest/text.h"

namespace axl {

namespace {

// A sentence for each of so many bad lines, and one for all others.
constexpr size_t kToldLines = 100;
constexpr size_t kDigits = 8;
constexpr uint64_t kBelieved = 1 << 20;  // files, before they are there: whatever a head says, it costs no more memory
constexpr size_t kLongestLine = 64 << 10;  // a name is at most PATH_MAX, each byte of it at most four
constexpr std::string_view kBefore = "CRC32C (", kBetween = ") = ";

// All of `text` is a number.
template <typename T>
bool Number(std::string_view text, T* out, int base = 10) {
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, *out, base);
  return error == std::errc() && at == end;
}

// What comes before the first `c`, which is taken with it; false: there is none.
bool Take(std::string_view* text, char c, std::string_view* before) {
  const size_t at = text->find(c);
  if (at == std::string_view::npos) return false;
  *before = text->substr(0, at);
  text->remove_prefix(at + 1);
  return true;
}

bool Skip(std::string_view* text, std::string_view prefix) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

bool ReadTime(std::string_view text, Time* out) {
  std::string_view seconds;
  return Take(&text, '.', &seconds) && Number(seconds, &out->sec) && text.size() == 9 && Number(text, &out->nsec);
}

bool ReadUuid(std::string_view text, Uuid* out) {
  bool ok = text.size() == 2 * out->size();
  for (size_t i = 0; ok && i < out->size(); i++) ok = Number(text.substr(2 * i, 2), &(*out)[i], 16);
  return ok;
}

// The byte that an escape stands for, which is cut from the text behind its backslash.
bool Unescape(std::string_view* text, char* out) {
  uint8_t byte = 0;
  if (Skip(text, "\\"))
    *out = '\\';
  else if (Skip(text, "n"))
    *out = '\n';
  else if (Skip(text, "r"))
    *out = '\r';
  else if (Skip(text, "x") && text->size() >= 2 && Number(text->substr(0, 2), &byte, 16)) {
    *out = static_cast<char>(byte);
    text->remove_prefix(2);
  } else
    return false;
  return true;
}

// With every escape replaced.
bool ReadEscapes(std::string_view text, std::string* out) {
  out->clear();
  while (!text.empty()) {
    char c = text[0];
    text.remove_prefix(1);
    if (c == '\\' && !Unescape(&text, &c)) return false;
    *out += c;
  }
  return true;
}

// Why it is no path below the directory of the manifest; nullptr: it is one.
const char* WrongPath(std::string_view name) {
  if (name.empty()) return "the name is empty";
  if (name[0] == '/') return "the path is absolute: a manifest names files below its own directory";
  if (name.find('\0') != std::string_view::npos) return "the name contains a NUL";
  for (size_t at = 0; at <= name.size();) {
    const size_t end = std::min(name.find('/', at), name.size());
    const std::string_view component = name.substr(at, end - at);
    if (component == "..") return "the path contains ..: a manifest names files below its own directory";
    if (component.empty() || component == ".") return "the path has an empty component, or .";
    at = end + 1;
  }
  return nullptr;
}

// Which of the files have a name already: their numbers, by the hash of their names. A table of its own, since a
// manifest may have millions of them, and a set would ask for memory for each.
class Taken {
 public:
  // Is it the name of one of them? If not, it will be that of the next.
  bool Add(std::string_view name, const std::vector<ManifestFile>& files) {
    if (2 * files.size() >= places_.size()) Grow();
    const auto hash = static_cast<uint32_t>(std::hash<std::string_view>{}(name));
    const Place* at = Find(hash, [&](uint32_t number) { return files[number - 1].name == name; });
    if (at->number != 0) return true;
    places_[static_cast<size_t>(at - places_.data())] = {hash, static_cast<uint32_t>(files.size() + 1)};
    return false;
  }

 private:
  struct Place {
    uint32_t hash = 0;
    uint32_t number = 0;  // from 1; 0: it is free
  };

  template <class IsIt>
  const Place* Find(uint32_t hash, IsIt is_it) const {
    const size_t mask = places_.size() - 1;
    size_t at = hash & mask;
    while (places_[at].number != 0 && !(places_[at].hash == hash && is_it(places_[at].number))) at = (at + 1) & mask;
    return &places_[at];
  }

  void Grow() {
    std::vector<Place> before(std::max<size_t>(16, 4 * places_.size()));
    before.swap(places_);
    for (const Place& place : before) {
      if (place.number == 0) continue;
      const Place* at = Find(place.hash, [](uint32_t) { return false; });
      places_[static_cast<size_t>(at - places_.data())] = place;
    }
  }

  std::vector<Place> places_;  // a power of two, at most half of them taken
};

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  Manifest Run(const std::function<std::string_view()>& next) {
    std::string begun;  // a line that goes on in the next piece
    for (std::string_view piece = next(); !piece.empty() && !refused_; piece = next()) {
      for (std::string_view line; !refused_ && Take(&piece, '\n', &line);) {
        TakeLine(begun.empty() ? line : Append(line, &begun));
        begun.clear();
      }
      (void)Append(piece, &begun);
    }
    if (!begun.empty() && !refused_) TakeLine(begun);
    if (refused_)
      out_.files.clear();
    else
      Conclude();
    return std::move(out_);
  }

 private:
  // No more of it than is needed to call it too long.
  static std::string_view Append(std::string_view more, std::string* line) {
    return line->append(more.substr(0, kLongestLine + 1 - line->size()));
  }

  void TakeLine(std::string_view line) {
    line_++;
    const char* why = line.size() > kLongestLine ? "the line is longer than any name" : Line(line);
    if (why != nullptr) Bad(why);
  }

  // Why it is bad.
  const char* Line(std::string_view line) {
    if (line.empty() || line[0] == ';') return nullptr;
    if (line[0] == '#') return Comment(line);
    const char* why = File(line);
    size_.reset();
    mtime_.reset();
    return why;
  }

  const char* Comment(std::string_view line) {
    if (line.size() > 2 && line[2] >= '0' && line[2] <= '9') return Size(line);
    if (Skip(&line, "# axl-manifest ")) return Version(line);
    if (Skip(&line, "# rank ")) return Rank(line);
    if (Skip(&line, "# dataset ")) return ReadUuid(line, &out_.head.dataset) ? nullptr : "# dataset has 32 hex digits";
    if (Skip(&line, "# files ")) {
      uint64_t files = 0;
      if (!Number(line, &files)) return "# files has a number";
      expected_ = files;
      out_.files.reserve(std::min(files, kBelieved));
    }
    return nullptr;
  }

  // Of the file in the next line.
  const char* Size(std::string_view line) {
    std::string_view size;
    uint64_t bytes = 0;
    Time mtime;
    if (Skip(&line, "# ") && Take(&line, ' ', &size) && Number(size, &bytes) && ReadTime(line, &mtime)) {
      size_ = bytes;
      mtime_ = mtime;
    }
    return nullptr;
  }

  const char* Version(std::string_view number) {
    headed_ = true;
    if (number == "1") return nullptr;
    refused_ = true;
    out_.problems.push_back(Status::Make(
        Code::kStateVersion, "the manifest was written by a later version: verify it with that version", path_));
    return nullptr;
  }

  const char* Rank(std::string_view line) {
    const size_t of = line.find(" of ");
    ManifestHead head = out_.head;
    const bool ok = of != std::string_view::npos && Number(line.substr(0, of), &head.rank) &&
                    Number(line.substr(of + 4), &head.ranks) && head.rank < head.ranks;
    if (!ok) return "# rank is RANK of RANKS, and the rank is less";
    out_.head = head;
    return nullptr;
  }

  const char* File(std::string_view line) {
    constexpr const char* kForm = "the line is not of the form CRC32C (NAME) = 8 hex digits";
    const bool escaped = Skip(&line, "\\");
    ManifestFile file{{}, 0, size_, mtime_};
    if (!Skip(&line, kBefore) || line.size() < kBetween.size() + kDigits) return kForm;
    const std::string_view digits = line.substr(line.size() - kDigits);
    line.remove_suffix(kDigits);
    if (!line.ends_with(kBetween) || !Number(digits, &file.crc, 16)) return kForm;
    line.remove_suffix(kBetween.size());
    if (escaped && !ReadEscapes(line, &unescaped_)) return "the name has an escape that is not known";
    std::string_view name = escaped ? unescaped_ : line;
    (void)Skip(&name, "./");
    if (const char* why = WrongPath(name)) return why;
    if (taken_.Add(name, out_.files)) return "the file was named before";
    file.name = out_.names.Keep(name);
    out_.files.push_back(file);
    return nullptr;
  }

  void Bad(const std::string& why) {
    if (++bad_ > kToldLines) return;
    out_.problems.push_back(Status::Make(Code::kStateCorrupt, "line " + std::to_string(line_) + ": " + why, path_));
  }

  void Conclude() {
    if (bad_ > kToldLines)
      Problem("and " + std::to_string(bad_ - kToldLines) + " more lines are bad: is it a manifest?");
    const uint64_t found = out_.files.size();
    if (headed_ && !expected_)
      Problem("the manifest is cut short: its head does not say how many files it has");
    else if (expected_ && found < *expected_ && bad_ < *expected_ - found)
      Problem("the manifest is cut short: it names " + std::to_string(found) + " of " + std::to_string(*expected_) +
              " files; restore it, or verify with the manifest of another copy");
    else if (!headed_ && found == 0 && bad_ == 0)
      Problem("it names no file: it is cut short, or no manifest");
  }

  void Problem(std::string why) { out_.problems.push_back(Status::Make(Code::kStateCorrupt, std::move(why), path_)); }

  const std::string& path_;
  Manifest out_;
  Taken taken_;
  std::string unescaped_;
  uint64_t line_ = 0, bad_ = 0;
  bool headed_ = false, refused_ = false;
  std::optional<uint64_t> expected_, size_;
  std::optional<Time> mtime_;
};

}  // namespace

std::string_view NameBlocks::Keep(std::string_view name) {
  if (block_ - used_ < name.size()) {
    constexpr size_t kLeast = 256, kMost = 64 << 10;  // of a manifest of one file; of a million
    block_ = std::max(std::clamp(2 * block_, kLeast, kMost), name.size());
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(block_));
    used_ = 0;
  }
  char* const at = blocks_.back().get() + used_;
  std::copy(name.begin(), name.end(), at);
  used_ += name.size();
  return {at, name.size()};
}

Manifest ReadManifest(const std::function<std::string_view()>& next, const std::string& path) {
  return Reader(path).Run(next);
}

Manifest ReadManifest(std::string_view text, const std::string& path) {
  return ReadManifest([&] { return std::exchange(text, {}); }, path);
}

}  // namespace axl
