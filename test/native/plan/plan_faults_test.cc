// Every system call of a plan fails once: the failure is reported with its errno, nothing is planned, nothing leaks.
#include <sys/xattr.h>

#include <cerrno>

#include "forwarding_os.h"
#include "plan/plan.h"
#include "test.h"

namespace axl::test {
namespace {

// The call with number `fail_at` (from 0) fails with EIO.
class FailingOs : public ForwardingOs {
 public:
  int Open(int dir, const char* path, int flags, mode_t mode) override {
    if (Fails()) return -EIO;
    const int fd = to_.Open(dir, path, flags, mode);
    if (fd >= 0) open++;
    return fd;
  }
  int Close(int fd) override {
    open--;
    return to_.Close(fd);
  }
  int Fstat(int fd, struct stat* st) override { return Fails() ? -EIO : to_.Fstat(fd, st); }
  int Look(int dir, const char* path, Seen* seen) override { return Fails() ? -EIO : to_.Look(dir, path, seen); }
  int Stat(int dir, const char* path, struct stat* st, int flags) override {
    return Fails() ? -EIO : to_.Stat(dir, path, st, flags);
  }
  int ReadLink(int dir, const char* path, std::string* target) override {
    return Fails() ? -EIO : to_.ReadLink(dir, path, target);
  }
  int RealPath(const char* path, std::string* out) override { return Fails() ? -EIO : to_.RealPath(path, out); }
  int List(int fd, std::vector<OsDirEntry>* out) override { return Fails() ? -EIO : to_.List(fd, out); }
  ssize_t ListXattr(int fd, char* names, size_t n) override { return Fails() ? -EIO : to_.ListXattr(fd, names, n); }
  ssize_t GetXattr(int fd, const char* name, void* value, size_t n) override {
    return Fails() ? -EIO : to_.GetXattr(fd, name, value, n);
  }
  ssize_t ListXattrLink(const char* path, char* names, size_t n) override {
    return Fails() ? -EIO : to_.ListXattrLink(path, names, n);
  }

  bool Fails() { return calls++ == fail_at; }
  int calls = 0, fail_at = -1, open = 0;
};

struct PlanTree {
  PlanTree() {
    MakeDir(dir / "src");
    WriteFile(dir / "src/a", "a");
    (void)setxattr((dir / "src/a").c_str(), "user.k", "v", 1, 0);
    MakeDir(dir / "src/sub");
    WriteFile(dir / "src/sub/b", "b");
    MakeLink("a", dir / "src/link");
    MakeLink("src", dir / "to-src");
    MakeDir(dir / "dst");
    MakeDir(dir / "dst/there");
    MakeLink("there", dir / "dst/to-there");
    MakeDir(dir / "dst/there/to-src");
    MakeLink("x", dir / "dst/there/to-src/a");
  }
  TempDir dir;
};

}  // namespace

TEST(EveryCallOfAnAddThatFailsIsReportedAndUndone) {
  PlanTree tree;
  for (Links links : {Links::kCopy, Links::kFollow}) {
    FailingOs os;
    Plan plan(os);
    CHECK_OK(plan.Add({tree.dir / "src/a", tree.dir / "dst/p/q"}, {}));
    const PlanCounts before = plan.counts();
    for (int n = 0;; n++) {
      os.calls = 0;
      os.fail_at = n;
      const bool named = links == Links::kFollow;
      const Status status = named ? plan.Add({tree.dir / "to-src", tree.dir / "dst/to-there"}, {links})
                                  : plan.Add({tree.dir / "src", tree.dir / "dst/new/deep"}, {links});
      CHECK_EQ(os.open, 0);
      if (os.calls <= n) {
        CHECK_OK(status);
        CHECK(n > 10);
        break;
      }
      CHECK_ERRNO(status, EIO);
      CHECK(plan.counts() == before);
    }
  }
}

TEST(EveryCallOfADescribeThatFailsIsReported) {
  PlanTree tree;
  FailingOs os;
  Plan plan(os);
  CHECK_OK(plan.Add({tree.dir / "src", tree.dir / "dst/new"}, {}));
  CHECK_OK(plan.Add({tree.dir / "src/link", tree.dir / "dst/copy"}, {}));
  for (int n = 0;; n++) {
    os.calls = 0;
    os.fail_at = n;
    const Status status = plan.Describe();
    CHECK_EQ(os.open, 0);
    if (os.calls <= n) {
      CHECK_OK(status);
      break;
    }
    CHECK_ERRNO(status, EIO);
  }
  CHECK((plan.counts() == PlanCounts{4, 2, 4}));
}

}  // namespace axl::test
