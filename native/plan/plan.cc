// The plan's names: who may be planned where, the directories made on the way, and undoing a failed add.
// What a path means: meaning.h, what it is on the disk: paths.cc. Trees: walk.cc. Metadata: describe.cc.
#include "plan/plan.h"

#include <fcntl.h>

#include <cerrno>
#include <iterator>
#include <utility>

#include "base/names.h"
#include "journal/format.h"
#include "os/metadata.h"

namespace axl {
namespace {

constexpr size_t kMaxPath = 4095;
constexpr size_t kMaxName = 255;

// Neither a path nor its temporary name may pass the kernel's limits: better now than at dispatch.
Status CheckLength(const std::string& path) {
  const bool too_long = path.size() > kMaxPath || BaseOf(path).size() > kMaxName ||
                        (path.size() > kMaxPath - kMaxName && TemporaryPath(path, Uuid{}).size() > kMaxPath);
  return too_long ? Status::Errno(ENAMETOOLONG, "open", path) : Status::Ok();
}

// The journal's limit, told now and not when it is read back.
Status CheckCount(size_t planned) {
  if (planned < kMaxFiles) return Status::Ok();
  return Status::Make(Code::kNotSupported, "a transfer can have 4,000,000 files and as many directories: split it");
}

Status Conflict(const char* detail, const std::string& source, const std::string& dest) {
  Status status = Status::Make(Code::kConflict, detail, source);
  status.dest = dest;
  return status;
}

Status TooFew(uint64_t files, uint64_t at_least) {
  Status status = Status::Errno(ENOENT, "", "");
  status.detail = std::to_string(files) + " files were found, and atLeast wants " + std::to_string(at_least) +
                  ": look at the names, the patterns and the directory";
  return status;
}

template <class T>
bool TakeFront(std::deque<T>* from, T* out) {
  if (from->empty()) return false;
  *out = std::move(from->front());
  from->pop_front();
  return true;
}

}  // namespace

Plan::Mark Plan::Here() {
  newly_described_.clear();
  return {files_.size(), dirs_.size(), existing_.size(), counts_};
}

Status Plan::KeepOrUndo(Status status, const Mark& mark) {
  if (status.ok()) return status;
  for (size_t index : newly_described_) dir_sources_[index] = {};
  expected_.erase(expected_.lower_bound(static_cast<uint32_t>(mark.files)), expected_.end());
  std::erase_if(first_names_, [&](const auto& name) { return name.second >= mark.files; });
  for (; files_.size() > mark.files; files_.pop_back()) names_.erase(files_.back().dest);
  for (; dirs_.size() > mark.dirs; dirs_.pop_back()) names_.erase(dirs_.back().path);
  for (; existing_.size() > mark.existing; existing_.pop_back()) names_.erase(existing_.back().path);
  file_sources_.resize(mark.files);
  dir_sources_.resize(mark.dirs);
  counts_ = mark.counts;
  return status;
}

const Plan::Known* Plan::Find(std::string_view path) const {
  const auto found = names_.find(path);
  return found == names_.end() ? nullptr : &found->second;
}

Status Plan::Add(const Pairs& pairs, PlanOptions options) { return AddEach(pairs, options, &Plan::AddNamed); }

Status Plan::AddAs(const Pairs& pairs, PlanOptions options) { return AddEach(pairs, options, &Plan::AddExactly); }

Status Plan::AddEach(const Pairs& pairs, PlanOptions options, AddOne add) {
  const Mark mark = Here();
  Status status;
  for (size_t i = 0; status.ok() && i + 1 < pairs.size(); i += 2)
    status = (this->*add)(std::string(pairs[i]), std::string(pairs[i + 1]), options);
  if (const uint64_t files = counts_.files - mark.counts.files; status.ok() && files < options.at_least)
    status = TooFew(files, options.at_least);
  if (status.ok() && options.expected != nullptr)
    status = Expect(pairs, mark.files, add == &Plan::AddNamed, *options.expected);
  return KeepOrUndo(std::move(status), mark);
}

Status Plan::AddNamed(const std::string& given, const std::string& dest, PlanOptions options) {
  Source source;
  Target target;
  bool skip = false;
  PlanOptions looking = options;
  if (options.links == Links::kDefault) looking.links = Links::kFollow;
  Status status = LookUp(given, looking, &source, &skip);
  if (!status.ok() || skip) return status;
  if (Status s = RefuseOwn(source); !s.ok()) return s;
  if (Status s = Locate(dest, true, &target); !s.ok()) return s;
  const Known* known = Find(target.path);
  const bool is_dir = target.is_dir || (known != nullptr && known->kind != Name::kFile);
  if (target.must_be_dir && target.exists && !is_dir) return NoDirectory(target.path, "destination");
  if (!source.contents && (is_dir || target.must_be_dir)) {
    counts_.nested += !target.must_be_dir && S_ISDIR(source.st.st_mode) && BaseOf(target.path) == BaseOf(source.path);
    target = {.path = Join(target.path, BaseOf(source.path))};
    if (Status s = LookAt(&target); !s.ok()) return s;
    // What is there of this name is replaced, and not what it leads to; only directories are merged.
    if (Status s = S_ISDIR(source.st.st_mode) ? GoThrough(&target) : Status::Ok(); !s.ok()) return s;
  }
  if (!S_ISDIR(source.st.st_mode)) return AddEntry(std::move(source), std::move(target));
  return AddTree(std::move(source), std::move(target), options);
}

Status Plan::AddExactly(const std::string& given, const std::string& dest, PlanOptions options) {
  Source source;
  Target target;
  bool skip = false;
  PlanOptions looking = options;
  if (options.links == Links::kDefault) looking.links = Links::kCopy;
  Status status = LookUp(given, looking, &source, &skip);
  if (!status.ok() || skip) return status;
  bool own = false;
  if (status = IsOwn(AT_FDCWD, source.path.c_str(), source, &own); !status.ok() || own) {
    counts_.skipped += own;
    return status;
  }
  if (LeaveDraft(source)) return Status::Ok();
  if (Status s = Locate(dest, S_ISDIR(source.st.st_mode), &target); !s.ok()) return s;
  return AddEntry(std::move(source), std::move(target));
}

Status Plan::AddEntry(Source source, Target target) {
  if (Status s = AddParents(target.path); !s.ok()) return s;
  if (S_ISDIR(source.st.st_mode)) return AddDirectory(std::move(source), std::move(target));
  return AddFile(std::move(source), std::move(target));
}

// REQUIRES: the parents of target are known.
bool Plan::IsSpared(const Target& target) const {
  struct stat st;
  return target.exists && BaseOf(spared_) == BaseOf(target.path) &&
         os_.Stat(AT_FDCWD, spared_.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && IdOf(st) == target.id;
}

// May a file get this final path?
Status Plan::CheckFileTarget(const std::string& source, const Target& target) {
  if (IsSpared(target)) return Conflict("the destination is the state file", source, target.path);
  if (target.is_dir) return Status::Errno(EISDIR, "rename", source, target.path);
  if (target.exists && IsSpecial(target.kind)) return Conflict(kNotReplaced, source, target.path);
  if (!DigitsOfTemporary(BaseOf(target.path)).empty())
    return Conflict("the destination is called like a temporary file, and what is so called is deleted as an orphan",
                    source, target.path);
  if (const Known* known = Find(target.path)) {
    const bool twice = known->kind == Name::kFile;
    return Conflict(
        twice ? "another source has this destination already" : "the plan has a directory at this destination", source,
        target.path);
  }
  Status status = CheckLength(target.path);
  if (status.ok())
    status = CheckName(target.path, TemporaryName(BaseOf(target.path), Uuid{}).size(), "its temporary name");
  return status.ok() ? CheckCount(files_.size()) : status;
}

FileEntry& Plan::PushFile(std::string source, Target target, FileSource from) {
  FileEntry& file = files_.emplace_back();
  file.source = std::move(source);
  file.dest = std::move(target.path);
  file_sources_.push_back(from);
  names_.emplace(file.dest, Known{Name::kFile, files_.size() - 1});
  return file;
}

Status Plan::AddFile(Source source, Target target) {
  const Id id = IdOf(source.st);
  if (target.exists && (target.id == id || target.followed == id))
    return Conflict("the source is its own destination", source.path, target.path);
  Status status = CheckFileTarget(source.path, target);
  if (status.ok()) status = CheckLength(source.path);
  if (!status.ok()) return status;
  FileEntry& file = PushFile(std::move(source.path), std::move(target), {source.followed, source.synced});
  file.kind = S_ISLNK(source.st.st_mode) ? FileKind::kSymlink : FileKind::kRegular;
  file.phase = commit_files_.PhaseOf(file.dest, source.as);
  if (keep_hard_links_ && S_ISREG(source.st.st_mode) && source.st.st_nlink > 1) {
    const auto name = first_names_.try_emplace({id.dev, id.ino}, static_cast<uint32_t>(files_.size() - 1));
    if (!name.second) file.kind = FileKind::kHardLink;
    file.linked = name.second ? 0 : name.first->second;
  }
  file.size = static_cast<uint64_t>(source.st.st_size);
  counts_.files++;
  counts_.bytes += file.size;
  return Status::Ok();
}

// REQUIRES: the parents of target are known.
Status Plan::AddDirectory(Source source, Target target) {
  if (target.exists && target.id == IdOf(source.st))
    return Conflict("the source is its own destination", source.path, target.path);
  if (const Known* known = Find(target.path)) {
    if (known->kind == Name::kFile)
      return Conflict("the plan has a file where a directory is needed", source.path, target.path);
    // Of sources whose contents are put together the first describes their directory.
    const bool described = known->kind == Name::kExistingDir || !dir_sources_[known->index].path.empty();
    if (known->kind == Name::kExistingDir || (described && source.contents)) return Status::Ok();
    return DescribeBy(known->index, std::move(source));
  }
  if (target.is_dir) {
    PushExisting(std::move(target));
    return Status::Ok();
  }
  if (target.exists) {
    Status status = Status::Errno(ENOTDIR, "mkdir", target.path);
    if (target.to_dir) status.detail = "a tree is not copied through a symbolic link: remove the link";
    return status;
  }
  Status status = CheckNewDir(target.path);
  if (status.ok()) PushDir(std::move(target.path), {std::move(source.path), source.followed});
  return status;
}

Status Plan::CheckNewDir(const std::string& path) {
  Status status = CheckLength(path);
  if (status.ok()) status = CheckName(path, BaseOf(path).size(), "its name");
  return status.ok() ? CheckCount(dirs_.size()) : status;
}

// A directory of the plan gets its source: a parent may have been planned before its own source was added.
Status Plan::DescribeBy(size_t dir, Source source) {
  DirSource& have = dir_sources_[dir];
  if (!have.path.empty()) return Conflict("another source has this destination already", source.path, dirs_[dir].path);
  have = {std::move(source.path), source.followed};
  newly_described_.push_back(dir);
  return Status::Ok();
}

// Makes every directory above dest known, and plans those that are not there.
Status Plan::AddParents(std::string_view dest) {
  std::vector<std::string> missing;
  std::vector<Target> existing;
  std::string_view path = dest;
  while (path != "/") {
    path = ParentOf(path);
    if (const Known* known = Find(path)) {
      if (known->kind == Name::kFile)
        return Conflict("the plan has a file where a directory is needed", std::string(path), std::string(dest));
      if (known->kind != Name::kExistingDir || !existing.empty()) break;
      if (Status status = MakeAnchor(&existing_[known->index]); !status.ok()) return status;
      break;
    }
    // Whatever is above an existing directory exists.
    Target target{.path = std::string(path)};
    target.is_dir = !existing.empty();
    if (Status s = target.is_dir ? Status::Ok() : LookAt(&target); !s.ok()) return s;
    if (target.exists && !target.is_dir) return Status::Errno(ENOTDIR, "mkdir", target.path);
    if (target.is_dir)
      existing.push_back(std::move(target));
    else
      missing.push_back(std::move(target.path));
  }
  for (size_t i = 0; i < existing.size(); i++) {
    PushExisting(std::move(existing[i]));
    existing_.back().anchor = i == 0;
  }
  for (; !missing.empty(); missing.pop_back()) {
    if (Status s = CheckNewDir(missing.back()); !s.ok()) return s;
    PushDir(std::move(missing.back()), {});
  }
  return Status::Ok();
}

void Plan::PushDir(std::string path, DirSource source) {
  DirEntry& dir = dirs_.emplace_back();
  dir.path = std::move(path);
  dir_sources_.push_back(std::move(source));
  names_.emplace(dir.path, Known{Name::kDir, dirs_.size() - 1});
  counts_.dirs++;
}

void Plan::PushExisting(Target target) {
  existing_.push_back({std::move(target.path), std::move(target.identity), false});
  names_.emplace(existing_.back().path, Known{Name::kExistingDir, existing_.size() - 1});
}

// Something is put into it. It may have been known before only as what is above another.
Status Plan::MakeAnchor(Existing* dir) {
  dir->anchor = true;
  if (dir->identity.inode != 0) return Status::Ok();
  Target target{.path = dir->path};
  Status status = LookAt(&target);
  if (status.ok()) dir->identity = std::move(target.identity);
  return status;
}

std::vector<Anchor> Plan::Anchors() const {
  std::vector<Anchor> anchors;
  for (const Existing& dir : existing_)
    if (dir.anchor) anchors.push_back({dir.path, dir.identity});
  return anchors;
}

// The names refer to the strings. To clear a map takes as long as it is large, also if nothing is in it.
void Plan::ForgetNames() {
  if (!names_.empty()) names_.clear();
}

bool Plan::Take(FileEntry* out) {
  ForgetNames();
  return TakeFront(&files_, out);
}

bool Plan::Take(DirEntry* out) {
  ForgetNames();
  return TakeFront(&dirs_, out);
}

void Plan::Return(std::vector<FileEntry> files, std::vector<DirEntry> dirs) {
  for (; !files.empty(); files.pop_back()) files_.push_front(std::move(files.back()));
  for (; !dirs.empty(); dirs.pop_back()) dirs_.push_front(std::move(dirs.back()));
  NameAll();
}

// All names anew.
void Plan::NameAll() {
  names_.clear();
  for (size_t i = 0; i < files_.size(); i++) names_.emplace(files_[i].dest, Known{Name::kFile, i});
  for (size_t i = 0; i < dirs_.size(); i++) names_.emplace(dirs_[i].path, Known{Name::kDir, i});
  for (size_t i = 0; i < existing_.size(); i++) names_.emplace(existing_[i].path, Known{Name::kExistingDir, i});
}

void Plan::Clear() {
  names_.clear();
  files_.clear();
  first_names_.clear();
  expected_.clear();
  contents_.clear();
  dirs_.clear();
  file_sources_.clear();
  dir_sources_.clear();
  existing_.clear();
  counts_ = {};
}

}  // namespace axl
