// Every write is torn: a part of its bytes is written, then the process is killed. And a system that reads and writes
// less than it was asked for.
#include <algorithm>

#include "fault_os.h"
#include "world.h"

namespace axl::test {
namespace {

constexpr size_t kTears[] = {0, 2, 1000};  // all but a byte, half, nothing or little

template <class Next>
void TearEverywhere(const char* what, Next next) {
  World world;
  QuickOs quick;
  for (size_t tear : kTears) {
    const std::string label = std::string("torn sweep, ") + what + ", 1/" + std::to_string(tear);
    const uint64_t writes = Sweep(label, quick, Fault::kTear, 0, [&](FaultOs& os) {
      world.Reset();
      os.tear = tear;
      bool published = Live(world, os, 1, Ending::kPublish).published;
      published |= next(world, quick);
      CheckPromise(world, published, label + ", " + os.where());
    });
    CHECK(writes > 5);
  }
}

TEST(ATornWriteIsAsIfItHadNotBeen) {
  TearEverywhere("then finalize", [](World&, Os&) { return false; });
}

TEST(ATransferGoesOnAfterATornWrite) {
  int resumed = 0;
  TearEverywhere("then resume", [&](World& world, Os& os) {
    const bool published = LiveAgain(world, os, 1, Ending::kPublish).published;
    resumed += published;
    return published;
  });
  CHECK(resumed > 5);
}

// Reads and writes a few bytes where many were asked for.
class ShortOs : public QuickOs {
 public:
  explicit ShortOs(size_t most) : most_(most) {}
  ssize_t Read(int fd, void* data, size_t n, off_t at) override { return to_.Read(fd, data, std::min(n, most_), at); }
  ssize_t Write(int fd, const void* data, size_t n, off_t at) override {
    return to_.Write(fd, data, std::min(n, most_), at);
  }

 private:
  const size_t most_;
};

TEST(ShortReadsAndWritesAreGoneOnWith) {
  World world(World::Files::kAll);
  for (size_t most : {1u, 7u, 4095u}) {
    world.Reset();
    ShortOs os(most);
    CHECK_OK(Live(world, os, 2, Ending::kLeave).failed);
    const auto done = Finalize(world, os);
    REQUIRE(done.size() == 1);
    CHECK(done[0].action == Action::kPublished);
    CheckPromise(world, true, "short by " + std::to_string(most));
  }
}

}  // namespace
}  // namespace axl::test
