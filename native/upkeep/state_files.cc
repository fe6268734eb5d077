// Reads the beginning of each regular file. Directories are opened without following links.
#include "upkeep/state_files.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <string_view>

#include "base/names.h"
#include "journal/axl_file.h"
#include "journal/format.h"
#include "journal/kvtree.h"
#include "journal/reader.h"
#include "os/metadata.h"

namespace axl {

namespace {

constexpr int kListings = 10;
constexpr size_t kBeginning = 16 << 10;  // with all of a TRANSFER record
using namespace std::string_view_literals;
// What begins with one of these may be a state file that somebody has compressed, or whose blocks were lost.
constexpr std::array kDisguises = {"\x1f\x8b"sv,
                                   "\x28\xb5\x2f\xfd"sv,
                                   "\xfd"
                                   "7zXZ"sv,
                                   "BZh"sv,
                                   "\x04\x22\x4d\x18"sv,
                                   "PK\x03\x04"sv,
                                   "\0\0\0\0\0\0\0\0"sv,
                                   "\x1f\x9d"sv};

Identified Unclear(Status why) { return {Answer::kCannotTell, std::move(why), {}, {}}; }

Identified MayBe(const char* what, const std::string& path) {
  return Unclear(Status::Make(Code::kStateCorrupt,
                              std::string(what) + ", and may have been a state file: restore it, or remove it", path));
}

bool BeginsLike(const std::string& bytes, std::string_view magic) {
  const size_t n = std::min(bytes.size(), magic.size());
  return n > 0 && std::memcmp(bytes.data(), magic.data(), n) == 0;
}

Identified OfOther(const std::string& bytes, const std::string& path) {
  if (bytes.empty()) return MayBe("the file is empty", path);
  if (BeginsLike(bytes, {kJournalMagic, sizeof kJournalMagic})) return MayBe("the file is cut short", path);
  const auto is = [&](std::string_view disguise) { return bytes.size() > 8 && BeginsLike(bytes, disguise); };
  if (std::any_of(kDisguises.begin(), kDisguises.end(), is)) return MayBe("the file is compressed or zeroed", path);
  return {};
}

// Of a large one only the beginning is here: it is one of AXL then, for SCR's own files are small.
Identified OfKvTree(const std::string& bytes) {
  Replay replay;
  bool is_axl = false;
  (void)ReplayAxl(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), &replay, &is_axl);
  if (!is_axl) return {};
  return {Answer::kYes, {}, replay.state.uuid, replay.state.info.name};
}

Identified OfBytes(const std::string& bytes, const std::string& path) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  if (IsKvTree(data, bytes.size())) return OfKvTree(bytes);
  if (!Recognize(data, bytes.size())) return OfOther(bytes, path);
  Identified found{Answer::kYes, {}, {}, {}};
  Replay replay;
  (void)ReplayJournal(data, bytes.size(), &replay);
  found.name = replay.state.info.name;
  if (ReadUuid(data, bytes.size(), &found.uuid)) return found;
  found.is = Answer::kCannotTell;
  found.why = Status::Make(
      Code::kStateCorrupt,
      "the header of the state file is damaged, so which temporary files are its own cannot be told", path);
  return found;
}

Identified OfFile(Os& os, const std::string& path, int flags) {
  Fd fd(os, os.Open(AT_FDCWD, path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | flags));
  if (fd.error() == ENOENT) return {};
  if (!fd.valid()) return Unclear(Status::Errno(fd.error(), "open", path));
  std::string bytes;
  if (Status s = ReadBeginning(os, fd.get(), path, &bytes); !s.ok()) return Unclear(std::move(s));
  return OfBytes(bytes, path);
}

// What a link leads to.
Identified OfLink(Os& os, const std::string& path) {
  struct stat st;
  const int r = os.Stat(AT_FDCWD, path.c_str(), &st, 0);
  if (r == -ENOENT) return MayBe("the link leads to nothing", path);
  if (r < 0) return Unclear(Status::Errno(-r, "stat", path));
  if (S_ISDIR(st.st_mode))
    return Unclear(Status::Make(Code::kUnsafePath,
                                "the link leads to a directory that was not searched: give that directory, too", path));
  return S_ISREG(st.st_mode) ? OfFile(os, path, 0) : Identified{};
}

// Locks, verdicts, reports, probes and manifests of ours; and drafts, of which there are no temporary files yet. A
// temporary file may be the copy of a state file.
bool IsOurs(const std::string& name) {
  return (IsOwnName(name) && DigitsOfTemporary(name).empty()) || IsManifestName(name);
}

class StateFileSearch {
 public:
  StateFileSearch(Os& os, Engine& engine, const std::string& dir, unsigned jobs)
      : os_(os), engine_(engine), top_(dir), jobs_(jobs) {}

