// A verdict is written while the process is killed, the power fails or a call reports an error, at every call in turn.
// Whoever comes next finds the whole verdict or none, and nobody was told of one that is not on the disk.
#include <cerrno>
#include <iterator>
#include <memory>

#include "dataset/home.h"
#include "disk_os.h"
#include "fault_os.h"
#include "world.h"

namespace axl::test {
namespace {

const Uuid kDataset = {1};
const Verdict kWanted{Decision::kPublish, Scope::kEveryone, kDataset, "ckpt", 2, {}};

// Locks, decides, lets go. True: it was told that it is decided.
bool Decide(const World& world, Os& os) {
  std::unique_ptr<Home> home;
  if (!Home::Open(os, world.states(), &home).ok()) return false;
  std::unique_ptr<Home::Right> right;
  if (!home->Lock(kDataset, Home::Milliseconds(0), &right).ok() || !right) return false;
  Verdict counts;
  return home->Decide(kWanted, &counts).ok() && counts.decision == Decision::kPublish;
}

bool IsThere(const World& world, Os& os, const std::string& when) {
  std::unique_ptr<Home> home;
  std::optional<Verdict> found;
  Status s = Home::Open(os, world.states(), &home);
  if (s.ok()) s = home->Read(kDataset, &found);
  if (!s.ok()) Fail(__FILE__, __LINE__, when + ": half a verdict");
  if (found && EncodeVerdict(*found) != EncodeVerdict(kWanted)) Fail(__FILE__, __LINE__, when + ": another verdict");
  return found.has_value();
}

// Afterwards: what was told is there; the next decides, and removes it with all that was left.
void CheckHome(const World& world, bool told, const std::string& when) {
  QuickOs os;
  if (told && !IsThere(world, os, when)) Fail(__FILE__, __LINE__, when + ": told of a verdict that is not there");
  (void)IsThere(world, os, when);
  if (!Decide(world, os)) Fail(__FILE__, __LINE__, when + ": what was left keeps the next one out");
  std::unique_ptr<Home> home;
  REQUIRE_OK(Home::Open(os, world.states(), &home));
  CHECK_OK(home->Remove(kDataset, {}));
  if (!List(world.states()).empty()) Fail(__FILE__, __LINE__, when + ": something is left");
}

TEST(KilledBeforeAnyCallAVerdictIsWholeOrNotThere) {
  World world;
  QuickOs quick;
  Sweep("kill sweep, a verdict", quick, Fault::kKill, 0, [&](FaultOs& os) {
    world.Reset();
    CheckHome(world, Decide(world, os), "killed, " + os.where());
  });
}

TEST(AnErrorOfAnyCallIsNoVerdictThatSomebodyWasToldOf) {
  World world;
  QuickOs quick;
  for (int error : {EIO, ENOSPC, EDQUOT, EACCES, EROFS, ESTALE, EMFILE, ENOMEM, EINTR})
    for (Fault fault : {Fault::kFail, Fault::kLoseAnswer})
      Sweep("error sweep, a verdict, errno " + std::to_string(error), quick, fault, error, [&](FaultOs& os) {
        world.Reset();
        CheckHome(world, Decide(world, os), "error, " + os.where());
      });
}

TEST(TornAtAnyWriteAVerdictIsNotThere) {
  World world;
  QuickOs quick;
  Sweep("torn sweep, a verdict", quick, Fault::kTear, 0, [&](FaultOs& os) {
    world.Reset();
    CheckHome(world, Decide(world, os), "torn, " + os.where());
  });
}

constexpr PowerCut kHomeCuts[] = {{}, {.state_names = true}, {.data = true}, {.data = true, .state_names = true}};

TEST(AfterAPowerCutAVerdictThatSomebodyWasToldOfIsThere) {
  World world;
  DiskOs disk(world.root(), world.states());
  for (const PowerCut& survives : kHomeCuts)
    Sweep("power sweep, a verdict", disk, Fault::kKill, 0, [&](FaultOs& os) {
      world.Reset();
      disk.Forget();
      const bool told = Decide(world, os);
      disk.Cut(survives);
      CheckHome(world, told, "power, " + os.where());
    });
}

// Who was killed before he made it durable has told nobody; who reads it afterwards acts upon it.
TEST(AfterAPowerCutAVerdictThatSomebodyHasReadIsThere) {
  World world;
  DiskOs disk(world.root(), world.states());
  Sweep("power sweep, a verdict that was read", disk, Fault::kKill, 0, [&](FaultOs& os) {
    world.Reset();
    disk.Forget();
    (void)Decide(world, os);
    const bool read = IsThere(world, disk, os.where());
    disk.Cut({});
    CheckHome(world, read, "power after a read, " + os.where());
  });
}

// Afterwards one of the two is there; the later one, if somebody was told of it.
void CheckPassed(const World& world, bool told, const std::string& when) {
  QuickOs os;
  std::unique_ptr<Home> home;
  std::optional<Verdict> found;
  REQUIRE_OK(Home::Open(os, world.states(), &home));
  if (!home->Read(kDataset, &found).ok() || !found) return Fail(__FILE__, __LINE__, when + ": no verdict");
  if (told && found->decision != Decision::kPublish) Fail(__FILE__, __LINE__, when + ": told, and it is not there");
  CHECK_OK(home->Pass(kDataset));
  REQUIRE_OK(home->Read(kDataset, &found));
  if (EncodeVerdict(*found) != EncodeVerdict(kWanted)) Fail(__FILE__, __LINE__, when + ": another verdict");
  CHECK_OK(home->Remove(kDataset, {}));
  if (!List(world.states()).empty()) Fail(__FILE__, __LINE__, when + ": something is left");
}

TEST(AVerdictOfPhasesBecomesAnotherOneAndIsNeverGone) {
  World world;
  DiskOs disk(world.root(), world.states());
  for (Fault fault : {Fault::kKill, Fault::kFail, Fault::kLoseAnswer})
    for (const PowerCut& survives : kHomeCuts)
      Sweep("power sweep, a verdict that all phases are done", disk, fault, EIO, [&](FaultOs& os) {
        world.Reset();
        Verdict phased = kWanted, counts;
        phased.decision = Decision::kPublishInPhases;
        {
          std::unique_ptr<Home> home;
          REQUIRE_OK(Home::Open(disk, world.states(), &home));
          REQUIRE_OK(home->Decide(phased, &counts));
        }
        disk.Forget();
        std::unique_ptr<Home> home;
        const bool told = Home::Open(os, world.states(), &home).ok() && home->Pass(kDataset).ok();
        home.reset();
        disk.Cut(survives);
        CheckPassed(world, told, os.where());
      });
}

TEST(AVerdictOfWhichAnFsyncFailedIsNotToldOf) {
  World world;
  DiskOs disk(world.root(), world.states());
  Sweep("fsync sweep, a verdict", disk, Fault::kFailFsync, EIO, [&](FaultOs& os) {
    world.Reset();
    disk.Forget();
    if (Decide(world, os) && os.hit()) Fail(__FILE__, __LINE__, "told of success, " + os.where());
  });
}

}  // namespace
}  // namespace axl::test
