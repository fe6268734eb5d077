#include "finalize/evidence.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "base/names.h"
#include "finalize/axl_decide.h"
#include "os/directories.h"
#include "os/metadata.h"
#include "os/same.h"
#include "os/sum.h"

namespace axl {

namespace {

// Some file systems keep whole seconds, or less of them.
bool IsTimeOf(const Time& there, const Time& recorded) {
  constexpr std::array<uint32_t, 5> kGrains = {1, 100, 1000, 1'000'000, 1'000'000'000};
  return there.sec == recorded.sec && std::any_of(kGrains.begin(), kGrains.end(), [&](uint32_t grain) {
           return there.nsec == recorded.nsec - recorded.nsec % grain;
         });
}

class Gatherer {
 public:
  Gatherer(Os& os, const TransferState& state, const Looking& looking)
      : os_(os), state_(state), axl_(state.info.axl), looking_(looking), parent_(os, looking.cache) {}

  Status Run(std::vector<Record>* out, std::vector<Publisher::Looked>* looked) {
    if (!state_.sealed) return Status::Ok();
    looked_ = extension() && state_.files.size() <= kKnown ? looked : nullptr;
    for (uint32_t id = 0; id < state_.files.size(); id++)
      if (Status s = Judge(id, out); !s.ok()) return s;
    if (done_ == state_.files.size()) out->emplace_back(SettledRecord());
    const bool mixed = extension() && at_final_ != nullptr && done_ < state_.files.size();
    if (!mixed || looking_.resumes) return Status::Ok();
    return Status::Make(
        Code::kVerify,
        "this file has its final name already, and others of its transfer are incomplete: copy those again "
        "with --incomplete resume, or remove the state file with axl-finalize forget",
        at_final_->dest);
  }

 private:
  static constexpr size_t kKnown = 1024;  // what was seen of so many is kept for a moment

  struct Look {
    AxlSeen seen;
    Seen temporary, final;
    std::optional<uint32_t> crc;  // of what was compared
  };

  bool extension() const { return !axl_.suffix.empty(); }
  bool described() const { return state_.info.keep.times != OwnerPolicy::kSkip; }
  std::string Name(uint32_t id) const { return std::string(BaseOf(AxlPathOf(state_, id))); }

  Status LookAt(const std::string& name, uint32_t id, Seen* seen, There* there) {
    const FileEntry& file = state_.files[id];
    const int r = os_.Look(parent_.fd(), name.c_str(), seen);
    *there = There::kNothing;
    if (r == -ENOENT) return Status::Ok();
    if (r < 0) return Status::Errno(-r, "statx", Join(parent_.path(), name));
    const struct stat& st = seen->st;
    const auto size = static_cast<uint64_t>(st.st_size);
    *there = size == file.size ? There::kWhole : size < file.size ? There::kShort : There::kLong;
    const bool ours = st.st_uid == os_.EffectiveUser() || st.st_uid == file.meta.uid || !os_.IsRoot();
    if (!S_ISREG(st.st_mode) || (extension() && st.st_nlink != 1) || !ours) *there = There::kStrange;
    return Status::Ok();
  }

  // Bytes decide where nothing else does, and where somebody wants that.
  Status Compare(uint32_t id, Look* look) {
    AxlSeen& seen = look->seen;
    const bool at_temporary = extension() && seen.temporary != There::kNothing && seen.renamed != Renamed::kYes;
    if ((at_temporary ? seen.temporary : seen.final) != There::kWhole || axl_.completed) return Status::Ok();
    const Seen& there = at_temporary ? look->temporary : look->final;
    const bool unclear = extension() && !at_temporary && seen.renamed != Renamed::kYes;
    const bool weak = there.birth.tv_sec == 0 && there.handle.empty();  // after its rename only the bytes tell
    if (!looking_.reads || !(looking_.verify == Verify::kChecksum || unclear || weak)) return Status::Ok();
    const std::string name = at_temporary ? Name(id) : std::string(BaseOf(state_.files[id].dest));
    Fd fd(os_, os_.Open(parent_.fd(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    const std::string path = Join(parent_.path(), name);
    if (!fd.valid()) return Status::Errno(fd.error(), "open", path);
    uint32_t crc = 0;
    if (Status s = Sum(fd, path, state_.files[id].size, &crc); !s.ok()) return s;
    look->crc = crc;
    return looking_.verify == Verify::kChecksum || unclear ? CompareWithSource(id, crc, &seen.compared) : Status::Ok();
  }

  // A source that is gone, that cannot be read or is not what it was tells nothing.
  Status CompareWithSource(uint32_t id, uint32_t crc, Compared* compared) {
    const FileEntry& file = state_.files[id];
    Fd from(os_, os_.Open(AT_FDCWD, file.source.c_str(), O_RDONLY | O_NOCTTY | O_NONBLOCK));
    struct stat before, after;
    if (!from.valid() || os_.Fstat(from.get(), &before) < 0 || !IsSource(file, before)) return Status::Ok();
    uint32_t wanted = 0;
    const Status read = Sum(from, file.source, file.size, &wanted);
    if (read.code == Code::kCanceled) return read;
    if (!read.ok() || os_.Fstat(from.get(), &after) < 0 || !IsSource(file, after)) return Status::Ok();
    if (TimeOf(before.st_ctim) != TimeOf(after.st_ctim)) return Status::Ok();
    *compared = wanted == crc ? Compared::kEqual : Compared::kDiffers;
    return Status::Ok();
  }

  static bool IsSource(const FileEntry& file, const struct stat& st) {
    return S_ISREG(st.st_mode) && static_cast<uint64_t>(st.st_size) == file.size &&
           TimeOf(st.st_mtim) == file.meta.mtime;
  }

  Status Sum(const Fd& fd, const std::string& path, uint64_t size, uint32_t* crc) {
    static const std::atomic<bool> never(false);
    return SumBytes(os_, fd.get(), path, 0, size, looking_.stop != nullptr ? *looking_.stop : never, crc);
  }

  Status Examine(uint32_t id, Look* look) {
    const FileEntry& file = state_.files[id];
    AxlSeen& seen = look->seen;
    seen.extension = extension();
    seen.completed = axl_.completed;
    seen.trusts = looking_.verify == Verify::kNone;
    const Status opened = parent_.Open(file.dest);
    // AXL made it: what is not there is most likely not mounted.
    if (opened.err == ENOENT || opened.err == ENOTDIR)
      if (Status s = CheckAnchors(os_, state_); !s.ok()) return s;
    if (!opened.ok()) return opened;
    if (extension())
      if (Status s = LookAt(Name(id), id, &look->temporary, &seen.temporary); !s.ok()) return s;
    if (Status s = LookAt(std::string(BaseOf(file.dest)), id, &look->final, &seen.final); !s.ok()) return s;
    if (extension() && seen.final == There::kWhole) {
      if (!described())
        seen.renamed = Renamed::kCannotTell;
      else if (IsTimeOf(TimeOf(look->final.st.st_mtim), file.meta.mtime))
        seen.renamed = Renamed::kYes;
    }
    return Compare(id, look);
  }

  bool HasFailed(uint32_t id, AxlFate fate) const {
    const bool recorded = std::binary_search(axl_.failed.begin(), axl_.failed.end(), id);
    return axl_.undone || (recorded && fate == AxlFate::kArrived);
  }

  Status Judge(uint32_t id, std::vector<Record>* out) {
    Look look;
    if (Status s = Examine(id, &look); !s.ok()) return s;
    AxlFate fate = Decide(look.seen);
    if (looked_ != nullptr) Keep(look, fate);
    const bool failed = !looking_.copied && HasFailed(id, fate);
    const bool partial = fate == AxlFate::kPartial;
    if (look.seen.renamed == Renamed::kYes) at_final_ = &state_.files[id];
    if (failed || fate == AxlFate::kIncomplete || partial) {
      out->emplace_back(FailedRecord{id, WhyIncomplete(id, look, failed), partial});
      return Status::Ok();
    }
    if (fate == AxlFate::kCannotTell && !looking_.reads) {
      out->emplace_back(FailedRecord{id, CannotTell(id, look), false});
      return Status::Ok();
    }
    if (fate == AxlFate::kCannotTell) return CannotTell(id, look);
    if (fate == AxlFate::kLost)
      return Status::Make(Code::kVerify, "AXL has said that this file has its final name, and it is not there",
                          state_.files[id].dest);
    Done(id, look, fate == AxlFate::kAtFinal, out);
    return Status::Ok();
  }

  // Where AXL has renamed it, what has the temporary name is another transfer's.
  void Keep(const Look& look, AxlFate fate) {
    const bool arrived = fate == AxlFate::kArrived;
    looked_->push_back({look.temporary, look.final, arrived, look.seen.final != There::kNothing});
  }

  void Done(uint32_t id, const Look& look, bool at_final, std::vector<Record>* out) {
    const Seen& seen = at_final ? look.final : look.temporary;
    if (at_final) at_final_ = &state_.files[id];
    DoneRecord done{id, IdentityOf(seen), state_.files[id].size};
    done.crc = look.crc.value_or(0);
    done.uid = seen.st.st_uid, done.gid = seen.st.st_gid, done.mode = seen.st.st_mode & 07777;
    done.by_axl = !at_final;
    done.published = at_final;
    out->emplace_back(std::move(done));
    done_++;
  }

  Status WhyIncomplete(uint32_t id, const Look& look, bool failed) const {
    const FileEntry& file = state_.files[id];
    if (failed && state_.canceled)
      return Status::Make(Code::kCanceled, "AXL was told to cancel the transfer", file.dest);
    if (failed) return Status::Make(Code::kTransferFailed, "AXL has recorded an error of this transfer", file.dest);
    const bool in_place = !extension();
    const There there = in_place ? look.seen.final : look.seen.temporary;
    const std::string path = AxlPathOf(state_, id);
    if (there == There::kNothing) return Status::Make(Code::kVerify, "AXL has not copied this file", path);
    if (look.seen.compared == Compared::kDiffers)
      return Status::Make(Code::kVerify, "this file does not have the bytes of its source", path);
    const auto size = static_cast<uint64_t>((in_place ? look.final : look.temporary).st.st_size);
    return Status::Make(Code::kVerify,
                        "this file has " + std::to_string(size) + " bytes, and its source had " +
                            std::to_string(file.size) + ": AXL has not copied all of it",
                        path);
  }

  Status CannotTell(uint32_t id, const Look& look) const {
    const bool strange = look.seen.temporary == There::kStrange || (!extension() && look.seen.final == There::kStrange);
    if (strange)
      return Status::Make(
          Code::kVerify,
          "this is not a file that AXL has copied: it is no regular file, has a second name, or belongs "
          "to another user",
          AxlPathOf(state_, id));
    return Status::Make(Code::kVerify,
                        "it cannot be told whether AXL has renamed this file or it was there before: its temporary "
                        "file is gone, AXL copied no metadata, and the source cannot be compared. If all is right, use "
                        "--verify none",
                        state_.files[id].dest);
  }

  Os& os_;
  const TransferState& state_;
  const OfAxl& axl_;
  const Looking& looking_;
  ParentDirectory parent_;
  std::vector<Publisher::Looked>* looked_ = nullptr;
  size_t done_ = 0;
  const FileEntry* at_final_ = nullptr;
};

}  // namespace

Status Gather(Os& os, const TransferState& state, const Looking& looking, std::vector<Record>* out,
              std::vector<Publisher::Looked>* looked) {
  return Gatherer(os, state, looking).Run(out, looked);
}

}  // namespace axl
