// Tests of process.h: who is alive where locks do not work.
#include "os/process.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

namespace axl::test {
namespace {

TransferInfo Self() {
  TransferInfo info;
  DescribeProcess(&info);
  return info;
}

}  // namespace

TEST(ThisProcessIsAlive) {
  const TransferInfo info = Self();
  CHECK(!info.host.empty());
  CHECK_EQ(info.boot_id.size(), 36);
  CHECK_EQ(info.pid, getpid());
  CHECK(info.start_time > 0);
  CHECK_EQ(WriterLiveness(info), Liveness::kAlive);
}

TEST(AProcessNameWithParenthesesAndSpacesHidesNothing) {
  char name[17] = {};
  REQUIRE(prctl(PR_GET_NAME, name) == 0);
  const uint64_t start_time = Self().start_time;
  REQUIRE(prctl(PR_SET_NAME, "a) Z 1 (b) c") == 0);
  CHECK_EQ(Self().start_time, start_time);
  REQUIRE(prctl(PR_SET_NAME, name) == 0);
}

TEST(AWriterOnAnotherHostIsUnknown) {
  TransferInfo info = Self();
  info.host += ".elsewhere";
  CHECK_EQ(WriterLiveness(info), Liveness::kUnknown);
  CHECK_EQ(WriterLiveness(TransferInfo{}), Liveness::kUnknown);
}

TEST(AWriterBeforeTheLastBootIsDead) {
  TransferInfo info = Self();
  info.boot_id[0] = info.boot_id[0] == '0' ? '1' : '0';
  CHECK_EQ(WriterLiveness(info), Liveness::kDead);
}

TEST(AReusedProcessIdIsNotTheWriter) {
  TransferInfo info = Self();
  info.start_time--;
  CHECK_EQ(WriterLiveness(info), Liveness::kDead);
}

TEST(AHostileProcessIdIsUnknown) {
  TransferInfo info = Self();
  for (uint32_t pid : {0u, 0x80000000u, 0xffffffffu}) {
    info.pid = pid;
    CHECK_EQ(WriterLiveness(info), Liveness::kUnknown);
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
  CHECK_EQ(WriterLiveness(info), Liveness::kDead);
  CHECK(waitpid(child, nullptr, 0) == child);
  CHECK_EQ(WriterLiveness(info), Liveness::kDead);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace axl::test
