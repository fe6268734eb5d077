// Part of Plan: what the transfer itself makes, without a source: pointers, and its manifest.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/names.h"
#include "plan/plan.h"

namespace axl {

namespace {

Status Refused(std::string why, const std::string& path) { return Status::Make(Code::kConflict, std::move(why), path); }

bool IsManifest(const FileEntry& file) { return file.kind == FileKind::kGenerated && file.phase == Phase::kCommit; }

}  // namespace

// Takes of `entry` what a source would tell.
Status Plan::AddGenerated(Target target, FileEntry entry) {
  if (target.is_dir || target.must_be_dir)
    return Refused("the transfer is to put a file where a directory is: give another path", target.path);
  if (const Known* known = Find(target.path))
    return Refused(known->kind == Name::kFile ? "the transfer has another file of this path: give another path"
                                              : "the transfer has a directory of this path: give another path",
                   target.path);
  if (Status s = AddParents(target.path); !s.ok()) return s;
  Status status = CheckFileTarget("", target);
  if (status.path.empty()) status.path = std::exchange(status.dest, {});
  if (!status.ok()) return status;
  FileEntry& file = PushFile("", std::move(target), {false, false});
  file.kind = entry.kind;
  file.phase = entry.phase;
  file.link_target = std::move(entry.link_target);
  file.size = entry.size;
  return Status::Ok();
}

Status Plan::AddPointer(const std::string& path, std::string target, bool text) {
  const Mark mark = Here();
  Target place;
  if (Status s = Locate(path, false, &place); !s.ok()) return s;
  FileEntry entry;
  entry.phase = Phase::kPointer;
  entry.kind = text ? FileKind::kGenerated : FileKind::kSymlink;
  if (text) target += '\n';
  entry.size = target.size();
  if (!text) entry.link_target = target;
  Status s = AddGenerated(std::move(place), std::move(entry));
  if (s.ok() && text) contents_[static_cast<uint32_t>(files_.size() - 1)] = std::move(target);
  return KeepOrUndo(std::move(s), mark);
}

// `given` means a directory if it is one, or is to be one, or ends with a slash.
Status Plan::LocateManifest(const std::string& given, const std::string& name, Target* target) {
  if (Status s = Locate(given, true, target); !s.ok()) return s;
  const Known* known = Find(target->path);
  const bool is_dir = target->is_dir || (known != nullptr && known->kind != Name::kFile);
  if (target->must_be_dir && target->exists && !is_dir) return NoDirectory(target->path, "directory of the manifest");
  if (!is_dir && !target->must_be_dir) return Status::Ok();
  *target = {.path = Join(target->path, name)};
  return LookAt(target);
}

Status Plan::AddManifest(const std::string& given, const std::string& name) {
  const Mark mark = Here();
  const std::string common = CommonDirectory(files_);
  if (given.empty() && common.empty()) return Status::Ok();
  Target target;
  if (Status s = LocateManifest(given.empty() ? common : given, name, &target); !s.ok()) return s;
  const std::string_view dir = ParentOf(target.path);
  if (!IsWithin(common, dir) && !common.empty())
    return Status::Make(Code::kUnsafePath,
                        "a manifest names only files below its own directory, and files of this transfer go to " +
                            common + ": give a directory above all of them",
                        target.path);
  FileEntry entry;
  entry.kind = FileKind::kGenerated;
  entry.phase = Phase::kCommit;
  return KeepOrUndo(AddGenerated(std::move(target), std::move(entry)), mark);
}

void Plan::DropManifest() {
  if (files_.empty() || !IsManifest(files_.back())) return;
  names_.erase(files_.back().dest);
  files_.pop_back();
  file_sources_.pop_back();
}

}  // namespace axl
