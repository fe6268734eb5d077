// Bytes that nobody would write, framed with right CRCs so that they reach the rules: the sanitizers watch, and what is
// accepted must be safe to act on. Deterministic; a real fuzzer starts from here.
#include <random>

#include "base/names.h"
#include "state_bytes.h"
#include "test.h"

namespace axl::test {
namespace {

// The payloads of a good state file, to be spoiled.
std::vector<std::pair<uint8_t, std::string>> Records() {
  StateBytes w;
  w.Dispatched(2);
  w.Chunk(0, {0, 1});
  w.WithDone(0);
  w.Failed(1, Status::Errno(5, "read", "/s/b"));
  w.Canceled();
  w.Resumed();
  w.WithDone(1);
  w.Settled();
  w.Final(Outcome::kPublished);
  std::vector<std::pair<uint8_t, std::string>> records;
  const std::string& bytes = w.bytes();
  for (size_t at = 0; at < bytes.size();) {
    uint32_t length = 0;
    for (size_t i = 0; i < 4; i++) length |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[at + i])) << (8 * i);
    records.emplace_back(static_cast<uint8_t>(bytes[at + 4]), bytes.substr(at + 9, length));
    at += kRecordOverhead + length;
  }
  return records;
}

void Spoil(std::vector<std::pair<uint8_t, std::string>>* records, std::mt19937* random) {
  const auto any = [&](size_t n) { return n == 0 ? 0 : (*random)() % n; };
  auto& [type, payload] = (*records)[any(records->size())];
  switch (any(6)) {
    case 0:
      type = static_cast<uint8_t>(any(16));
      break;
    case 1:
      payload.resize(any(payload.size() + 1));
      break;
    case 2:
      payload += std::string(any(40), static_cast<char>(any(256)));
      break;
    case 3:
      std::swap((*records)[any(records->size())], (*records)[any(records->size())]);
      break;
    case 4:
      records->insert(records->begin() + static_cast<ptrdiff_t>(any(records->size())),
                      (*records)[any(records->size())]);
      break;
    default:
      if (!payload.empty()) payload[any(payload.size())] = static_cast<char>((*random)());
  }
}

TEST(WhateverIsReadIsSafeToActOn) {
  std::mt19937 random(42);
  int accepted = 0;
  for (int run = 0; run < 20'000; run++) {
    auto records = Records();
    for (unsigned n = 1 + random() % 3; n > 0; n--) Spoil(&records, &random);
    std::string file = JournalWriter::Header(kUuid);
    for (uint32_t i = 0; i < records.size(); i++) file += RawRecord(records[i].first, i, records[i].second);
    Replay r;
    if (!Read(file, &r).ok()) continue;
    accepted++;
    const TransferState& s = r.state;
    CHECK(s.progress.size() == s.files.size() && s.renounced.size() == s.dirs.size());
    CHECK(!s.settled || (s.sealed && s.AllDone()));
    for (const FileEntry& f : s.files) CHECK(IsCanonical(f.dest) && IsCanonical(f.source));
    for (const DirEntry& d : s.dirs) CHECK(IsCanonical(d.path));
  }
  CHECK(accepted > 100 && accepted < 19'000);
}

}  // namespace
}  // namespace axl::test
