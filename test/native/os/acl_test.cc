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

namespace {

constexpr uint8_t kRead = 4, kNone = 9;  // kNone: no such entry

// A list of one entry of each kind, whose ids are those of Person.
struct Rights {
  uint8_t user, group, named_group, mask, other;
  std::string list() const {
    std::vector<Entry> entries{{kUserObj, 6}};
    const auto add = [&](uint8_t tag, uint8_t may) {
      if (may != kNone) entries.push_back({tag, may});
    };
    add(kUser, user), add(kGroupObj, group), add(kGroup, named_group), add(kMask, mask), add(kOther, other);
    return ListOf(entries);
  }
  uint32_t mode() const { return 0600 | static_cast<uint32_t>(mask == kNone ? group : mask) << 3 | other; }
};

uint8_t EntryOf(const std::string& list, uint8_t tag) {
  for (size_t at = 4; at < list.size(); at += 8)
    if (static_cast<uint8_t>(list[at]) == tag) return static_cast<uint8_t>(list[at + 2]);
  return kNone;
}

Rights RightsOf(const std::string& list) {
  return {EntryOf(list, kUser), EntryOf(list, kGroupObj), EntryOf(list, kGroup), EntryOf(list, kMask),
          EntryOf(list, kOther)};
}

Rights RightsOf(uint32_t mode) {
  return {kNone, static_cast<uint8_t>(mode >> 3 & 7), kNone, kNone, static_cast<uint8_t>(mode & 7)};
}

struct Person {
  bool named, of_group, of_named_group;
};

// As acl(5): the first kind of entry that is about the person counts; of groups any may grant.
bool MayRead(const Rights& rights, const Person& person) {
  const uint8_t mask = rights.mask == kNone ? 7 : rights.mask;
  const auto grants = [&](uint8_t may) { return may != kNone && (may & mask & kRead) != 0; };
  if (person.named && rights.user != kNone) return grants(rights.user);
  const bool named_group = person.of_named_group && rights.named_group != kNone;
  if (person.of_group || named_group)
    return (person.of_group && grants(rights.group)) || (named_group && grants(rights.named_group));
  return (rights.other & kRead) != 0;
}

template <class Each>
void ForEveryList(Each each) {
  for (uint8_t user : {kNone, uint8_t{0}, kRead})
    for (uint8_t named_group : {kNone, uint8_t{0}, kRead})
      for (uint8_t mask : {uint8_t{0}, kRead})
        for (uint8_t group : {uint8_t{0}, kRead})
          for (uint8_t other : {uint8_t{0}, kRead}) each(Rights{user, group, named_group, mask, other});
}

// Who may read the copy, and is neither its owner nor the source's, may read the source. `same_group`: the copy belongs
// to the group of the source.
void CheckNobodyGains(const Rights& source, const Rights& copy, bool same_group) {
  for (unsigned bits = 0; bits < 16; bits++) {
    const bool of_old = (bits & 1) != 0, of_new = same_group ? of_old : (bits & 2) != 0;
    const bool named = (bits & 4) != 0, of_named = (bits & 8) != 0;
    CHECK(!MayRead(copy, {named, of_new, of_named}) || MayRead(source, {named, of_old, of_named}));
  }
}

}  // namespace

TEST(NobodyGainsByACopyWhoseListOrGroupIsLost) {
  ForEveryList([](const Rights& source) {
    const std::string list = source.list();
    const uint32_t without = ModeWithoutAcl(source.mode(), list);
    CheckNobodyGains(source, RightsOf(without), true);
    CheckNobodyGains(source, RightsOf(ModeForAnotherGroup(without)), false);
    CheckNobodyGains(source, RightsOf(AclForAnotherGroup(list)), false);
    CheckNobodyGains(RightsOf(source.mode()), RightsOf(ModeForAnotherGroup(source.mode())), false);
  });
}

TEST(AListThatIsClosedGrantsNobodyAnything) {
  ForEveryList([](const Rights& source) {
    for (unsigned bits = 0; bits < 8; bits++)
      CHECK(!MayRead(RightsOf(ClosedAcl(source.list())), {(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0}));
  });
  const std::string plain = ListOf({{kUserObj, 7}, {kGroupObj, 5}, {kOther, 5}});
  CHECK(ClosedAcl(plain) == ListOf({{kUserObj, 7}, {kGroupObj, 0}, {kOther, 0}}));
}

}  // namespace axl::test
