// The encoding of each record: u32 length, u8 type, u32 sequence, payload, CRC over the UUID and all of that.
#include "journal/writer.h"

#include "base/crc32c.h"

namespace axl {

std::string JournalWriter::Header(const Uuid& uuid) {
  std::string h(kJournalMagic, sizeof kJournalMagic);
  Encoder put(&h);
  put(kJournalVersion, static_cast<uint32_t>(kHeaderSize), uuid, kJournalEdition);
  h.resize(kHeaderSize - 4, '\0');
  put(Crc32c(0, h.data(), h.size()));
  return h;
}

void JournalWriter::Write(const Record& record) {
  const size_t start = out_.size();
  Encoder put(&out_);
  std::visit(
      [&](const auto& r) {
        using R = std::decay_t<decltype(r)>;
        if constexpr (!std::is_same_v<R, SkippedRecord>) {
          put(uint32_t{0}, R::kType, sequence_++);  // the length is set below
          R::Fields(r, put);
        }
      },
      record);
  const auto length = static_cast<uint32_t>(out_.size() - start - (kRecordOverhead - 4));
  fits_ &= length <= kMaxRecord;
  for (size_t i = 0; i < 4; i++) out_[start + i] = static_cast<char>(length >> (8 * i));
  const uint32_t seed = Crc32c(0, uuid_.data(), uuid_.size());
  put(Crc32c(seed, out_.data() + start, out_.size() - start));
}

}  // namespace axl
