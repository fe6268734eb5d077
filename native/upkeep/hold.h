// A lock on a probe's file that another host is to see: one holds it, the other looks.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/answer.h"
#include "base/status.h"
#include "os/os.h"
#include "upkeep/probe_directory.h"

namespace axl {

class Hold {
 public:
  // The lock is held from here on; kIo if it cannot be had.
  static Status Make(Os& os, const std::string& dir, std::unique_ptr<Hold>* out);
  // Writes that the holder lives: a look that meets no lock can tell whether there should be one.
  Status Beat();

 private:
  Hold(Os& os, std::unique_ptr<ProbeDirectory> dir) : os_(os), dir_(std::move(dir)) {}

  Os& os_;
  std::unique_ptr<ProbeDirectory> dir_;
  Fd file_;
  off_t end_ = 0;
};

struct HoldSeen {
  bool found = false;  // is there a hold of that host?
  bool here = false;   // it is of this kernel
  Answer locked = Answer::kCannotTell;
  int lock = 0;        // errno, if there are no locks
  bool alive = false;  // it was written while we looked
};

// Looks for the hold of `host` in `dir`, for as long as `patience`: names and writes come late on some file systems.
Status SeeHold(Os& os, const std::string& dir, const std::string& host, std::chrono::milliseconds patience,
               HoldSeen* out);

}  // namespace axl
