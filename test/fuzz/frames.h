// A state file taken apart into its records and put together again with right sequence numbers and CRCs: without that
// a fuzzer would stop at the first checksum.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/crc32c.h"
#include "journal/format.h"
#include "journal/writer.h"

namespace axl::fuzz {

struct Frame {
  uint8_t type = 0;
  std::string payload;
};

struct Frames {
  Uuid uuid{};
  std::vector<Frame> records;
};

inline uint32_t Get32(const uint8_t* p) {
  return p[0] | static_cast<uint32_t>(p[1]) << 8 | static_cast<uint32_t>(p[2]) << 16 |
         static_cast<uint32_t>(p[3]) << 24;
}

inline void Put32(std::string* out, uint32_t v) {
  for (int shift = 0; shift < 32; shift += 8) out->push_back(static_cast<char>(v >> shift));
}

// Whatever the bytes are: a length that leads beyond the end is cut to what there is.
inline Frames Split(const uint8_t* data, size_t n) {
  Frames frames;
  if (n < kHeaderSize) return frames;
  std::memcpy(frames.uuid.data(), data + 16, frames.uuid.size());
  for (size_t at = kHeaderSize; n - at >= kRecordOverhead;) {
    const size_t length = std::min<size_t>(Get32(data + at), n - at - kRecordOverhead);
    frames.records.push_back({data[at + 4], std::string(reinterpret_cast<const char*>(data + at + 9), length)});
    at += kRecordOverhead + length;
  }
  return frames;
}

inline std::string Whole(const Frames& frames) {
  std::string file = JournalWriter::Header(frames.uuid);
  const uint32_t seed = Crc32c(0, frames.uuid.data(), frames.uuid.size());
  for (uint32_t sequence = 0; sequence < frames.records.size(); sequence++) {
    const auto& [type, payload] = frames.records[sequence];
    std::string record;
    Put32(&record, static_cast<uint32_t>(payload.size()));
    record.push_back(static_cast<char>(type));
    Put32(&record, sequence);
    record += payload;
    Put32(&record, Crc32c(seed, record.data(), record.size()));
    file += record;
  }
  return file;
}

}  // namespace axl::fuzz
