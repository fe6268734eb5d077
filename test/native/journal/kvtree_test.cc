// Bytes of KVTree files, and what of a state file of AXL they tell. The fixtures are read in test/axl.
#include "journal/kvtree.h"

#include <string>

#include "base/names.h"
#include "journal/axl_file.h"
#include "journal/liveness.h"
#include "test.h"

namespace axl::test {
namespace {
namespace kv {

std::string Big(uint64_t n, int width) {
  std::string out;
  for (int shift = 8 * (width - 1); shift >= 0; shift -= 8) out += static_cast<char>(n >> shift);
  return out;
}

const uint8_t* Bytes(const std::string& s) { return reinterpret_cast<const uint8_t*>(s.data()); }

std::string Framed(const std::string& tree) {
  std::string file(reinterpret_cast<const char*>(kKvTreeMagic), sizeof kKvTreeMagic);
  file += Big(1, 2) + Big(1, 2) + Big(20 + tree.size() + 4, 8) + Big(1, 4) + tree;
  return file + Big(Crc32(Bytes(file), file.size()), 4);
}

std::string Key(const std::string& key, const std::string& below) { return key + '\0' + below; }
std::string Tree(const std::vector<std::string>& keys) {
  std::string out = Big(keys.size(), 4);
  for (const std::string& key : keys) out += key;
  return out;
}
std::string Value(const std::string& key, const std::string& value) { return Key(key, Tree({Key(value, Tree({}))})); }

Status Parse(const std::string& file) {
  KvTree tree;
  return KvTree::Parse(Bytes(file), file.size(), &tree);
}

TEST(TheWorkedExampleOfKvTreeIsRead) {
  const std::string file = Framed(Tree({Value("BC", "xyz"), Value("A", "1")}));
  CHECK_EQ(file.size(), 55u);
  CHECK_EQ(file.substr(51), std::string("\x93\x1e\x2f\x8c"));
  KvTree tree;
  REQUIRE(KvTree::Parse(Bytes(file), file.size(), &tree).ok());
  CHECK_EQ(tree.key(tree.first(KvTree::kTop)), "BC");
  CHECK_EQ(tree.key(tree.next(tree.first(KvTree::kTop))), "A");
}

TEST(TheCrcOfKvTreeIsThatOfZlib) {
  CHECK_EQ(Crc32(Bytes("123456789"), 9), 0xcbf43926u);
  CHECK_EQ(Crc32(nullptr, 0), 0u);
  // Eight bytes at a time say what one at a time do, wherever they end.
  std::string bytes;
  uint32_t by_one = UINT32_MAX;
  for (uint32_t i = 0; i < 100; i++) {
    bytes += static_cast<char>(i * 37 + 11);
    by_one ^= static_cast<uint8_t>(bytes.back());
    for (int bit = 0; bit < 8; bit++) by_one = (by_one & 1) != 0 ? 0xedb88320 ^ (by_one >> 1) : by_one >> 1;
    CHECK_EQ(Crc32(Bytes(bytes), bytes.size()), ~by_one);
  }
}

// In the file a key has five bytes at least, and in memory no more than eight: what is small costs little.
TEST(TheMemoryOfAKvTreeGoesByTheBytesOfItsFile) {
  const size_t keys = 200'000;
  const std::string file = Framed(Big(keys, 4) + std::string(keys * 5, '\0'));
  KvTree tree;
  REQUIRE(KvTree::Parse(Bytes(file), file.size(), &tree).ok());
  CHECK_EQ(tree.size(), keys);
  CHECK(tree.memory() <= 2 * file.size());
}

TEST(ACountOfKvTreeIsBelievedOnlyIfItsBytesAreThere) {
  for (const uint64_t count : {uint64_t{2}, uint64_t{0x10000}, uint64_t{0xffffffff}})
    CHECK_EQ(Parse(Framed(Big(count, 4) + Value("A", "1").substr(0, 7))).code, Code::kStateCorrupt);
  CHECK_EQ(Parse(Framed(Tree({}) + "x")).code, Code::kStateCorrupt);
  CHECK_EQ(Parse(Framed("")).code, Code::kStateCorrupt);
}

TEST(NestingOfKvTreeHasALimit) {
  std::string tree = Tree({});
  for (size_t depth = 0; depth < kMaxKvDepth; depth++) tree = Tree({Key("k", tree)});
  CHECK(Parse(Framed(tree)).ok());
  CHECK_EQ(Parse(Framed(Tree({Key("k", tree)}))).code, Code::kStateCorrupt);
  std::string deep = Tree({});
  for (size_t depth = 0; depth < 100'000; depth++) deep += Key("", Big(1, 4));
  CHECK_EQ(Parse(Framed(deep)).code, Code::kStateCorrupt);
}

TEST(NobodyButTheOperatorKnowsWhetherAStateFileOfAxlIsInUse) {
  TransferInfo info;
  info.axl.is = true;
  const Alive unknown = IsAlive(Os::Posix(), -1, Locked::kGranted, info, {}, "/s");
  CHECK(unknown.answer == Answer::kCannotTell);
  CHECK_EQ(unknown.why.code, Code::kStateLocked);
  Word word;
  word.dead_hosts = {"", "n1"};
  CHECK(IsAlive(Os::Posix(), -1, Locked::kGranted, info, word, "/s").answer == Answer::kCannotTell);
  word.job_ended = true;
  CHECK(IsAlive(Os::Posix(), -1, Locked::kGranted, info, word, "/s").answer == Answer::kNo);
  CHECK(IsAlive(Os::Posix(), -1, Locked::kHeld, info, word, "/s").answer == Answer::kYes);
}

}  // namespace kv
}  // namespace
}  // namespace axl::test
