// Tests of os.h against the real kernel. Where the kernel here is newer than some, a seccomp filter makes it old.
#include "os/os.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "forwarding_os.h"
#include "test.h"

namespace axl::test {
namespace {

Os& os = Os::Posix();

// Runs `body` in a child for which the system call `number` fails with `err`.
void Without(int number, int err, void (*body)(const TempDir&)) {
  TempDir dir;
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(err)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog program{4, filter};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
    const int before = Failures();
    body(dir);
    _exit(Failures() > before ? 1 : 0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK_EQ(status, 0);
}

void CheckRenameNew(const TempDir& dir) {
  Fd fd(os, os.Open(AT_FDCWD, dir.path().c_str(), O_RDONLY | O_DIRECTORY));
  WriteFile(dir / "a", "a");
  WriteFile(dir / "b", "b");
  CHECK_EQ(os.RenameNew(fd.get(), "a", "b"), -EEXIST);
  CHECK_EQ(ReadFile(dir / "b"), "b");
  CHECK_EQ(os.RenameNew(fd.get(), "a", "c"), 0);
  CHECK_EQ(ReadFile(dir / "c"), "a");
  CHECK(!Exists(dir / "a"));
  CHECK_EQ(os.RenameNew(fd.get(), "none", "d"), -ENOENT);
}

void CheckOpenNoLinksFallsBack(const TempDir& dir) {
  WriteFile(dir / "f", "f");
  MakeLink("f", dir / "link");
  Fd fd(os, os.OpenNoLinks(AT_FDCWD, (dir / "f").c_str(), O_RDONLY));
  CHECK(fd.valid());
  CHECK_EQ(fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
  CHECK_EQ(os.OpenNoLinks(AT_FDCWD, (dir / "link").c_str(), O_RDONLY), -ELOOP);
}

class ShortOs : public ForwardingOs {
 public:
  ssize_t Read(int fd, void* data, size_t n, off_t at) override {
    return to_.Read(fd, data, std::min<size_t>(n, 3), at);
  }
  ssize_t Write(int fd, const void* data, size_t n, off_t at) override {
    if (at >= fail_at) return -ENOSPC;
    return stuck ? 0 : to_.Write(fd, data, std::min<size_t>(n, 2), at);
  }
  off_t fail_at = 1000;
  bool stuck = false;
};

}  // namespace

TEST(OpenFailsWithTheNegativeErrno) {
  TempDir dir;
  CHECK_EQ(os.Open(AT_FDCWD, (dir / "none").c_str(), O_RDONLY), -ENOENT);
  CHECK_EQ(os.Close(-1), -EBADF);
  Fd fd(os, -EACCES);
  CHECK(!fd.valid());
  CHECK_EQ(fd.error(), EACCES);
  CHECK_EQ(fd.Close(), 0);
}

TEST(OpenIsCloseOnExec) {
  TempDir dir;
  Fd fd(os, os.Open(AT_FDCWD, (dir / "f").c_str(), O_RDWR | O_CREAT, 0600));
  REQUIRE(fd.valid());
  CHECK_EQ(fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
}

TEST(OpenNoLinksRefusesALinkAnywhere) {
  TempDir dir;
  MakeDir(dir / "d");
  WriteFile(dir / "d/f", "f");
  MakeLink("d", dir / "link");
  MakeLink("f", dir / "d/last");
  CHECK_EQ(os.OpenNoLinks(AT_FDCWD, (dir / "link/f").c_str(), O_RDONLY), -ELOOP);
  CHECK_EQ(os.OpenNoLinks(AT_FDCWD, (dir / "d/last").c_str(), O_RDONLY), -ELOOP);
  Fd fd(os, os.OpenNoLinks(AT_FDCWD, (dir / "d/f").c_str(), O_RDONLY));
  CHECK(fd.valid());
  CHECK_EQ(fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
}

TEST(OpenNoLinksWorksOnKernelsWithoutOpenat2) {
  Without(SYS_openat2, ENOSYS, CheckOpenNoLinksFallsBack);
  Without(SYS_openat2, EPERM, CheckOpenNoLinksFallsBack);
}

TEST(RenameNewNeverReplaces) {
  TempDir dir;
  CheckRenameNew(dir);
}

TEST(RenameNewNeverReplacesWhereTheFlagIsUnknown) {
  Without(SYS_renameat2, EINVAL, CheckRenameNew);
  Without(SYS_renameat2, ENOSYS, CheckRenameNew);
}

TEST(ListLeavesOutDotsAndCanBeRepeated) {
  TempDir dir;
  WriteFile(dir / "f", "");
  MakeDir(dir / "d");
  MakeLink("f", dir / "l");
  Fd fd(os, os.Open(AT_FDCWD, dir.path().c_str(), O_RDONLY | O_DIRECTORY));
  for (int round = 0; round < 2; round++) {
    std::vector<OsDirEntry> entries;
    CHECK_EQ(os.List(fd.get(), &entries), 0);
    CHECK_EQ(entries.size(), 3);
  }
  Fd file(os, os.Open(AT_FDCWD, (dir / "f").c_str(), O_RDONLY));
  std::vector<OsDirEntry> entries;
  CHECK_EQ(os.List(file.get(), &entries), -ENOTDIR);
}

TEST(ReadLinkReturnsLongTargetsWhole) {
  TempDir dir;
  const std::string target(4000, 't');
  CHECK_EQ(os.Symlink(target.c_str(), AT_FDCWD, (dir / "l").c_str()), 0);
  std::string read;
  CHECK_EQ(os.ReadLink(AT_FDCWD, (dir / "l").c_str(), &read), 0);
  CHECK_EQ(read, target);
  CHECK_EQ(os.ReadLink(AT_FDCWD, dir.path().c_str(), &read), -EINVAL);
}

TEST(RealPathFollowsLinks) {
  TempDir dir;
  MakeDir(dir / "d");
  MakeLink("d", dir / "l");
  std::string real;
  CHECK_EQ(os.RealPath((dir / "l/../l/.").c_str(), &real), 0);
  CHECK_EQ(real, dir / "d");
  CHECK_EQ(os.RealPath((dir / "none").c_str(), &real), -ENOENT);
}

TEST(HintsDoNotFailWhereTheyMeanNothing) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  CHECK_EQ(os.StartWriteback(ends[1], 0, 0), 0);
  CHECK_EQ(os.DropCache(ends[0]), 0);
  close(ends[0]);
  close(ends[1]);
}

TEST(LockIsHeldByOneDescriptorAtATime) {
  TempDir dir;
  WriteFile(dir / "f", "");
  Fd one(os, os.Open(AT_FDCWD, (dir / "f").c_str(), O_RDWR));
  Fd two(os, os.Open(AT_FDCWD, (dir / "f").c_str(), O_RDWR));
  CHECK_EQ(os.Lock(one.get()), 0);
  CHECK_EQ(os.Lock(two.get()), -EWOULDBLOCK);
  CHECK_EQ(one.Close(), 0);
  CHECK_EQ(os.Lock(two.get()), 0);
}

TEST(WriteAllAndReadFullGoOnAfterShortCalls) {
  TempDir dir;
  ShortOs torn;
  Fd fd(torn, torn.Open(AT_FDCWD, (dir / "f").c_str(), O_RDWR | O_CREAT, 0600));
  CHECK_EQ(WriteAll(torn, fd.get(), "0123456789", 10, 5), 0);
  char data[20] = {};
  CHECK_EQ(ReadFull(torn, fd.get(), data, 20, 6), 9);
  CHECK_EQ(std::string(data, 9), "123456789");
}

TEST(WriteAllSaysWhyItStopped) {
  TempDir dir;
  ShortOs torn;
  Fd fd(torn, torn.Open(AT_FDCWD, (dir / "f").c_str(), O_RDWR | O_CREAT, 0600));
  torn.fail_at = 4;
  CHECK_EQ(WriteAll(torn, fd.get(), "0123456789", 10, 0), -ENOSPC);
  torn.fail_at = 1000;
  torn.stuck = true;
  CHECK_EQ(WriteAll(torn, fd.get(), "0123456789", 10, 0), -EIO);
  CHECK_EQ(ReadFull(torn, -1, nullptr, 1, 0), -EBADF);
}

}  // namespace axl::test
