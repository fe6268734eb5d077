// What a transfer will copy, before dispatch: AXL's rules for adding, the walk through directories, conflicts.
// Nothing here makes or changes a file. One caller at a time.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/engine.h"
#include "base/record.h"
#include "base/status.h"
#include "base/stop.h"
#include "os/os.h"
#include "plan/commit_files.h"

namespace axl {

enum class Links : uint8_t { kDefault = 0, kFollow = 1, kCopy = 2, kSkip = 3 };

// What a manifest says of a source.
struct ExpectedSource {
  uint32_t crc = 0;
  std::optional<uint64_t> size = {};
};
using ExpectedSources = std::map<std::string, ExpectedSource>;  // by absolute path, without links

struct PlanOptions {
  // kDefault: follow a named source, copy a link inside a tree.
  Links links = Links::kDefault;
  bool contents = false;                      // of a named directory, what is in it, as if its path ended with "/."
  bool sync_source = false;                   // what its writer has mapped is on the disk before it is described
  uint64_t at_least = 0;                      // files; with fewer the add fails: ENOENT
  std::vector<std::string> manifests = {};    // paths: what they say is expected
  const ExpectedSources* expected = nullptr;  // of them; what is added has to be among these
  PublishAs publish = PublishAs::kDefault;    // kAsAdded: nor are drafts of commit files left out of trees
};

struct PlanCounts {
  uint64_t files = 0;
  uint64_t dirs = 0;
  uint64_t bytes = 0;    // the sum of FileEntry::size
  uint64_t skipped = 0;  // temporary files and state files of transfers, which are nobody's data
  uint64_t nested = 0;   // directories that went into one of the same name, which the caller may not have meant
  uint64_t drafts = 0;   // of commit files, which somebody is still writing
  friend bool operator==(const PlanCounts&, const PlanCounts&) = default;
};

class Plan {
 public:
  // Once `*stop` is true, what takes long ends early: kCanceled.
  explicit Plan(Os& os, const std::atomic<bool>& stop = kGoOn) : os_(os), stop_(stop) {}
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  // Names of one inode become names of one inode again, unless this says false.
  void KeepHardLinks(bool keep) { keep_hard_links_ = keep; }
  // No source may get this name: that of the state file.
  void Spare(std::string path) { spared_ = std::move(path); }
  // Which files are published after the others, instead of those of the default list.
  void SetCommitFiles(const std::vector<std::string>& patterns) { commit_files_.Replace(patterns); }
  // After Describe: those patterns of which no file has the name.
  std::vector<std::string> unmatched() const { return commit_files_.Unmatched(); }

  // Pairs of paths, a source and its destination each, all of them or none.
  using Pairs = std::vector<std::string_view>;

  // Adds sources. A file goes to its destination `dest`, or into it if it is a directory (on disk or in this plan); a
  // directory becomes `dest`, or goes into it under its own name; a directory onto a file is an error. Both are
  // absolute paths (callers resolve relative ones when add is called); missing parents of dest are planned as
  // directories. A path that ends with a slash is a directory: as `dest` it is planned if it is missing, and the source
  // goes into it. A source that ends with "/.", or options.contents: what is in that directory goes into `dest`, which
  // is planned if it is missing. On failure the plan is what it was before the call. Errors: kIo (stat, opendir ...;
  // EISDIR and ENOTDIR if what is on the disk at a destination is of the wrong kind; ELOOP for a cycle of followed
  // links; ENOENT and ELOOP with the link that leads to nothing or in a circle), kNotSupported
  // (FIFO, socket, device, dangling link; a temporary or state file that is named), kConflict (two sources to one
  // destination, source is destination, state file is destination, destination inside the source, a file of the plan
  // where a directory is needed or the other way round), kUnsafePath (not absolute, NUL, ".." after what exists).
  Status Add(const Pairs& pairs, PlanOptions options);

  // Adds sources under exactly these final paths, as matches of a glob: a directory becomes an (empty) directory there,
  // an existing directory is merged into. Links inside a match follow options.links (kDefault: copy).
  Status AddAs(const Pairs& pairs, PlanOptions options);

