// The copying of one transfer, as work for the engine's threads: large files by chunk, small files in batches, every
// result journalled. One mutex guards the hand-out of pieces, another the journal.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/engine.h"
#include "base/record.h"
#include "base/status.h"
#include "copy/adopt.h"
#include "copy/throttle.h"
#include "journal/journal.h"
#include "os/directories.h"
#include "os/os.h"

namespace axl {

class CopyJob : public Work, public std::enable_shared_from_this<CopyJob> {
 public:
  // Copies every file of the journal that is pending. REQUIRES: SEALED is durable, directories are made, and nobody
  // else touches the journal before quiet(). `on_quiet` is called once, on a worker thread, under no lock. `keep`:
  // instead of what the transfer recorded.
  CopyJob(Os& os, Journal& journal, bool resuming, std::function<void()> on_quiet,
          const std::optional<Policies>& keep = {});
  // The same of files that a mover has brought: each is adopted, and only links are made here.
  CopyJob(Os& os, Journal& journal, Arrivals arrivals, std::function<void()> on_quiet);
  ~CopyJob() override;

  // On whose threads the fsyncs of copies wait; without it, each on the thread that copied. REQUIRES: no Step was made,
  // and the job is owned by shared pointers.
  void FsyncOn(Engine& engine) { engine_ = &engine; }
  // How fast it may copy. REQUIRES: no Step was made.
  void ThrottleBy(std::shared_ptr<Throttle> throttle) { throttle_ = std::move(throttle); }
  bool Step() override;
  bool Waits() const override { return throttle_ && throttle_->limits() && !stop_.load(); }
  void Cancel() override;
  // Appends to the journal beside the copies; durable afterwards.
  Status AppendBeside(std::span<Record> records);
  bool quiet() const { return quiet_.load(std::memory_order_acquire); }
  // Bytes and files since dispatch; any thread, any time.
  uint64_t bytes_copied() const { return bytes_.load(std::memory_order_relaxed); }
  uint64_t files_done() const { return done_.load(std::memory_order_relaxed); }
  uint64_t files_failed() const { return failed_.load(std::memory_order_relaxed); }
  // REQUIRES quiet. What went wrong with the journal, or with making names durable.
  const Status& failure() const { return failure_; }
  // REQUIRES quiet. Why files failed, of which the journal could not be told.
  const std::map<uint32_t, Status>& unrecorded() const { return unrecorded_; }

 private:
  CopyJob(Os& os, Journal& journal, bool resuming, Arrivals* arrivals, std::function<void()> on_quiet,
          const Policies& keep);

  static constexpr size_t kBatchFiles = 96;  // whose DONE are one append

  struct Large;
  struct Batch;
  // A file system of which one syncfs is to stand for the fsyncs of a batch. Opened before the first temporary file of
  // that batch, and for it alone: it tells once of what was lost since then, and of nothing that was told before.
  struct Whole {
    Fd fd;
    dev_t device = 0;
  };
  struct Piece {
    std::shared_ptr<Large> large;
    uint32_t chunk = 0;
    std::vector<uint32_t> small;
  };

  using OpenFiles = std::vector<std::shared_ptr<Large>>;

  Piece Take();
  void TakeChunk(OpenFiles::iterator file, Piece* piece);
  void TakeSmall(Piece* piece);
  size_t MostFiles() const;
  bool MaySync() const { return engine_ != nullptr && journal_.durable() && !adopting_ && whole_; }
  bool IsLarge(uint32_t id) const;
  bool End();
  void Finish();

  void CopyBatch(std::span<const uint32_t> ids);
  void CopyPart(std::span<const uint32_t> ids, Whole whole);
  Status Bring(Arrived* file, ParentDirectory* parent);
  Status CopySmall(Arrived* small, ParentDirectory* parent);
  Status CopyLink(Arrived* small, ParentDirectory* parent);
  Status CheckLink(const FileEntry& file);
  Status Adopt(Arrived* file, ParentDirectory* parent);
  void CopyChunk(Large& large, uint32_t chunk);
  Status OpenLarge(Large& large);
  Status DoChunk(Large& large, uint32_t chunk);
  Status CopyOld(Large& large, uint64_t offset, uint64_t length, uint32_t* crc);
  bool KeptChunk(Large& large, uint32_t chunk, uint64_t offset, uint64_t length);
  bool IsHole(Large& large, uint64_t offset, uint64_t length);
  void FinishLarge(Large& large);

