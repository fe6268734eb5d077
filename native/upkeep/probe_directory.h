// A directory for files that a probe makes, gone with all that is in it at the end.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"
#include "os/os.h"

namespace axl {

class ProbeDirectory {
 public:
  static constexpr std::string_view kPrefix = ".axl-probe-";

  // `.axl-probe-<16 digits>` in `dir`, of ours alone.
  static Status Make(Os& os, const std::string& dir, std::unique_ptr<ProbeDirectory>* out);
  ~ProbeDirectory();
  ProbeDirectory(const ProbeDirectory&) = delete;
  ProbeDirectory& operator=(const ProbeDirectory&) = delete;

  int fd() const { return fd_.get(); }
  int parent() const { return parent_.get(); }
  const std::string& name() const { return name_; }

 private:
  ProbeDirectory(Os& os, Fd parent, std::string name) : os_(os), parent_(std::move(parent)), name_(std::move(name)) {}

  Os& os_;
  Fd parent_;
  std::string name_;
  Fd fd_;
};

}  // namespace axl
