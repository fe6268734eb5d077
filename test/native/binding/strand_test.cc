// The tasks of one transfer: in order, one at a time, and gone with all that they own when the engine stops.
#include "binding/strand.h"

#include <future>
#include <memory>
#include <string>
#include <thread>

#include "no_threads.h"
#include "test.h"

namespace axl::test {
namespace {

// As a live transfer: it owns its strand, and its tasks own it.
struct Owner {
  explicit Owner(Engine& engine) : strand(std::make_shared<Strand>(engine)) {}
  std::shared_ptr<Strand> strand;
};

void Post(
    const std::shared_ptr<Owner>& owner, std::function<void()> task = [] {}) {
  owner->strand->Post([owner, task = std::move(task)] { task(); });
}

TEST(TasksOfAStrandRunInOrderAndOneAtATime) {
  Engine engine(1);
  auto owner = std::make_shared<Owner>(engine);
  std::string log;
  std::promise<void> end;
  for (int i = 0; i < 100; i++) Post(owner, [&log, i] { log += static_cast<char>('a' + i % 26); });
  Post(owner, [&] { end.set_value(); });
  end.get_future().wait();
  CHECK_EQ(log.size(), 100);
  CHECK_EQ(log.substr(0, 26), "abcdefghijklmnopqrstuvwxyz");
}

TEST(TasksThatTheEngineDropsAreGoneWithWhatTheyOwn) {
  std::promise<void> entered, open;
  std::weak_ptr<Owner> left;
  {
    Engine engine(1);
    auto owner = std::make_shared<Owner>(engine);
    left = owner;
    Post(owner, [&] {
      entered.set_value();
      open.get_future().wait();
    });
    Post(owner);
    entered.get_future().wait();
    auto stopped = std::async(std::launch::async, [&] { engine.Stop(); });
    while (!engine.stopping()) std::this_thread::yield();
    open.set_value();
    stopped.wait();
    Post(owner);
  }
  CHECK(left.expired());
}

TEST(AStrandWithoutThreadsRunsItsTasksAtOnce) {
  Engine engine(1);
  auto owner = std::make_shared<Owner>(engine);
  NoThreads none;
  int ran = 0;
  Post(owner, [&] { Post(owner, [&] { ran++; }); });
  CHECK_EQ(ran, 1);
}

}  // namespace
}  // namespace axl::test
