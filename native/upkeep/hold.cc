// The file holds a line with host and boot id, and a dot for each beat.
#include "upkeep/hold.h"

#include <fcntl.h>

#include <cerrno>
#include <sstream>
#include <thread>
#include <vector>

#include "base/names.h"
#include "base/record.h"
#include "os/process.h"

namespace axl {

namespace {

constexpr const char* kName = "held";
constexpr size_t kLongest = 256 << 10;  // three days of beats
constexpr auto kPause = std::chrono::milliseconds(250);

struct Look {
  Fd file;
  std::string text;
};

Look LookAt(Os& os, int parent, const std::string& name) {
  const Fd dir(os, os.Open(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (!dir.valid()) return {};
  Look look{Fd(os, os.Open(dir.get(), kName, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)),
            std::string(kLongest, '\0')};
  const ssize_t n = look.file.valid() ? ReadFull(os, look.file.get(), look.text.data(), look.text.size(), 0) : 0;
  look.text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return look;
}

// The name of the directory with the hold of a host.
std::string Find(Os& os, int parent, const std::string& host) {
  std::vector<OsDirEntry> entries;
  (void)os.List(parent, &entries);
  for (const OsDirEntry& entry : entries)
    if (entry.name.starts_with(ProbeDirectory::kPrefix) && LookAt(os, parent, entry.name).text.starts_with(host + " "))
      return entry.name;
  return "";
}

bool IsOfThisBoot(const std::string& text) {
  TransferInfo info;
  std::istringstream(text) >> info.host >> info.boot_id;
  return IsThisBoot(info);
}

void TryLock(Os& os, const Look& look, HoldSeen* out) {
  const int r = os.Lock(look.file.get());
  if (r == 0 || r == -EWOULDBLOCK)
    out->locked = r == 0 ? Answer::kNo : Answer::kYes;
  else
    out->lock = -r;
}

}  // namespace

Status Hold::Make(Os& os, const std::string& dir, std::unique_ptr<Hold>* out) {
  std::unique_ptr<ProbeDirectory> made;
  if (Status s = ProbeDirectory::Make(os, dir, &made); !s.ok()) return s;
  const std::string path = Join(dir, made->name());
  std::unique_ptr<Hold> hold(new Hold(os, std::move(made)));
  hold->file_ = Fd(os, os.Open(hold->dir_->fd(), kName, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  if (!hold->file_.valid()) return Status::Errno(hold->file_.error(), "open", Join(path, kName));
  if (const int r = os.Lock(hold->file_.get()); r < 0) return Status::Errno(-r, "flock", Join(path, kName));
  TransferInfo info;
  DescribeProcess(&info);
  const std::string text = info.host + " " + info.boot_id + "\n";
  if (const int r = WriteAll(os, hold->file_.get(), text.data(), text.size(), 0); r < 0)
    return Status::Errno(-r, "write", Join(path, kName));
  hold->end_ = static_cast<off_t>(text.size());
  *out = std::move(hold);
  return Status::Ok();
}

Status Hold::Beat() {
  const int r = WriteAll(os_, file_.get(), ".", 1, end_);
  if (r < 0) return Status::Errno(-r, "write", kName);
  end_++;
  const int synced = os_.Fsync(file_.get());  // a writer's cache is not seen elsewhere
  return synced < 0 ? Status::Errno(-synced, "fsync", kName) : Status::Ok();
}

Status SeeHold(Os& os, const std::string& dir, const std::string& host, std::chrono::milliseconds patience,
               HoldSeen* out) {
  Fd parent(os, os.Open(AT_FDCWD, dir.c_str(), O_RDONLY | O_DIRECTORY));
  if (!parent.valid()) return Status::Errno(parent.error(), "open", dir);
  std::string first;
  const auto until = std::chrono::steady_clock::now() + patience;
  for (; !out->alive; std::this_thread::sleep_for(kPause)) {
    const std::string name = Find(os, parent.get(), host);
    const Look look = name.empty() ? Look{} : LookAt(os, parent.get(), name);
    if (look.file.valid() && !out->found) {
      out->found = true;
      out->here = IsOfThisBoot(look.text);
      TryLock(os, look, out);
      first = look.text;
    }
    out->alive = out->found && look.text.size() > first.size();
    if (std::chrono::steady_clock::now() > until) break;
  }
  return Status::Ok();
}

}  // namespace axl
