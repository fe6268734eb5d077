// Transfers that share a directory which one of them made: what one removes is no failure of the other.
#include <cerrno>

#include "world.h"

namespace axl::test {
namespace {

// Two transfers into a new directory, copied and left.
void LeaveTwo(const World& world) {
  QuickOs os;
  Engine engine(1);
  for (uint32_t rank : {0u, 1u}) {
    TransferOptions options = world.Options();
    options.state_file = world.states() + "/rank." + std::to_string(rank);
    const auto transfer = std::make_shared<Transfer>(os, engine);
    REQUIRE_OK(transfer->Create(options));
    REQUIRE_OK(transfer->Add({world.Source("new"), world.Dest("new/shared/" + std::to_string(rank))}, PlanOptions{}));
    REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer->Dispatch(on_quiet); }));
  }
}

// It says why it was rolled back, and nothing worse.
bool IsRolledBack(const World& world, Os& os, const std::string& name) {
  Engine engine(1);
  const Finalized f = FinalizeBatch(os, engine, {world.states() + "/" + name}, {}, Decided::kIncomplete)[0];
  CHECK_CODE(f.status, Code::kInvalidState);
  return f.action == Action::kRolledBack;
}

// Rolls back `one`, and `other` before call `at` of that. False: there were fewer calls.
bool RollBackBoth(const std::string& one, const std::string& other, uint64_t at) {
  World world;
  LeaveTwo(world);
  QuickOs quick;
  FaultOs os(quick, Fault::kFail, 0);
  bool reached = false;
  os.before = [&](uint64_t call) {
    if (call != at) return;
    reached = true;
    CHECK(IsRolledBack(world, quick, other));
  };
  CHECK(IsRolledBack(world, os, one));
  if (!reached) CHECK(IsRolledBack(world, quick, other));
  CHECK(World::TemporariesIn(world.Now()).empty());
  CHECK(List(world.states()).empty());
  return reached;
}

TEST(TwoRollBacksThatShareADirectoryDoNotFailOverItWhoeverRemovesItAndWhen) {
  for (uint64_t at = 1; RollBackBoth("rank.0", "rank.1", at) && Failures() == 0; at++) continue;
  for (uint64_t at = 1; RollBackBoth("rank.1", "rank.0", at) && Failures() == 0; at++) continue;
}

}  // namespace
}  // namespace axl::test
