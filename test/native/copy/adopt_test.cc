// What a mover has brought to the temporary names becomes DONE only if it is whole, ours and the bytes of the source.
#include "copy/adopt.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/crc32c.h"
#include "base/names.h"
#include "recording_os.h"
#include "survey.h"
#include "world.h"

namespace axl::test {
namespace {

uint32_t SumOf(const std::string& bytes) { return Crc32c(0, bytes.data(), bytes.size()); }

// A transfer of the world whose bytes a mover brings: here, this test.
struct Moved {
  explicit Moved(World& w, Os& os) : world(w), transfer(os, engine) {
    world.Reset();
    REQUIRE_OK(transfer.Create(world.Options()));
    REQUIRE_OK(world.AddAll(transfer));
    REQUIRE_OK(transfer.Seal(false, false));
    CHECK(!transfer.quiet());
    transfer.EachPending([&](uint32_t id, const FileEntry& file) { files.emplace_back(id, file.source, Of(file)); });
  }
  std::string Of(const FileEntry& file) const { return TemporaryPath(file.dest, transfer.uuid()); }
  // Copies each file as a mover would, and then what `meddle` does to the first one.
  void Bring(const std::function<void(const std::string& temporary)>& meddle = {}) {
    for (const auto& [id, source, temporary] : files) {
      WriteFile(temporary, ReadFile(source));
      CHECK(chmod(temporary.c_str(), 0600) == 0);
    }
    if (meddle) meddle(std::get<2>(files.front()));
  }
  void Adopt(Arrivals arrivals = {}) {
    REQUIRE_OK(AndWait([&](auto on_quiet) { return transfer.Adopt(arrivals, on_quiet); }));
  }
  // What the first file has failed with.
  Status Failure() {
    Status failure;
    transfer.EachFile([&](const FileEntry& file, const FileProgress& p) {
      if (Of(file) == std::get<2>(files.front())) failure = p.failure;
    });
    return failure;
  }
  World& world;
  Engine engine{2};
  Transfer transfer;
  std::vector<std::tuple<uint32_t, std::string, std::string>> files;  // id, source, temporary
};

TEST(WhatAMoverHasBroughtIsPublishedLikeOurOwnCopies) {
  World world(World::Files::kAll);
  QuickOs os;
  Moved moved(world, os);
  moved.Bring();
  moved.Adopt();
  CHECK(moved.transfer.state() == Transfer::State::kCompleted);
  REQUIRE_OK(moved.transfer.Publish());
  CHECK_OK(moved.transfer.Free());
  CHECK_EQ(Difference(world.Now(), world.after()), "");
}

// The fsync that is to make it DONE fails, when its links are made.
struct LastFsyncFails : QuickOs {
  int Fsync(int fd) override { return PathOf(fd) == path && ++asked == 2 ? -EIO : 0; }
  std::string path;
  int asked = 0;
};

TEST(LinksThatAFailedAdoptionHasMadeDoNotStopTheNextOne) {
  World world(World::Files::kFour);
  LastFsyncFails os;
  Moved moved(world, os);
  moved.Bring();
  const char* four[] = {"tree/one", "tree/two", "tree/three", "tree/void/four"};  // one of them has bytes of its own
  for (const char* name : four) os.path += world.TemporaryOf(name);
  moved.Adopt();
  CHECK_EQ(os.asked, 2);
  CHECK_EQ(moved.transfer.state(), Transfer::State::kFailed);
  for (const char* name : four) CHECK(Exists(world.TemporaryOf(name)));
  REQUIRE_OK(moved.transfer.Seal(true, true));  // what its mover has left stays, and it begins with nothing
  moved.Adopt();
  REQUIRE_OK(moved.transfer.Publish());
  CHECK_OK(moved.transfer.Free());
  CHECK_EQ(Difference(world.Now(), world.after()), "");
}

void CheckRefused(const char* what, const std::function<void(const std::string&)>& meddle, Code code) {
  World world;
  QuickOs os;
  Moved moved(world, os);
  moved.Bring(meddle);
  moved.Adopt();
  if (moved.Failure().code != code) Fail(__FILE__, __LINE__, std::string(what) + ": " + Show(moved.Failure()));
  CHECK_CODE(moved.transfer.Publish(), Code::kTransferFailed);
  CHECK_OK(moved.transfer.Free());
  CHECK_EQ(Difference(world.Now(), world.before()), "");
}

TEST(BytesOfAMoverThatAreNotThoseOfTheSourceAreRefused) {
  CheckRefused(
      "another byte",
      [](const std::string& path) {
        std::string bytes = ReadFile(path);
        bytes[0] ^= 1;
        WriteFile(path, bytes);
      },
      Code::kVerify);
}

TEST(ATemporaryFileOfAMoverThatHasAnotherSizeIsRefused) {
  CheckRefused(
      "longer", [](const std::string& path) { WriteFile(path, ReadFile(path) + "x"); }, Code::kVerify);
  CheckRefused(
      "shorter", [](const std::string& path) { CHECK(truncate(path.c_str(), 1) == 0); }, Code::kVerify);
  CheckRefused(
      "not there", [](const std::string& path) { CHECK(unlink(path.c_str()) == 0); }, Code::kIo);
}

TEST(ATemporaryFileOfAMoverThatIsNotAFileOfItsOwnIsRefused) {
  TempDir elsewhere;
  const auto second = [&](const std::string& path) {
    const std::string name = path.substr(0, path.find("/dest/")) + "/states/second";  // of the same file system
    CHECK(link(path.c_str(), name.c_str()) == 0);
  };
  CheckRefused("a second name", second, Code::kVerify);
  const auto fifo = [](const std::string& path) {
    CHECK(unlink(path.c_str()) == 0);
    CHECK(mkfifo(path.c_str(), 0600) == 0);
  };
  CheckRefused("a FIFO", fifo, Code::kVerify);
  const auto link = [&](const std::string& path) {
    WriteFile(elsewhere / "victim", ReadFile(path));
    CHECK(unlink(path.c_str()) == 0);
    MakeLink(elsewhere / "victim", path);
  };
  CheckRefused("a link", link, Code::kIo);
  if (geteuid() == 0)
    CheckRefused(
        "another user's", [](const std::string& path) { CHECK(chown(path.c_str(), 65534, 65534) == 0); },
        Code::kVerify);
}

// Its size and its bytes say nothing.
TEST(InThePlaceOfAnEmptyFileOnlyAFileIsAdopted) {
  World world(World::Files::kAll);
  QuickOs os;
  Moved moved(world, os);
  moved.Bring();
  size_t pipes = 0, refused = 0;
  for (const auto& [id, source, temporary] : moved.files) {
    if (!ReadFile(source).empty()) continue;
    CHECK(unlink(temporary.c_str()) == 0 && mkfifo(temporary.c_str(), 0600) == 0);
    pipes++;
  }
  moved.Adopt();
  moved.transfer.EachFile(
      [&](const FileEntry&, const FileProgress& p) { refused += p.failure->code == Code::kVerify; });
  CHECK(pipes > 0);
  CHECK_EQ(refused, pipes);
  CHECK_OK(moved.transfer.Free());
}

TEST(ASourceThatHasChangedSinceDispatchIsNotAdopted) {
  World world;
  QuickOs os;
  Moved moved(world, os);
  moved.Bring();
  const std::string source = std::get<1>(moved.files.front()), bytes = ReadFile(source);
  WriteFile(source, bytes);  // another mtime
  moved.Adopt();
  CHECK_CODE(moved.Failure(), Code::kSourceChanged);
  CHECK_OK(moved.transfer.Free());
}

TEST(ASourceOutOfReachNeedsTheSumOfTheMover) {
  for (const bool vouched : {true, false}) {
    World world;
    QuickOs os;
    Moved moved(world, os);
    moved.Bring();
    const auto& [id, source, temporary] = moved.files.front();
    Arrivals arrivals;
    if (vouched) arrivals.told[id] = {SumOf(ReadFile(source)), {}};
    CHECK(rename(source.c_str(), (source + ".away").c_str()) == 0);
    moved.Adopt(arrivals);
    CHECK(rename((source + ".away").c_str(), source.c_str()) == 0);
    CHECK_EQ(moved.Failure().ok(), vouched);
    CHECK_OK(moved.transfer.Free());
  }
}

TEST(TheSumOfAMoverIsComparedWithTheBytesAsTheyAre) {
  World world;
  QuickOs os;
  Moved moved(world, os);
  moved.Bring();
  Arrivals arrivals;
  arrivals.told[std::get<0>(moved.files.front())] = {SumOf("other bytes"), {}};
  moved.Adopt(arrivals);
  CHECK_CODE(moved.Failure(), Code::kVerify);
  CHECK_OK(moved.transfer.Free());
}

TEST(WhatAMoverCouldNotMoveHasItsReason) {
  World world;
  QuickOs os;
  Moved moved(world, os);
  moved.Bring();
  Arrivals arrivals;
  arrivals.told[std::get<0>(moved.files.front())] = {{}, Status::Errno(ENOSPC, "write", "/there")};
  moved.Adopt(arrivals);
  CHECK_ERRNO(moved.Failure(), ENOSPC);
  CHECK_OK(moved.transfer.Free());
}

TEST(OfAJobThatWasToEndEarlyOnlyWhatIsWholeIsKept) {
  World world;
  QuickOs os;
  Moved moved(world, os);
  moved.Bring([](const std::string& path) { CHECK(truncate(path.c_str(), 1) == 0); });
  Arrivals arrivals;
  arrivals.stays = true;
  moved.Adopt(arrivals);
  CHECK_OK(moved.Failure());
  CHECK(moved.transfer.state() == Transfer::State::kCanceled);
  CHECK_EQ(moved.transfer.counters().files_done, moved.transfer.counters().files_total - 1);
  REQUIRE_OK(AndWait([&](auto on_quiet) { return moved.transfer.Resume(on_quiet); }));
  REQUIRE_OK(moved.transfer.Publish());
  CHECK_OK(moved.transfer.Free());
  CHECK_EQ(Difference(world.Now(), world.after()), "");
}

TEST(WhatAJobHasLeftHalfIsRemovedBeforeTheNextUnlessItsMoverKeepsIt) {
  for (const bool keeps : {true, false}) {
    World world;
    QuickOs os;
    Moved moved(world, os);
    moved.Bring([](const std::string& path) { CHECK(truncate(path.c_str(), 1) == 0); });
    moved.Adopt();
    REQUIRE_OK(moved.transfer.Seal(true, keeps));
    CHECK_EQ(Exists(std::get<2>(moved.files.front())), keeps);
    moved.Adopt({{}, true});
    CHECK_OK(moved.transfer.Free());
  }
}

TEST(ATransferWhoseMoverIsLostIsFailedForThatReason) {
  World world;
  QuickOs os;
  Moved moved(world, os);
  CHECK_CODE(moved.transfer.Free(), Code::kInvalidState);
  moved.transfer.Abandon(Status::Make(Code::kIo, "its mover does not answer"));
  CHECK(moved.transfer.state() == Transfer::State::kFailed);
  CHECK_CODE(moved.transfer.Publish(), Code::kIo);
  CHECK_OK(moved.transfer.Free());
}

TEST(TheStateFileNamesTheJobBeforeTheMoverBegins) {
  World world;
  RecordingOs os(world.state_file());
  Moved moved(world, os);
  REQUIRE_OK(moved.transfer.Submitted("rclone", "7"));
  const size_t named = os.Wrote(RecordType::kSubmitted);
  CHECK(named < os.Find("fsync", world.state_file(), named) && os.Last("fsync") > named);
  CHECK_EQ(os.Last("fsync"), os.events.size() - 1);
  moved.Bring();
  moved.Adopt();
  CHECK_OK(moved.transfer.Free());
}

TEST(WhatMayStillRunIsNeitherCopiedAgainNorRolledBack) {
  World world;
  QuickOs os;
  Moved moved(world, os);
  REQUIRE_OK(moved.transfer.Submitted("rclone", "7"));
  moved.Bring();
  moved.transfer.Abandon(Status::Make(Code::kIo, "its mover does not answer"));
  CHECK_CODE(moved.transfer.Free(), Code::kUnavailable);
  CHECK_CODE(moved.transfer.Resume([] {}), Code::kUnavailable);
  CHECK_CODE(moved.transfer.Seal(true, false), Code::kUnavailable);
  REQUIRE_OK(moved.transfer.Rejoin());
  moved.Adopt();
  REQUIRE_OK(moved.transfer.Publish());
  CHECK_OK(moved.transfer.Free());
  CHECK_EQ(Difference(world.Now(), world.after()), "");
}

// Leaves a job of which the process has not heard the end: the first file is half there. Where the second one is.
std::string LeaveAJob(World& world, Os& os) {
  Moved moved(world, os);
  REQUIRE_OK(moved.transfer.Submitted("rclone", "7"));
  moved.Bring([](const std::string& path) { CHECK(truncate(path.c_str(), 1) == 0); });
  return std::get<2>(moved.files.back());
}

TEST(AFinalizerAsksTheMoverAndAdoptsWhatIsWholeOnceItHasEnded) {
  World world;
  QuickOs os;
  const std::string temporary = LeaveAJob(world, os);
  struct stat brought, published;
  REQUIRE(stat(temporary.c_str(), &brought) == 0);
  const Tree left = world.Now();
  Policy policy;
  policy.incomplete = Incomplete::kResume;
  const auto finalize = [&](const JobAnswers& answers) {
    policy.word.answers = answers;
    return Finalize(world, os, policy).at(0).action;
  };
  CHECK(finalize({}) == Action::kCorrupt);
  CHECK(finalize({{"rclone", "8"}}) == Action::kCorrupt);
  CHECK(finalize({{"rclone", "7", true}}) == Action::kBusy);
  CHECK_EQ(Difference(world.Now(), left), "");
  CHECK(finalize({{"rclone", "7"}}) == Action::kPublished);
  CHECK_EQ(Difference(world.Now(), world.after()), "");
  REQUIRE(stat(temporary.substr(0, temporary.find("._AXL")).c_str(), &published) == 0);
  CHECK_EQ(brought.st_ino, published.st_ino);
}

TEST(ASurveySaysThatATransferIsAliveWhileItsMoverRuns) {
  World world;
  QuickOs os;
  LeaveAJob(world, os);
  const auto survey = [&](const JobAnswers& answers) {
    return Survey(os, world.state_file(), Word{false, {}, answers});
  };
  CHECK(survey({}).standing == Standing::kCorrupt && survey({}).jobs.size() == 1);
  const Surveyed runs = survey({{"rclone", "7", true}}), ended = survey({{"rclone", "7"}});
  CHECK(runs.alive == Answer::kYes && runs.standing == Standing::kIncomplete);
  CHECK(ended.alive == Answer::kNo && ended.standing == Standing::kIncomplete);
}

// Invariants 3 and 4: what is summed is on the disk, the metadata comes after that, and is durable before DONE.
TEST(WhatIsAdoptedIsDurableBeforeItIsReadBackAndAgainBeforeDone) {
  World world;
  RecordingOs os(world.state_file());
  Moved moved(world, os);
  moved.Bring();
  moved.Adopt();
  const std::string temporary = std::get<2>(moved.files.front());
  const size_t durable = os.Find("fsync", temporary), mode = os.Find("chmod", temporary, durable),
               again = os.Find("fsync", temporary, mode), done = os.Wrote(RecordType::kDone);
  CHECK(durable < mode && mode < again && again < done && done < os.events.size());
  CHECK_EQ(os.Find("chmod", temporary), mode);
  CHECK_OK(moved.transfer.Free());
}

}  // namespace
}  // namespace axl::test
