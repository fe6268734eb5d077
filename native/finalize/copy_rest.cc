#include "finalize/copy_rest.h"

#include <chrono>
#include <future>
#include <memory>
#include <variant>
#include <vector>

#include "base/meter.h"
#include "copy/copy_job.h"
#include "copy/prepare.h"
#include "finalize/evidence.h"
#include "publish/bring.h"

namespace axl {

namespace {
constexpr auto kStopPoll = std::chrono::milliseconds(20);

Status EndOf(const Journal& journal) {
  for (const auto& p : journal.state().progress)
    if (p.state == FileState::kFailed) return *p.failure;
  return journal.state().settled ? Status::Ok()
                                 : Status::Make(Code::kCanceled, "a signal stopped the work", journal.path());
}

// What the disk says by now is what the next run would find.
Status LookAgain(Os& os, Journal& journal) {
  if (Status s = BringToAxlNames(os, journal.state()); !s.ok()) return s;
  const std::vector<FileProgress> before = journal.state().progress;
  if (Status s = journal.ReadAxl(); !s.ok()) return s;
  std::vector<Record> records;
  if (Status s = Gather(os, journal.state(), {.copied = true}, &records); !s.ok()) return s;
  for (Record& record : records)
    if (auto* done = std::get_if<DoneRecord>(&record)) done->crc = before[done->file].crc;
  return journal.Append(records);
}

}  // namespace

Status CopyRest(Os& os, Engine& engine, Journal& journal, const AskedPolicies& keep, const std::atomic<bool>* stop) {
  const Status prepared = PrepareResume(os, journal, stop != nullptr ? *stop : kGoOn);
  if (!prepared.ok() || journal.state().settled) return prepared;
  auto quiet = std::make_shared<std::promise<void>>();
  auto ended = quiet->get_future();
  const auto on_quiet = [quiet] { quiet->set_value(); };
  auto job = std::make_shared<CopyJob>(os, journal, true, on_quiet, keep.Over(journal.state().info.keep));
  job->FsyncOn(engine);
  job->ThrottleBy(std::make_shared<Throttle>(engine));
  uint64_t copied = job->bytes_copied();
  Metered metered(journal.state().Bytes() - copied);
  engine.Add(job);
  while (ended.wait_for(kStopPoll) != std::future_status::ready) {
    const uint64_t now = job->bytes_copied();
    metered.Add(now - copied);
    copied = now;
    if (!engine.stopping() && !(stop && stop->load())) continue;
    job->Cancel();
    (void)job->Step();  // the engine may have no workers any more: then the job ends here
  }
  metered.Add(job->bytes_copied() - copied);
  if (!job->failure().ok()) return job->failure();
  const Status status = EndOf(journal);
  return status.ok() && journal.is_axl() ? LookAgain(os, journal) : status;
}

}  // namespace axl
