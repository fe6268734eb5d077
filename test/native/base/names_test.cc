// Tests of names.h.
#include "base/names.h"

#include <string>

#include "test.h"

namespace axl::test {
namespace {

Uuid TestUuid() {
  Uuid uuid{};
  for (size_t i = 0; i < uuid.size(); i++) uuid[i] = static_cast<uint8_t>(0x10 * i + i);
  return uuid;
}

const char kSuffix[] = "._AXL0011223344556677";

}  // namespace

TEST(TemporaryNameIsTheNameWithTheTransfersId) {
  CHECK_EQ(TemporaryName("a.h5", TestUuid()), std::string("a.h5") + kSuffix);
  CHECK_EQ(TemporaryPath("/d/a.h5", TestUuid()), std::string("/d/a.h5") + kSuffix);
  CHECK_EQ(TemporaryPath("/a", TestUuid()), std::string("/a") + kSuffix);
}

TEST(LongTemporaryNameIsCutToNameMaxAndKeepsItsOwnSum) {
  const std::string fits(255 - sizeof kSuffix + 1, 'x');
  CHECK_EQ(TemporaryName(fits, TestUuid()), fits + kSuffix);
  for (size_t n = fits.size() + 1; n <= 255; n++) CHECK_EQ(TemporaryName(std::string(n, 'x'), TestUuid()).size(), 255);
  const std::string common(250, 'x');
  CHECK(TemporaryName(common + "1", TestUuid()) != TemporaryName(common + "2", TestUuid()));
}

TEST(TemporaryNameKeepsEveryByte) {
  const std::string name = "a\n\xff\x01 b";
  CHECK_EQ(TemporaryName(name, TestUuid()), name + kSuffix);
}

TEST(ATemporaryNameTellsItsTransferAndItsFinalNameUnlessItWasCut) {
  for (size_t n : {size_t{1}, size_t{233}, size_t{234}}) {
    const std::string name(n, 'x');
    CHECK_EQ(DigitsOfTemporary(TemporaryName(name, TestUuid())), "0011223344556677");
    CHECK_EQ(FinalOfTemporary(TemporaryName(name, TestUuid())), name);
  }
  for (size_t n = 235; n <= 255; n++) {
    CHECK_EQ(DigitsOfTemporary(TemporaryName(std::string(n, 'x'), TestUuid())), "0011223344556677");
    CHECK_EQ(FinalOfTemporary(TemporaryName(std::string(n, 'x'), TestUuid())), "");
  }
  for (const char* other : {"a._AXL001122334455667", "a._AXL001122334455667g", "a._AXL00112233445566AA", "a._AXL",
                            "._AXL0011223344556677", "a_AXL0011223344556677", "a._AXL0011223344556677.bak", ""})
    CHECK_EQ(DigitsOfTemporary(other), "");
}

TEST(ParentOfTheTopLevelIsTheRoot) {
  CHECK_EQ(ParentOf("/x"), "/");
  CHECK_EQ(ParentOf("/x/y"), "/x");
  CHECK_EQ(ParentOf("/"), "/");
  CHECK_EQ(BaseOf("/x/y"), "y");
  CHECK_EQ(BaseOf("/x"), "x");
  CHECK_EQ(BaseOf("y"), "y");
  CHECK_EQ(BaseOf("/"), "");
}

TEST(JoinPutsOneSlash) {
  CHECK_EQ(Join("/", "x"), "/x");
  CHECK_EQ(Join("/a", "x"), "/a/x");
}

TEST(WithinComparesWholeComponents) {
  CHECK(IsWithin("/a/b", "/a"));
  CHECK(IsWithin("/a", "/a"));
  CHECK(IsWithin("/a", "/"));
  CHECK(!IsWithin("/ab", "/a"));
  CHECK(!IsWithin("/", "/a"));
}

TEST(CanonicalPathIsAbsoluteWithoutDotsAndEmptyComponents) {
  for (const char* path : {"/a", "/a/b.c", "/...", "/a/..b", "/.a"}) CHECK(IsCanonical(path));
  for (const char* path : {"", "a", "/", "//", "/a/", "//a", "/a//b", "/.", "/..", "/a/.", "/a/..", "/a/../b", "/./a"})
    CHECK(!IsCanonical(path));
  CHECK(!IsCanonical(std::string("/a\0b", 4)));
  CHECK(IsCanonical("/" + std::string(4094, 'x')));
  CHECK(!IsCanonical("/" + std::string(4095, 'x')));
}

TEST(HexIsLowerCase) {
  const uint8_t bytes[] = {0x00, 0xab, 0xff};
  CHECK_EQ(Hex(bytes, 3), "00abff");
}

}  // namespace axl::test
