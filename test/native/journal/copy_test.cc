// A state file knows which file it is: a copy of it tells what was true when it was made.
#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "forwarding_os.h"
#include "journal/journal.h"
#include "state_bytes.h"
#include "test.h"

namespace axl::test {
namespace {

const Word kOver{true, {}, {}};

OpenOptions Adopting(const Word* word = nullptr) { return {word, AT_FDCWD, true}; }

struct Restored {
  TempDir dir;
  std::string path = dir / "state";
  Restored() {
    std::unique_ptr<Journal> j;
    REQUIRE_OK(Journal::Create(Os::Posix(), path, SampleInfo(), &j));
    j.reset();
    MakeCopy();
  }
  // In the place of the original, which is gone.
  void MakeCopy() const {
    const std::string copy = path + ".copy";
    WriteFile(copy, ReadFile(path));
    REQUIRE(unlink(path.c_str()) == 0 && rename(copy.c_str(), path.c_str()) == 0);
  }
  Status Open(Os& os = Os::Posix(), OpenOptions options = {}) const {
    std::unique_ptr<Journal> j;
    return Journal::Open(os, path, options, &j);
  }
};

TEST(ACopyOfAStateFileIsLeftAloneUntilItIsAdopted) {
  const Restored place;
  const std::string before = ReadFile(place.path);
  CHECK_CODE(place.Open(), Code::kStateCopy);
  CHECK_EQ(ReadFile(place.path), before);
  CHECK_OK(place.Open(Os::Posix(), Adopting(&kOver)));
  CHECK_OK(place.Open());
  place.MakeCopy();
  CHECK_CODE(place.Open(), Code::kStateCopy);
}

TEST(ACopyIsNotAdoptedWhileItsWriterMayBeAlive) {
  const Restored place;
  CHECK_CODE(place.Open(Os::Posix(), Adopting()), Code::kStateLocked);  // this process lives
}

TEST(WhatIsAdoptedIsDurable) {
  struct : ForwardingOs {
    int Fsync(int) override { return -EIO; }
  } os;
  const Restored place;
  CHECK_CODE(place.Open(os, Adopting(&kOver)), Code::kIo);
  CHECK_CODE(place.Open(), Code::kStateCopy);
}

TEST(WhereInodeNumbersMeanNothingACopyIsNotKnown) {
  const Restored place;
  struct : ForwardingOs {
    int Statfs(int, struct statfs* fs) override {
      fs->f_type = 0x4D44;
      return 0;
    }
  } fat;
  CHECK_OK(place.Open(fat, {&kOver}));
}

}  // namespace
}  // namespace axl::test
