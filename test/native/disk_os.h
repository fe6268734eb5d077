// What would be on the disk: an Os that remembers which bytes, metadata and names an fsync has made durable, so that a
// test can cut the power. The model is the weakest that POSIX allows: a file's fsync says nothing of its name, each
// directory has its own, and after a failed fsync what was to be written is lost while a later fsync succeeds.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "forwarding_os.h"
#include "tree.h"

namespace axl::test {

// What survives of that which no fsync has made durable.
struct PowerCut {
  bool data = false;         // bytes, sizes and metadata of files
  bool state_names = false;  // entries of the state directory
  bool other_names = false;  // entries of all other directories
  std::string but = {};      // not of this one, whatever else survives: a disk keeps what it wants to
};

class DiskOs : public ForwardingOs {
 public:
  // All happens below `root`. `states`: the state directory.
  DiskOs(std::string root, std::string states);
  ~DiskOs() override;

  bool syncfs = false;       // it is one of the file systems on which it may be believed
  bool drop_forgets = true;  // DropCache evicts what is lost; a system may also ignore it

  // Whatever there is now is on the disk.
  void Forget();
  // Nobody may call while and after this.
  void Cut(PowerCut survives);
  // fsync has failed: what it was to write will not be written. FaultOs calls it.
  void LosePages(int fd);
  // The same of syncfs, for all files.
  void LoseAllPages();
  // The cache forgets what it holds of files whose fsync has failed: now everybody sees what the disk has.
  void EvictLost();

  int Open(int dir, const char* path, int flags, mode_t mode) override;
  ssize_t Write(int fd, const void* data, size_t n, off_t at) override;
  int Truncate(int fd, off_t size) override;
  int Fsync(int fd) override;
  int Syncfs(int fd) override;
  bool SyncfsTells(int) override { return syncfs; }
  size_t SyncfsLeast() override { return 1; }
  uint64_t DirtyBytes() override { return 0; }
  int StartWriteback(int, off_t, off_t) override { return 0; }
  int DropCache(int fd) override;
  int Chown(int fd, uid_t uid, gid_t gid) override;
  int Chmod(int fd, mode_t mode) override;
  int SetTimes(int fd, const struct timespec times[2]) override;
  int SetXattr(int fd, const char* name, const void* value, size_t n) override;
  int RemoveXattr(int fd, const char* name) override;
  int Rename(int dir, const char* from, int to_dir, const char* to) override;
  int RenameNoReplace(int dir, const char* from, const char* to) override;
  int RenameNew(int dir, const char* from, const char* to) override;
  int Link(int dir, const char* from, int to_dir, const char* to) override;
  int Unlink(int dir, const char* path) override;
  int Mkdir(int dir, const char* path, mode_t mode) override;
  int Rmdir(int dir, const char* path) override;
  int Symlink(const char* target, int dir, const char* path) override;

 private:
  struct File {
    Node durable;                        // as of the last fsync
    std::map<size_t, std::string> lost;  // pages whose write-back failed: what the disk has of them
  };
  struct Change {  // of a directory, not yet durable
    std::string dir;
    std::function<void()> undo;
  };

  File& Touch(int fd);
  void Note(const std::string& path, std::function<void()> undo);
  std::string Bury(const std::string& path);
  void UndoNames(PowerCut survives);
  void Evict(const std::string& path, File* file);
  void Harden(const std::string& path, File* file);
  void Lose(const std::string& path, File* file);

  const std::string root_, grave_, states_;
  std::mutex mutex_;
  std::map<ino_t, File> files_;
  File nameless_;
  std::vector<Change> changes_;
  int buried_ = 0;
};

}  // namespace axl::test
