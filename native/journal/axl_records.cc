#include "journal/axl_records.h"

#include <charconv>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/names.h"

namespace axl {

namespace {

using At = KvTree::At;
using namespace std::string_view_literals;

constexpr uint32_t kChunk = 8u << 20;  // of a resume; AXL records none
constexpr uint64_t kMaxSize = 1ull << 62;
enum AxlState : uint8_t { kCreated = 1, kDispatched, kWaiting, kCompleted, kCanceled };
enum AxlStatus : uint8_t { kAtSource = 1, kInProgress, kAtDestination, kError };
enum AxlType : uint8_t { kTypeSync = 2, kTypeDaemon, kTypeDataWarp, kTypeBbapi, kTypeNative, kTypeThreads };
constexpr const char* kTypes[] = {"axl:null", "axl:default", "axl:sync",   "axl:daemon",
                                  "axl:dw",   "axl:bbapi",   "axl:native", "axl:pthread"};

Status BadState(const std::string& what, size_t at) {
  return Status::Make(Code::kStateCorrupt, "a state file of AXL: " + what + " at byte " + std::to_string(at));
}

// Below one key. Each key that is asked for may be there once.
class Below {
 public:
  Below(const KvTree& tree, At of) : tree_(tree), of_(of) {}

  // kTop if there is none; the first failure of all calls is kept.
  At Find(std::string_view key) {
    At found = KvTree::kTop;
    for (At at = tree_.first(of_); at < tree_.end(of_); at = tree_.next(at)) {
      if (tree_.key(at) != key) continue;
      if (found != KvTree::kTop) Fail(std::string(key) + " stands twice", at);
      found = at;
    }
    return found;
  }
  bool Has(std::string_view key) { return Find(key) != KvTree::kTop; }

  // The one key below `key`, which has nothing below it.
  std::string_view Text(std::string_view key) {
    const At at = Find(key);
    if (at == KvTree::kTop) return Fail(std::string(key) + " is missing in what begins", of_), ""sv;
    const At value = tree_.first(at);
    if (value >= tree_.end(at) || tree_.next(value) != tree_.end(at) || !tree_.IsLeaf(value))
      return Fail(std::string(key) + " has not one value", at), ""sv;
    return tree_.key(value);
  }

  int64_t Number(std::string_view key, int64_t least, int64_t most) {
    const std::string_view text = Text(key);
    if (!status_.ok()) return least;
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size() && number >= least && number <= most) return number;
    Fail(std::string(key) + " is no number, or none that can be,", Find(key));
    return least;
  }
  bool Flag(std::string_view key) { return Number(key, 0, 1) == 1; }

  Time Moment(const std::string& key) {
    constexpr int64_t kNever = int64_t{1} << 40;
    const int64_t seconds = Number(key + "_SECS", -kNever, kNever);
    return {seconds, static_cast<uint32_t>(Number(key + "_NSECS", 0, 999'999'999))};
  }

  void Fail(const std::string& what, At at) {
    if (status_.ok()) status_ = BadState(what, tree_.offset(at));
  }
  const Status& status() const { return status_; }

 private:
  const KvTree& tree_;
  const At of_;
  Status status_;
};

// Without empty and "." components; as it is, if it could mean something else then.
std::string Tidy(std::string_view path) {
  std::string out;
  for (size_t at = 0; at < path.size();) {
    size_t end = path.find('/', at);
    if (end == std::string_view::npos) end = path.size();
    const std::string_view part = path.substr(at, end - at);
    if (!part.empty() && part != ".") out.append("/").append(part);
    at = end + 1;
  }
  return path.starts_with('/') && !out.empty() ? out : std::string(path);
}

// `._AXL`, or with the number of the transfer that IBM's BBAPI has given it. Empty: there is none.
std::string_view SuffixOf(std::string_view path) {
  const size_t digits = path.find_last_not_of("0123456789");
  constexpr std::string_view kMark = "._AXL";
  if (digits == std::string_view::npos || digits + 1 < kMark.size()) return {};
  const std::string_view before = path.substr(0, digits + 1);
  return before.ends_with(kMark) ? path.substr(before.size() - kMark.size()) : std::string_view();
}

class AxlReader {
 public:
  AxlReader(const KvTree& tree, AxlTransfer* out) : tree_(tree), top_(tree, KvTree::kTop), out_(*out) {}

  Status Run(bool* is_axl) {
    *is_axl = top_.Has("STATE") && top_.Has("STATUS") && top_.Has("TYPE");
    if (!*is_axl) return BadState("this is a KVTree file of another program", 0);
    if (!top_.Has("USE_EXTENSION") || !top_.Has("COPY_METADATA"))
      return Status::Make(Code::kStateVersion,
                          "an older AXL has written this state file, which does not say whether there are temporary "
                          "names: finalize it with that release");
    ReadTop();
    const At files = top_.Find("FILE");
    if (!top_.status().ok()) return top_.status();
    if (files == KvTree::kTop) return Status::Ok();
    for (At at = tree_.first(files); at < tree_.end(files); at = tree_.next(at))
      if (Status s = ReadFile(at); !s.ok()) return s;
    return Status::Ok();
  }