  // A pointer at `path`, to be published last: a symbolic link that says `target`, or a text file of this line.
  // Errors as Add has them of a destination; kConflict also for a directory.
  Status AddPointer(const std::string& path, std::string target, bool text);
  // Before Describe: the manifest, a generated file called `name` in the directory `given`, or `given` itself if that
  // is none; `given` empty: in the deepest directory that all files have in common, if there is a file. kUnsafePath: a
  // file is not below the directory of the manifest. DropManifest, after a dispatch that came to nothing, takes it
  // back.
  Status AddManifest(const std::string& given, const std::string& name);
  void DropManifest();
  // What is older, deleted once all of this is published: files, links, directories with all in them, none of them in
  // another. As they are now: what changes later stays. All of `paths` or none. `needed`: what none of them may hold.
  // Errors: kIo (ENOENT: there is nothing), kNotSupported (something is mounted there, or it is too deep), kConflict.
  Status AddRetired(const std::vector<std::string>& paths, const std::vector<std::string>& needed);
  std::vector<Retire> retired() const;
  // Before Describe. kConflict: something that is retired is a destination, or holds one, or a pointer leads there.
  Status CheckRetired();
  // The bytes of text pointers, by their ids.
  const std::map<uint32_t, std::string>& contents() const { return contents_; }

  // Reads size, mode, owner, times, inode and xattrs of every source, again at dispatch, and what stands at its final
  // name: this is what the journal says.
  // Errors: kIo with the source's path if one vanished, with a directory's if files are to be put into it and may not;
  // kSourceChanged if one changed its kind; kNotSupported if its size says nothing; kConflict if its final name is
  // neither free nor a file or a link.
  // With an engine on several of its threads, as far as there are many files.
  Status Describe(Engine* engine = nullptr);

  // For a dispatch. The entries are taken one after the other, in the order they were added, directories with parents
  // first: a hundred thousand are not in memory twice. False: none is left. Then Clear; or, if the dispatch came to
  // nothing, Return of what has been taken.
  bool Take(FileEntry* out);
  bool Take(DirEntry* out);
  void Clear();
  void Return(std::vector<FileEntry> files, std::vector<DirEntry> dirs);
  // Directories that are there, and that the transfer puts something into. As they were when they were looked at.
  std::vector<Anchor> Anchors() const;
  // The CRC-32C that a file has to have, by its id, which is its place among all.
  const std::map<uint32_t, uint32_t>& expected() const { return expected_; }

  PlanCounts counts() const { return counts_; }
  // After Describe: xattrs of sources that grant or deny access, and that are not copied.
  const std::set<std::string>& not_copied() const { return not_copied_; }
  // The entries as Take will give them.
  size_t file_count() const { return files_.size(); }
  size_t dir_count() const { return dirs_.size(); }
  const FileEntry& file(size_t id) const { return files_[id]; }
  const DirEntry& dir(size_t id) const { return dirs_[id]; }

 private:
  struct Id {  // of an inode, for comparing at one moment only (invariant 9)
    dev_t dev = 0;
    ino_t ino = 0;
    bool operator==(const Id&) const = default;
  };
  struct Source {
    std::string path;
    bool followed = false;  // the last component is a link, and what it leads to is meant
    bool contents = false;  // of a directory: what is in it, and not the directory by its name
    bool synced = false;    // as PlanOptions::sync_source
    PublishAs as = PublishAs::kDefault;
    struct stat st {};
  };
  struct Target {  // a final path and what is there on the disk
    std::string path;
    bool must_be_dir = false;  // its path says so
    bool exists = false;
    mode_t kind = 0;      // S_IFMT of the name itself
    bool is_dir = false;  // itself, not through a link
    bool to_dir = false;  // a directory, or a link to one
    Id id{}, followed{};  // of the name itself, of what it leads to
    Identity identity{};
  };
  enum class Name : uint8_t { kFile, kDir, kExistingDir };
  struct Known {
    Name kind;
    size_t index;  // into files_, dirs_ or existing_
  };
  struct Existing {  // a directory that is there
    std::string path;
    Identity identity;      // empty: it was not looked at
    bool anchor = false;    // something is put into it
    bool writable = false;  // somebody asked, and it was
  };
  struct FileSource {
    bool followed : 1;
    bool synced : 1;
  };
  struct DirSource {
    std::string path;  // empty for a parent
    bool followed = false;
  };
  using AddOne = Status (Plan::*)(const std::string&, const std::string&, PlanOptions);
  struct Mark {  // to undo a failed add
    size_t files, dirs, existing;
    PlanCounts counts;
  };
  struct Walk;  // a walk through one tree

  static Id IdOf(const struct stat& st) { return {st.st_dev, st.st_ino}; }
  Mark Here();
  Status KeepOrUndo(Status status, const Mark& mark);
  const Known* Find(std::string_view path) const;

