// A live transfer and whoever reads its journal never disagree: before every system call of a life what the process
// believes is what the bytes of its state file say, and so it is once the process has been killed, or has failed.
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "fault_os.h"
#include "journal/reader.h"
#include "world.h"

namespace axl::test {
namespace {

// Is there a state file, and does it say what the transfer believes?
bool Agree(const World& world, const Transfer& transfer) {
  if (access(world.state_file().c_str(), F_OK) != 0) return true;
  const std::string bytes = ReadFile(world.state_file());
  Replay r;
  const Status s = ReplayJournal(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), &r);
  return s.ok() && r.state == transfer.journalled();
}

// Dispatches, copies, publishes; goes on after a failure as a caller would. `created` is told of the transfer.
template <class Created>
void Run(const World& world, Os& os, const std::string& when, Created created) {
  Engine engine(1);
  const auto transfer = std::make_shared<Transfer>(os, engine);
  if (!transfer->Create(world.Options()).ok()) return;
  created(*transfer);
  const auto check = [&](const char* step) {
    if (!Agree(world, *transfer)) Fail(__FILE__, __LINE__, when + ": after " + step + " they differ");
  };
  if (!world.AddAll(*transfer).ok()) return;
  const Status s = AndWait([&](auto on_quiet) { return transfer->Dispatch(on_quiet); });
  check("the copies");
  if (!s.ok()) return;
  if (!transfer->Publish().ok()) {
    check("a failed publish");
    (void)AndWait([&](auto on_quiet) { return transfer->Resume(on_quiet); });
    check("a resume");
    (void)transfer->Publish();
  }
  check("publishing");
  (void)transfer->Free();
}

// Another thread may be between its write and what it changes: then they agree once it has ended.
bool WillAgree(const World& world, const Transfer& transfer) {
  for (int tries = 0; tries < 1000; tries++, std::this_thread::sleep_for(std::chrono::milliseconds(1)))
    if (Agree(world, transfer)) return true;
  return false;
}

void AgreesBeforeEveryCall(World& world) {
  QuickOs quick;
  FaultOs os(quick, Fault::kFail, 0);
  const Transfer* transfer = nullptr;
  uint64_t checked = 0;
  os.before = [&](uint64_t n) {
    if (transfer == nullptr) return;
    checked++;
    if (!WillAgree(world, *transfer)) Fail(__FILE__, __LINE__, "before call " + std::to_string(n) + " they differ");
  };
  Run(world, os, "no fault", [&](const Transfer& t) { transfer = &t; });
  transfer = nullptr;
  std::printf("replay sweep, every call of a life: %d of %d\n", static_cast<int>(checked), static_cast<int>(checked));
  CHECK(checked > 100);
}

TEST(BeforeEveryCallALiveTransferBelievesWhatItsJournalSays) {
  World all(World::Files::kAll), phases(World::Files::kPhases);
  AgreesBeforeEveryCall(all);
  AgreesBeforeEveryCall(phases);
}

void AgreesAfterAnyFault(World& world) {
  QuickOs quick;
  for (const auto& [fault, err] : {std::pair{Fault::kKill, 0}, {Fault::kFail, EIO}, {Fault::kFull, ENOSPC}}) {
    const std::string what = "replay sweep, fault " + std::to_string(static_cast<int>(fault));
    const uint64_t struck = Sweep(what, quick, fault, err, [&](FaultOs& os) {
      world.Reset();
      Run(world, os, what + ", " + os.where(), [](const Transfer&) {});
    });
    CHECK(struck > 10);
  }
}

TEST(AfterAnyFaultALiveTransferBelievesWhatItsJournalSays) {
  World all(World::Files::kAll), phases(World::Files::kPhases);
  AgreesAfterAnyFault(all);
  AgreesAfterAnyFault(phases);
}

}  // namespace
}  // namespace axl::test
