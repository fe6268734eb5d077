// The life of a transfer from create to free, in a healthy world.
#include "transfer.h"

#include "world.h"

namespace axl::test {
namespace {

TEST(ATransferArrivesWholeWithItsMetadata) {
  World world(World::Files::kAll, World::Place::kDisk);
  const Life life = Live(world, Os::Posix(), 2, Ending::kPublish);
  CHECK_OK(life.failed);
  CHECK(life.published && life.freed);
  CHECK_EQ(Difference(world.Now(), world.after()), "");
  CHECK(List(world.states()).empty());
}

TEST(ATransferThatIsFreedUnpublishedLeavesNothing) {
  World world(World::Files::kAll, World::Place::kDisk);
  const Life life = Live(world, Os::Posix(), 2, Ending::kFree);
  CHECK_OK(life.failed);
  CHECK_EQ(Difference(world.Now(), world.before()), "");
  CHECK(List(world.states()).empty());
}

TEST(ACompleteTransferIsPublishedByFinalize) {
  World world(World::Files::kAll, World::Place::kDisk);
  CHECK_OK(Live(world, Os::Posix(), 2, Ending::kLeave).failed);
  CHECK(!world.TemporariesIn(world.Now()).empty());
  const auto done = Finalize(world, Os::Posix());
  REQUIRE(done.size() == 1);
  CHECK(done[0].action == Action::kPublished);
  CHECK_EQ(done[0].name, "world");
  CHECK_EQ(done[0].files, done[0].files_done);
  CheckPromise(world, true, "finalized");
}

}  // namespace
}  // namespace axl::test
