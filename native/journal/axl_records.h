// What a KVTree file of the C library AXL says, as the records of our own journal. No I/O: what the disk says beside it
// is evidence, see native/finalize/evidence.h. See docs/reference/kvtree.md.
#pragma once

#include <deque>
#include <functional>

#include "base/record.h"
#include "base/status.h"
#include "journal/kvtree.h"
#include "journal/record_values.h"

namespace axl {

struct AxlTransfer {
  TransferInfo info;
  std::deque<FileEntry> files;  // without the inode and the ctime of their sources
  bool dispatched = false;
  bool canceled = false;
};

// *is_axl: false for a KVTree file of another program, of which nothing else is told. kStateCorrupt with the offset and
// what is wrong; kStateVersion for what another release of AXL has written.
Status ReadAxlTransfer(const KvTree& tree, AxlTransfer* out, bool* is_axl);

// TRANSFER, FILE, ANCHOR, SEALED, CANCELED: what a dispatch of ours would have written, as far as AXL tells. One at a
// time, and what was handed over takes no memory any more: a small state file may name a million files. Stops at the
// first of which `take` says what is wrong, and returns that.
const char* HandOver(AxlTransfer transfer, const std::function<const char*(Record)>& take);

}  // namespace axl
