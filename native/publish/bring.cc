#include "publish/bring.h"

#include <string>

#include "base/names.h"
#include "os/directories.h"

namespace axl {

Status BringToAxlNames(Os& os, const TransferState& state) {
  ParentDirectory parent(os);
  for (uint32_t id = 0; id < state.files.size(); id++) {
    const FileProgress& progress = state.progress[id];
    if (progress.by_axl || progress.published) continue;
    const std::string from = TemporaryPathOf(state, id), to = AxlPathOf(state, id);
    if (Status s = parent.Open(to); !s.ok()) return s;
    const int dir = parent.fd();
    if (int r = os.Rename(dir, std::string(BaseOf(from)).c_str(), dir, std::string(BaseOf(to)).c_str()); r < 0)
      return Status::Errno(-r, "rename", from, to);
  }
  return Status::Ok();
}

}  // namespace axl
