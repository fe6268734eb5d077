// The home of a dataset: the directory in which its verdict is written, read and removed, one at a time. Decides
// nothing.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "dataset/verdict.h"
#include "os/os.h"

namespace axl {

class Home {
 public:
  // The right to write and to remove the verdict on one dataset. Ends with the object, and with the process.
  class Right {
   public:
    Right(Os& os, int dir, std::string name, Fd fd) : os_(os), dir_(dir), name_(std::move(name)), fd_(std::move(fd)) {}
    ~Right() { (void)os_.Unlink(dir_, name_.c_str()); }
    Right(const Right&) = delete;
    Right& operator=(const Right&) = delete;

   private:
    Os& os_;
    int dir_;
    std::string name_;
    Fd fd_;
  };
  using Milliseconds = std::chrono::milliseconds;

  // kConflict when the directory is not there: nobody can know what was decided. kUnsafePath for root where others can
  // write to it.
  static Status Open(Os& os, const std::string& path, std::unique_ptr<Home>* out);

  // Stays empty while another process has the right, for as long as `patience`. Where flock does not work, nobody is
  // kept out. REQUIRES: *right ends before this object.
  Status Lock(const Uuid& dataset, Milliseconds patience, std::unique_ptr<Right>* right);
  // Waits until nobody has the right: who takes it after that sees what the caller has done before. kStateLocked if
  // somebody still has it after `patience`.
  Status Await(const Uuid& dataset, Milliseconds patience);

  // The verdict, durable; empty if there is none. kUnsafePath: another user's; kStateCorrupt: something else.
  Status Read(const Uuid& dataset, std::optional<Verdict>* out);
  // Writes `wanted` if there is no verdict on its dataset; *counts is the first one that was written, durable. After a
  // failure there may be one, or not. REQUIRES the right, or ranks that agreed that one of them writes.
  Status Decide(const Verdict& wanted, Verdict* counts);
  // *publish in phases* becomes *publish*, durably: all of its ranks have all phases behind them. REQUIRES the right,
  // or ranks that agreed that one of them does it.
  Status Pass(const Uuid& dataset);
  // Removes the verdict, durably, and what killed writers left; before that, makes durable what was removed in `dirs`.
  // REQUIRES the right.
  Status Remove(const Uuid& dataset, const std::vector<std::string>& dirs);

  const std::string& path() const { return path_; }
  // The same for every path that leads to this directory.
  std::string identity() const { return identity_; }
  std::string VerdictPath(const Uuid& dataset) const;

 private:
  Home(Os& os, std::string path) : os_(os), path_(std::move(path)) {}
  Status Look();
  std::string NameOf(const Uuid& dataset) const;
  Status TryLock(const std::string& name, bool create, std::unique_ptr<Right>* right, bool* held);
  Status IsNamed(const Fd& fd, const std::string& name, bool* named);
  Status ReadFile(const std::string& name, const Uuid& dataset, std::optional<Verdict>* out);
  Status WriteDraft(const std::string& draft, const std::string& bytes, bool* taken);
  Status Name(const std::string& draft, const std::string& name, bool* first);
  Status Attempt(const Verdict& wanted, std::optional<Verdict>* counts);
  Status Replace(const Verdict& verdict, bool* done);
  Status RemoveDrafts(const std::string& name);
  Status Sync();
  Status Failed(int error, const char* call, const std::string& name) const;

  Os& os_;
  const std::string path_;
  Fd dir_;
  std::string identity_;
};

}  // namespace axl