 private:
  void ReadTop() {
    const auto state = top_.Number("STATE", kCreated, kCanceled);
    const auto status = top_.Number("STATUS", kAtSource, kError);
    const auto type = top_.Number("TYPE", kTypeSync, kTypeThreads);
    extension_ = top_.Flag("USE_EXTENSION");
    described_ = top_.Flag("COPY_METADATA");
    TransferInfo& info = out_.info;
    if (top_.Has("NAME")) info.name = top_.Text("NAME");
    info.backend = kTypes[type];
    info.chunk_size = kChunk;
    const OwnerPolicy skip = OwnerPolicy::kSkip;
    info.keep = described_ ? Policies{.xattrs = skip, .acls = skip} : Policies{skip, skip, skip, skip, skip};
    out_.dispatched = state != kCreated;
    out_.canceled = state == kCanceled;
    info.axl.is = true;
    info.axl.completed = state == kCompleted && status == kAtDestination;
    info.axl.undone = state == kCanceled || status == kError || (state == kCompleted && status != kAtDestination);
    const bool moving = state == kDispatched || state == kWaiting;
    const bool fell_back = top_.Has("BB_Fallback") && top_.Flag("BB_Fallback");
    const bool elsewhere = type == kTypeDaemon || type == kTypeDataWarp || (type == kTypeBbapi && !fell_back);
    info.axl.vendor = elsewhere && moving && status != kAtDestination;
  }

  Status ReadFile(At at) {
    Below below(tree_, at);
    FileEntry file;
    file.source = Tidy(tree_.key(at));
    const std::string_view dest = below.Text("DEST");
    if (below.Number("STATUS", kAtSource, kError) == kError)
      out_.info.axl.failed.push_back(static_cast<uint32_t>(out_.files.size()));
    if (out_.dispatched) ReadMetadata(below, &file);
    if (!below.status().ok()) return below.status();
    if (Status s = ReadDestination(dest, at, &file); !s.ok()) return s;
    if (!IsCanonical(file.source) || !IsCanonical(file.dest))
      return BadState("a path is relative, too long, or has \"..\", in the file that begins", tree_.offset(at));
    out_.files.push_back(std::move(file));
    return Status::Ok();
  }

  static void ReadMetadata(Below& below, FileEntry* file) {
    constexpr int64_t kMaxId = std::numeric_limits<uint32_t>::max();
    file->size = static_cast<uint64_t>(below.Number("SIZE", 0, kMaxSize));
    file->meta.mode = static_cast<uint32_t>(below.Number("MODE", 0, kMaxId)) & 07777;
    file->meta.uid = static_cast<uint32_t>(below.Number("UID", 0, kMaxId));
    file->meta.gid = static_cast<uint32_t>(below.Number("GID", 0, kMaxId));
    file->meta.atime = below.Moment("ATIME");
    file->meta.mtime = below.Moment("MTIME");
  }

  Status ReadDestination(std::string_view dest, At at, FileEntry* file) {
    if (extension_) {
      const std::string_view suffix = SuffixOf(dest);
      std::string& common = out_.info.axl.suffix;
      if (suffix.empty()) return BadState("a DEST without ._AXL in the file that begins", tree_.offset(at));
      if (common.empty()) common = suffix;
      if (common != suffix) return BadState("a DEST with another suffix in the file that begins", tree_.offset(at));
      dest.remove_suffix(suffix.size());
      if (dest.ends_with('/')) return BadState("a DEST without a name in the file that begins", tree_.offset(at));
    }
    file->dest = Tidy(dest);
    return Status::Ok();
  }

  const KvTree& tree_;
  Below top_;
  AxlTransfer& out_;
  bool extension_ = false, described_ = false;
};

}  // namespace

Status ReadAxlTransfer(const KvTree& tree, AxlTransfer* out, bool* is_axl) {
  *out = {};
  return AxlReader(tree, out).Run(is_axl);
}

const char* HandOver(AxlTransfer transfer, const std::function<const char*(Record)>& take) {
  if (const char* broken = take(TransferRecord{std::move(transfer.info)})) return broken;
  SealedRecord sealed;
  std::set<std::string, std::less<>> parents;
  for (; !transfer.files.empty(); transfer.files.pop_front()) {
    FileEntry& file = transfer.files.front();
    sealed.bytes += file.size;
    parents.emplace(ParentOf(file.dest));
    if (const char* broken = take(FileRecord{sealed.files++, std::move(file)})) return broken;
  }
  if (!transfer.dispatched) return nullptr;
  // AXL makes the directories before it says that it has dispatched: from then on they have to be there.
  for (const std::string& parent : parents)
    if (const char* broken = take(AnchorRecord{sealed.anchors++, {parent, {}}})) return broken;
  if (const char* broken = take(sealed)) return broken;
  return transfer.canceled ? take(CanceledRecord()) : nullptr;
}

}  // namespace axl