  StateFiles Run() {
    pending_.push_back(top_);
    while (!pending_.empty()) {
      const std::string dir = std::move(pending_.back());
      pending_.pop_back();
      if (Status s = Enter(dir); !s.ok()) found_.unclear.push_back(std::move(s));
    }
    return std::move(found_);
  }

 private:
  Status Enter(const std::string& dir) {
    Fd fd(os_, os_.OpenNoLinks(AT_FDCWD, dir.c_str(), O_RDONLY | O_DIRECTORY));
    if (fd.error() == ENOENT && dir != top_) return Status::Ok();
    if (!fd.valid()) return Status::Errno(fd.error(), "open", dir);
    std::vector<std::string> names;
    if (Status s = ListWhole(fd.get(), dir, &names); !s.ok()) return s;
    std::vector<Identified> each(names.size());
    std::vector<std::string> directories(names.size());
    engine_.ParallelFor(names.size(), jobs_,
                        [&](size_t i) { each[i] = Entry(Join(dir, names[i]), names[i], &directories[i]); });
    for (const std::string& below : directories)
      if (!below.empty()) pending_.push_back(below);
    for (Identified& one : each) Count(std::move(one));
    return Status::Ok();
  }

  // Some file systems skip entries of a directory that shrinks while it is listed. All that was ever seen counts.
  Status ListWhole(int fd, const std::string& dir, std::vector<std::string>* names) {
    std::set<std::string> seen;
    for (int attempt = 0; attempt < kListings; attempt++) {
      struct stat before, after;
      std::vector<OsDirEntry> entries;
      if (const int r = os_.Fstat(fd, &before); r < 0) return Status::Errno(-r, "fstat", dir);
      if (const int r = os_.List(fd, &entries); r < 0) return Status::Errno(-r, "readdir", dir);
      if (const int r = os_.Fstat(fd, &after); r < 0) return Status::Errno(-r, "fstat", dir);
      for (const OsDirEntry& entry : entries) seen.insert(entry.name);
      if (TimeOf(before.st_mtim) != TimeOf(after.st_mtim)) continue;
      names->assign(seen.begin(), seen.end());
      return Status::Ok();
    }
    return Status::Make(Code::kConflict, "the directory changes while it is listed: run this again", dir);
  }

  Identified Entry(const std::string& path, const std::string& name, std::string* directory) {
    struct stat st;
    const int r = os_.Stat(AT_FDCWD, path.c_str(), &st, AT_SYMLINK_NOFOLLOW);
    if (r == -ENOENT || IsOurs(name)) return {};
    if (r < 0) return Unclear(Status::Errno(-r, "stat", path));
    if (S_ISDIR(st.st_mode)) *directory = path;
    if (S_ISLNK(st.st_mode)) return LeadsInside(path) ? Identified{} : OfLink(os_, path);
    return Identify(os_, path);
  }

  // What is searched anyway.
  bool LeadsInside(const std::string& path) {
    std::string real;
    struct stat st;
    return os_.RealPath(path.c_str(), &real) == 0 && IsWithin(real, top_) &&
           os_.Stat(AT_FDCWD, real.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
  }

  void Count(Identified one) {
    if (one.is == Answer::kNo) return;
    found_.count += one.is == Answer::kYes;
    if (one.uuid != Uuid{}) found_.uuids.push_back(one.uuid);
    if (one.is == Answer::kCannotTell) found_.unclear.push_back(std::move(one.why));
  }

  Os& os_;
  Engine& engine_;
  const std::string top_;
  const unsigned jobs_;
  std::vector<std::string> pending_;
  StateFiles found_;
};

}  // namespace

Identified Identify(Os& os, const std::string& path) {
  struct stat st;
  const int r = os.Stat(AT_FDCWD, path.c_str(), &st, AT_SYMLINK_NOFOLLOW);
  if (r < 0 && r != -ENOENT) return Unclear(Status::Errno(-r, "stat", path));
  return r == 0 && S_ISREG(st.st_mode) ? OfFile(os, path, O_NOFOLLOW) : Identified{};
}

Status ReadBeginning(Os& os, int fd, const std::string& path, std::string* bytes) {
  bytes->resize(kBeginning);
  const ssize_t n = ReadFull(os, fd, bytes->data(), bytes->size(), 0);
  if (n < 0) return Status::Errno(static_cast<int>(-n), "read", path);
  bytes->resize(static_cast<size_t>(n));
  return Status::Ok();
}

StateFiles FindStateFiles(Os& os, Engine& engine, const std::string& dir, unsigned jobs) {
  return StateFileSearch(os, engine, dir, jobs).Run();
}

}  // namespace axl