  // `left`, if given: what a killed run left of a large file may be of use. It tells whether it is.
  struct Left {
    bool kept = false;
    Fd old;  // valid: it is not gone on in, but copied from
  };
  Status OpenTemporary(uint32_t id, const std::string& path, Left* left, ParentDirectory* parent, Fd* fd);
  Status CreateTemporary(int dir, const std::string& path, Fd* fd);
  Status OpenKept(int dir, const std::string& path, Fd* fd, bool* kept);

  // Of what the transfer makes itself; see generated.cc.
  bool IsMadeLast(uint32_t id) const;
  bool IsDone(uint32_t id) const { return state_.progress[id].state == FileState::kDone; }
  Status WriteGenerated(Arrived* small, ParentDirectory* parent);
  void MakeLast(uint32_t id);
  Status JournalManifest(uint32_t id);
  Status JournalContent(uint32_t id, const std::string& text);
  Status ManifestOf(uint32_t id, std::string* text) const;

  // Of hard links some of which are DONE already; see links.cc.
  void FindDonors();
  const uint32_t* DonorOf(uint32_t id) const;
  Status Join(uint32_t donor, Arrived* file);
  static bool IsNoLink(const Status& s);

  // Makes the names that get its inode; and all of it durable, on a thread that may wait for a disk. Then they are DONE
  // with the batch.
  void Harden(const std::shared_ptr<Batch>& batch, Arrived copied);
  void Complete(Batch& batch, Arrived& copied);
  Whole OpenWhole(std::span<const uint32_t> ids);
  void Sync(const std::shared_ptr<Batch>& batch);
  void SyncNow(Batch& batch);
  Status RemoveLinks(uint32_t first);
  Status MakeLinks(Arrived* first, std::vector<uint32_t>* refused);
  Status MakeLink(uint32_t first, uint32_t link, ParentDirectory* from, ParentDirectory* to);
  void CopyRefused(const std::vector<uint32_t>& links, const std::shared_ptr<Batch>& batch);
  DoneRecord DoneOf(const Arrived& file, uint32_t id) const;
  void RecordDone(std::vector<Record> done);
  void RecordFailed(uint32_t id, const Status& failure);
  void JournalFailed(const Status& status);

  Os& os_;
  Journal& journal_;
  const TransferState& state_;
  const Adopter adopter_;
  const bool resuming_;
  const bool adopting_ = false;
  const Arrivals arrivals_ = {};
  const uint32_t chunk_size_;
  std::function<void()> on_quiet_;
  Engine* engine_ = nullptr;
  std::shared_ptr<Throttle> throttle_;

  std::map<uint32_t, std::vector<uint32_t>> links_;  // by the file whose inode they get
  std::map<uint32_t, uint32_t> donors_;              // by the same: one of them that is DONE
  std::vector<uint32_t> last_;                       // made when all others are DONE

  std::mutex mutex_;                     // guards what follows
  std::vector<uint32_t> large_, small_;  // still to be begun, from next_ on
  size_t next_large_ = 0, next_small_ = 0;
  OpenFiles open_;  // large files that have been begun, and of which there are chunks that nobody has taken
  unsigned running_ = 0;
  bool finished_ = false;

  std::mutex journal_mutex_;  // guards journal_, state_.progress and what follows
  Status failure_;
  std::map<uint32_t, Status> unrecorded_;

  std::atomic<bool> whole_{true};  // one syncfs may stand for many fsyncs, as far as is known
  std::atomic<bool> stop_{false};
  std::atomic<bool> quiet_{false};
  std::atomic<uint64_t> bytes_{0}, done_{0}, failed_{0};
};

}  // namespace axl
