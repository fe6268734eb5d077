// Tests of acl.h: what a mode may say in the place of a list, and for another group: never more than the list did.
#include "os/acl.h"

#include "test.h"

namespace axl::test {
namespace {

struct Entry {
  uint8_t tag, may;
};
constexpr uint8_t kUserObj = 0x01, kUser = 0x02, kGroupObj = 0x04, kGroup = 0x08, kMask = 0x10, kOther = 0x20;

std::string ListOf(const std::vector<Entry>& entries) {
  std::string list("\x02\0\0\0", 4);
  for (const Entry& e : entries)
    for (uint8_t byte : {e.tag, uint8_t{0}, e.may, uint8_t{0}, uint8_t{7}, uint8_t{0}, uint8_t{0}, uint8_t{0}})
      list += static_cast<char>(byte);
  return list;
}

}  // namespace

TEST(WithoutItsListAModeGrantsTheGroupNoMoreThanTheListDid) {
  // user:7:rw-, group::---, mask::rw-: the mode says 0660 of it.
  const std::string list = ListOf({{kUserObj, 6}, {kUser, 6}, {kGroupObj, 0}, {kMask, 6}, {kOther, 0}});
  CHECK_EQ(ModeWithoutAcl(0660, list), 0600u);
}

TEST(WithoutItsListAModeKeepsWhatEveryEntryGrants) {
  const std::string list = ListOf({{kUserObj, 7}, {kUser, 6}, {kGroupObj, 5}, {kGroup, 4}, {kMask, 7}, {kOther, 4}});
  CHECK_EQ(ModeWithoutAcl(04774, list), 04744u);
}

TEST(AnEntryThatTakesAwayIsNotUndoneByAModeForTheOthers) {
  const std::string list = ListOf({{kUserObj, 6}, {kUser, 0}, {kGroupObj, 4}, {kMask, 4}, {kOther, 4}});
  CHECK_EQ(ModeWithoutAcl(0644, list), 0600u);
}

TEST(WhatTheMaskTakesAwayIsNotGrantedByAModeWithoutIt) {
  const std::string list = ListOf({{kUserObj, 6}, {kUser, 7}, {kGroupObj, 6}, {kMask, 4}, {kOther, 0}});
  CHECK_EQ(ModeWithoutAcl(0640, list), 0640u);
}

TEST(WhatIsNoListGrantsGroupAndOthersNothing) {
  const std::string cut = ListOf({{kUserObj, 6}}).substr(0, 9);
  for (const std::string& bad : {std::string(), std::string("\x01\0\0\0", 4), cut})
    CHECK_EQ(ModeWithoutAcl(0777, bad), 0700u);
  CHECK_EQ(AclForAnotherGroup(cut), cut);
}

TEST(InAnotherGroupBothClassesHaveWhatBothHad) {
  CHECK_EQ(ModeForAnotherGroup(0640), 0600u);
  CHECK_EQ(ModeForAnotherGroup(0644), 0644u);
  CHECK_EQ(ModeForAnotherGroup(0604), 0600u);
  CHECK_EQ(ModeForAnotherGroup(0775), 0755u);
  const std::string list = ListOf({{kUserObj, 7}, {kUser, 6}, {kGroupObj, 6}, {kMask, 4}, {kOther, 5}});
  CHECK(AclForAnotherGroup(list) == ListOf({{kUserObj, 7}, {kUser, 6}, {kGroupObj, 4}, {kMask, 4}, {kOther, 4}}));
  CHECK_EQ(OthersOf(AclForAnotherGroup(list)), 4u);
}

}  // namespace axl::test
