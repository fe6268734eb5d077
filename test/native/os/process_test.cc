// Tests of process.h: who is at work, as far as this kernel knows.
#include "os/process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

namespace axl::test {
namespace {

const OpenFile kState{"state", 0, 0}, kStat{"stat", 0, 0};

TransferInfo Self() {
  TransferInfo info;
  DescribeProcess(&info);
  return info;
}

}  // namespace

TEST(ThisProcessIsWritingUnlessItHasBeenGivenTheLock) {
  const TransferInfo info = Self();
  CHECK(!info.host.empty());
  CHECK_EQ(info.boot_id.size(), 36);
  CHECK_EQ(info.pid, getpid());
  CHECK(info.start_time > 0);
  CHECK(info.pid_namespace > 0);
  CHECK_EQ(IsWriting(info, kState, false), Answer::kYes);
  CHECK_EQ(IsWriting(info, kState, true), Answer::kNo);
}

TEST(AProcessNameWithParenthesesAndSpacesHidesNothing) {
  char name[17] = {};
  REQUIRE(prctl(PR_GET_NAME, name) == 0);
  const uint64_t start_time = Self().start_time;
  REQUIRE(prctl(PR_SET_NAME, "a) Z 1 (b) c") == 0);
  CHECK_EQ(Self().start_time, start_time);
  REQUIRE(prctl(PR_SET_NAME, name) == 0);
}

TEST(OfAWriterOfAnotherBootOrPidNamespaceNothingCanBeTold) {
  TransferInfo info = Self();
  info.boot_id[0] = info.boot_id[0] == '0' ? '1' : '0';
  CHECK_EQ(IsWriting(info, kState, true), Answer::kCannotTell);
  info = Self();
  info.pid_namespace++;
  CHECK_EQ(IsWriting(info, kState, true), Answer::kCannotTell);
  CHECK_EQ(IsWriting(TransferInfo{}, kState, true), Answer::kCannotTell);
}

TEST(OfAWriterOfThisBootItsProcessTellsWhateverItsHostIsCalled) {
  TransferInfo info = Self();
  info.host += ".elsewhere";
  CHECK_EQ(IsWriting(info, kState, false), Answer::kYes);
}

TEST(AReusedProcessIdIsNotTheWriter) {
  TransferInfo info = Self();
  info.start_time--;
  CHECK_EQ(IsWriting(info, kState, false), Answer::kNo);
}

TEST(AHostileProcessIdIsUnknown) {
  TransferInfo info = Self();
  for (uint32_t pid : {0u, 0x80000000u, 0xffffffffu}) {
    info.pid = pid;
    CHECK_EQ(IsWriting(info, kState, false), Answer::kCannotTell);
  }
}

TEST(AZombieAndAReapedProcessAreDead) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const TransferInfo info = Self();
    const ssize_t n = write(ends[1], &info.start_time, sizeof info.start_time);
    _exit(n == sizeof info.start_time ? 0 : 1);
  }
  TransferInfo info = Self();
  info.pid = static_cast<uint32_t>(child);
  CHECK(read(ends[0], &info.start_time, sizeof info.start_time) == sizeof info.start_time);
  siginfo_t ended;
  CHECK(waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) == 0);
  CHECK_EQ(IsWriting(info, kState, false), Answer::kNo);
  CHECK(waitpid(child, nullptr, 0) == child);
  CHECK_EQ(IsWriting(info, kState, false), Answer::kNo);
  close(ends[0]);
  close(ends[1]);
}

TEST(AProcessThatHasLetGoOfTheStateFileIsNotWriting) {
  int ends[2], held[2];
  REQUIRE(pipe(ends) == 0 && pipe(held) == 0);
  const std::string path = "/proc/self/stat";  // any file that a process may have open
  const pid_t child = fork();
  if (child == 0) {
    const int fd = open(path.c_str(), O_RDONLY);
    const TransferInfo info = Self();
    char go;
    _exit(fd >= 0 && write(ends[1], &info.start_time, sizeof info.start_time) > 0 && read(held[0], &go, 1) == 1 ? 0
                                                                                                                : 1);
  }
  TransferInfo info = Self();
  info.pid = static_cast<uint32_t>(child);
  CHECK(read(ends[0], &info.start_time, sizeof info.start_time) == sizeof info.start_time);
  CHECK_EQ(IsWriting(info, kStat, true), Answer::kYes);
  CHECK_EQ(IsWriting(info, kState, true), Answer::kNo);
  CHECK(write(held[1], "x", 1) == 1 && waitpid(child, nullptr, 0) == child);
  for (int fd : {ends[0], ends[1], held[0], held[1]}) close(fd);
}

// /proc/PID/fd of a process that may not be looked at: of another user, or one that is not dumpable.
TEST(AProcessWhoseDescriptorsCannotBeLookedAtIsNotTakenForOneThatHasLetGo) {
  int ends[2], held[2];
  REQUIRE(pipe(ends) == 0 && pipe(held) == 0);
  const pid_t writer = fork();
  if (writer == 0) {
    const int fd = open("/proc/self/stat", O_RDONLY);
    const TransferInfo info = Self();
    char go;
    const bool ready = fd >= 0 && prctl(PR_SET_DUMPABLE, 0) == 0;
    _exit(ready && write(ends[1], &info.start_time, sizeof info.start_time) > 0 && read(held[0], &go, 1) == 1 ? 0 : 1);
  }
  TransferInfo info = Self();
  info.pid = static_cast<uint32_t>(writer);
  CHECK(read(ends[0], &info.start_time, sizeof info.start_time) == sizeof info.start_time);
  const pid_t asker = fork();
  if (asker == 0) {
    if (geteuid() == 0 && setuid(65534) != 0) _exit(1);
    const bool told =
        IsWriting(info, kStat, true) != Answer::kCannotTell || IsWriting(info, kState, false) != Answer::kYes;
    _exit(told ? 2 : 0);
  }
  int status = 0;
  CHECK(waitpid(asker, &status, 0) == asker);
  CHECK_EQ(WEXITSTATUS(status), 0);
  CHECK(write(held[1], "x", 1) == 1 && waitpid(writer, nullptr, 0) == writer);
  for (int fd : {ends[0], ends[1], held[0], held[1]}) close(fd);
}

}  // namespace axl::test
