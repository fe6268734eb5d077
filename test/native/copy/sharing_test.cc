// Which thread copies what: writers of one file wait for each other, so each has a file of its own while there are any.
#include <sys/stat.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "copy/copy_job.h"
#include "world.h"

namespace axl::test {
namespace {

// The first read of each of two threads waits for that of the other; says which files they read then.
struct MeetingOs : QuickOs {
  ssize_t Read(int fd, void* data, size_t n, off_t at) override {
    Meet(fd);
    return to_.Read(fd, data, n, at);
  }
  void Meet(int fd) {
    struct stat st;
    if (fstat(fd, &st) != 0) return;
    std::unique_lock lock(mutex);
    if (files.size() == 2) return;
    files.push_back(st.st_ino);
    both.notify_all();
    CHECK(both.wait_for(lock, std::chrono::minutes(1), [&] { return files.size() == 2; }));
  }
  std::mutex mutex;
  std::condition_variable both;
  std::vector<ino_t> files;
};

// What two threads copy at one moment of a transfer of files of these sizes.
std::vector<ino_t> CopiedTogether(const std::vector<size_t>& sizes) {
  World world;
  MeetingOs os;
  Engine engine(2);
  Transfer transfer(os, engine);
  REQUIRE_OK(transfer.Create(world.Options()));
  for (size_t i = 0; i < sizes.size(); i++) {
    const std::string name = "sized" + std::to_string(i);
    WriteFile(world.Source(name), std::string(sizes[i], 'x'));
    REQUIRE_OK(transfer.Add({world.Source(name), world.Dest(name)}, PlanOptions{}));
  }
  REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer.Dispatch(on_quiet); }));
  CHECK_OK(transfer.Publish());
  for (size_t i = 0; i < sizes.size(); i++)
    CHECK_EQ(ReadFile(world.Dest("sized" + std::to_string(i))).size(), sizes[i]);
  CHECK_OK(transfer.Free());
  REQUIRE(os.files.size() == 2);
  return os.files;
}

TEST(EachThreadHasAFileOfItsOwnWhileThereAreAny) {
  for (const auto& sizes : std::vector<std::vector<size_t>>{
           {5 * World::kChunk, 5 * World::kChunk}, {100, 5 * World::kChunk}, {5 * World::kChunk, 100}}) {
    const auto files = CopiedTogether(sizes);
    CHECK(files[0] != files[1]);
  }
}

TEST(TheChunksOfTheLastFileAreShared) {
  const auto files = CopiedTogether({5 * World::kChunk});
  CHECK(files[0] == files[1]);
}

// The engine may have sent a thread in before the job was over; its owner frees the journal as soon as it is.
TEST(AThreadThatComesAfterTheEndTouchesNothing) {
  World world;
  QuickOs os;
  {
    Engine engine(1);
    Transfer transfer(os, engine);
    REQUIRE_OK(transfer.Create(world.Options()));
    REQUIRE_OK(transfer.Add({world.Source("new"), world.Dest("new")}, PlanOptions{}));
    REQUIRE_OK(transfer.Seal(false, false));
    transfer.Abandon({});
  }
  Engine engine(1);
  std::unique_ptr<Journal> journal;
  REQUIRE_OK(Journal::Open(os, world.state_file(), {}, &journal));
  std::shared_ptr<CopyJob> job;
  CHECK_OK(AndWait([&](auto on_quiet) {
    job = std::make_shared<CopyJob>(os, *journal, true, std::move(on_quiet));
    job->FsyncOn(engine);
    CHECK(!job->Step());
    return Status::Ok();
  }));
  CHECK(journal->state().AllDone());
  journal.reset();
  CHECK(!job->Step());  // AddressSanitizer sees a read of what is freed
}

}  // namespace
}  // namespace axl::test
