// Tests of status.h: the words that reach a user.
#include <cerrno>

#include "test.h"

namespace axl::test {

TEST(EveryErrnoOfLinuxHasAName) {
  CHECK_EQ(ErrnoName(ENOSPC), "ENOSPC");
  CHECK_EQ(ErrnoName(EDQUOT), "EDQUOT");
  CHECK_EQ(ErrnoName(ESTALE), "ESTALE");
  CHECK_EQ(ErrnoName(ENOLCK), "ENOLCK");
  CHECK_EQ(ErrnoName(EHWPOISON), "EHWPOISON");
  // 41 and 58 are unused; 133 is the last.
  for (int err = 1; err <= 133; err++)
    if (err != 41 && err != 58) CHECK(ErrnoName(err) != "E" + std::to_string(err));
}

TEST(ErrnoThatNodeNamesGetsTheSameName) {
  CHECK_EQ(ErrnoName(EWOULDBLOCK), "EAGAIN");
  CHECK_EQ(ErrnoName(EOPNOTSUPP), "ENOTSUP");
}

TEST(UnknownErrnoIsItsNumber) {
  CHECK_EQ(ErrnoName(512), "E512");
  CHECK_EQ(ErrnoName(0), "E0");
}

TEST(CodeNamesBeginWithAxl) {
  for (int code = 1; code <= static_cast<int>(kLastCode); code++)
    CHECK(std::string_view(CodeName(static_cast<Code>(code))).starts_with("AXL_"));
  CHECK_EQ(CodeName(Code::kOk), "OK");
  CHECK_EQ(CodeName(Code::kIo), "AXL_IO");
}

}  // namespace axl::test
