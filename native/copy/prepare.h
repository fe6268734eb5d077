// What comes before the first copy, of a dispatch and of a resume: the directories, and a journal that says what is
// still to do. A live transfer and axl-finalize --incomplete resume both use it.
#pragma once

#include <atomic>

#include "base/status.h"
#include "base/stop.h"
#include "journal/journal.h"
#include "os/os.h"

namespace axl {

// Makes the journal's directories: all, or none of those that were not there. One that somebody else made first is
// RENOUNCED; when `resuming`, one that is there is taken for ours. REQUIRES: SEALED is durable.
Status MakeDirectories(Os& os, Journal& journal, bool resuming);

// FAILED for each DONE file whose temporary file is lost, then RESUMED; then the directories; then what a mover has
// brought whole is adopted. Afterwards every file is DONE or pending and a CopyJob can go on, or all is settled.
// REQUIRES: sealed and not settled; the jobs of movers have ended. Once `*stop` is true it ends early
// (kCanceled), and can be done again.
Status PrepareResume(Os& os, Journal& journal, const std::atomic<bool>& stop = kGoOn);

// Unlinks what an earlier job has left at the temporary names of files that are pending.
Status RemovePartial(Os& os, Journal& journal);

}  // namespace axl