  // Finding out what a source and a destination are: paths.cc.
  Status Blame(int err, const char* call, const std::string& path);
  Status BlameLink(int err, const char* call, std::string link);
  Status NoSource(int err, const std::string& path);
  Status NoDirectory(const std::string& path, const std::string& what);
  Status Resolve(const std::string& given, std::string* out);
  Status LookUp(const std::string& given, const PlanOptions& options, Source* source, bool* skip);
  Status IsMissing(int result, const std::string& path, bool* missing);
  Status Canonical(const std::string& path, std::string* out);
  Status CanonicalParent(const std::string& parent, std::string* out);
  Status LookAt(Target* target);
  Status Locate(const std::string& dest, bool through, Target* target);
  Status GoThrough(Target* target);
  Status NameLimit(std::string_view path, size_t* limit);
  Status CheckName(const std::string& path, size_t length, const char* what);

  // Claiming names: plan.cc.
  Status AddEach(const Pairs& pairs, PlanOptions options, AddOne add);
  Status AddNamed(const std::string& source, const std::string& dest, PlanOptions options);
  Status AddExactly(const std::string& source, const std::string& dest, PlanOptions options);
  Status AddEntry(Source source, Target target);
  Status AddFile(Source source, Target target);
  bool IsSpared(const Target& target) const;
  Status CheckFileTarget(const std::string& source, const Target& target);
  FileEntry& PushFile(std::string source, Target target, FileSource from);
  Status AddDirectory(Source source, Target target);
  Status CheckNewDir(const std::string& path);
  Status DescribeBy(size_t dir, Source source);
  Status AddParents(std::string_view dest);
  void PushDir(std::string path, DirSource source);
  void PushExisting(Target target);
  Status MakeAnchor(Existing* dir);
  void NameAll();
  void ForgetNames();

  // What the transfer generates: generated.cc.
  Status AddGenerated(Target target, FileEntry entry);
  Status LocateManifest(const std::string& given, const std::string& name, Target* target);

  // What is retired: retired.cc.
  Status LookAtRetired(const std::string& given, Retire* out);

  // What manifests say of what was added: expect.cc.
  Status Expect(const Pairs& pairs, size_t first, bool all, const ExpectedSources& expected);
  Status ExpectFile(size_t id, const ExpectedSources& expected, std::set<std::string_view>* seen);
  Status ExpectAll(const std::string& given, const ExpectedSources& expected, const std::set<std::string_view>& seen);

  // What is ours: own.cc.
  Status IsOwn(int dir, const char* name, const Source& source, bool* own);
  Status RefuseOwn(const Source& source);
  bool LeaveDraft(const Source& source);

  // Trees: walk.cc.
  Status AddTree(Source source, Target target, const PlanOptions& options);
  Status AddChildren(Walk* walk);
  Status AddChild(Walk* walk, int dir, const std::string& name);
  Status CheckCycle(const Walk& walk, const Id& id) const;
  Status AboveDestination(const std::string& source, const Target& target, std::vector<Id>* ids);

  // Metadata: describe.cc.
  Status DescribeFile(FileEntry* entry, FileSource source);
  Status CheckSize(const std::string& path, bool followed, off_t size);
  Status Sync(int fd, const std::string& path);
  Status CheckRoom(Existing* dir);
  Status DescribeLink(FileEntry* entry);
  Status DescribeDestination(FileEntry* entry);
  Status DescribeDir(DirEntry* dir, const DirSource& source);
  Status DescribePart(size_t from, size_t to);
  Status DescribeFiles(Engine* engine);
  void NotCopied(std::set<std::string> names);
  Status ReadSource(const std::string& path, FileSource source, mode_t kind, struct stat* st, Metadata* meta);

  Os& os_;
  const std::atomic<bool>& stop_;
  std::string spared_;
  // Deques, since names_ refers to their strings: each path is kept once.
  std::deque<FileEntry> files_;
  std::deque<DirEntry> dirs_;
  std::deque<Existing> existing_;
  std::vector<FileSource> file_sources_;               // parallel to files_
  std::vector<DirSource> dir_sources_;                 // parallel to dirs_
  std::unordered_map<std::string_view, Known> names_;  // every final path, and every directory above one
  std::string limited_;                                // the directory that NameLimit has looked at last
  size_t name_limit_ = 0;
  std::vector<size_t> newly_described_;  // parents that got a source in the add that runs now
  PlanCounts counts_;
  std::map<uint32_t, uint32_t> expected_;
  std::map<uint32_t, std::string> contents_;
  std::map<std::string, Retire, std::less<>> retired_;  // by path
  CommitFiles commit_files_;
  std::mutex not_copied_mutex_;  // guards the next
  std::set<std::string> not_copied_;
  bool keep_hard_links_ = true;
  std::map<std::pair<dev_t, ino_t>, uint32_t> first_names_;  // of inodes with several: the file that was added first
};

}  // namespace axl
