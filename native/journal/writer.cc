// The encoding of each record: u32 length, u8 type, u32 sequence, payload, CRC over the UUID and all of that.
#include "journal/writer.h"

#include "base/crc32c.h"

namespace axl {

namespace {

// Called with fields; see Fields in record_values.h.
class Encoder {
 public:
  explicit Encoder(std::string* out) : out_(*out) {}

  template <class... T>
  void operator()(const T&... fields) {
    (Put(fields), ...);
  }
  template <class T>
  void Little(T v) {
    for (size_t i = 0; i < sizeof v; i++) out_.push_back(static_cast<char>(static_cast<uint64_t>(v) >> (8 * i)));
  }

 private:
  void Put(bool v) { Little(static_cast<uint8_t>(v ? 2 : 1)); }
  void Put(const std::string& s) {
    Little(static_cast<uint32_t>(s.size()));
    out_ += s;
  }
  void Put(const Uuid& id) { out_.append(reinterpret_cast<const char*>(id.data()), id.size()); }
  void Put(const Identity& i) {
    const Identity::More& more = *i.more;
    const bool birth = more.birth != Time{}, handle = !more.handle.empty();
    Put(static_cast<uint8_t>((i.inode != 0 ? 1 : 0) | (i.ctime != Time{} ? 2 : 0) | (birth ? 4 : 0) |
                             (handle ? 8 : 0)));
    if (i.inode != 0) Put(i.inode);
    if (i.ctime != Time{}) Put(i.ctime);
    if (birth) Put(more.birth);
    if (handle) Put(more.handle);
  }
  template <class T>
  void Put(const Rare<T>& value) {
    Put(*value);
  }
  template <class T>
  void Put(const std::vector<T>& values) {
    Little(static_cast<uint32_t>(values.size()));
    for (const T& value : values) Put(value);
  }
  template <class T>
  void Put(const T& value) {
    if constexpr (std::is_enum_v<T>)
      Little(static_cast<uint8_t>(value));
    else if constexpr (std::is_integral_v<T>)
      Little(value);
    else
      Fields(value, *this);
  }

  std::string& out_;
};

}  // namespace

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
