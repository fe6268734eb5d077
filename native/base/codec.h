// Values as the bytes of our files: numbers little-endian, a length before what varies. What a file holds is told by
// Fields of its values, through which both the encoder and the decoder go.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/record.h"
#include "base/status.h"

namespace axl {

// The numbers of an enumeration go from 1 to this one. The argument only says which enumeration.
constexpr Durability Last(Durability) { return Durability::kNone; }
constexpr OwnerPolicy Last(OwnerPolicy) { return OwnerPolicy::kSkip; }
constexpr Inodes Last(Inodes) { return Inodes::kNotProbed; }
constexpr FileKind Last(FileKind) { return FileKind::kGenerated; }
constexpr Phase Last(Phase) { return Phase::kPointer; }
constexpr Stood Last(Stood) { return Stood::kNotLooked; }
constexpr Code Last(Code) { return kLastCode; }
constexpr Outcome Last(Outcome) { return Outcome::kRolledBack; }
constexpr Step Last(Step) { return Step::kStaged; }
constexpr Direction Last(Direction) { return Direction::kBack; }

template <class S, class T>
concept Like = std::is_same_v<std::remove_const_t<S>, T>;

// `v` is called with fields, in order; a field may depend on those before it.
void Fields(Like<Time> auto& x, auto& v) { v(x.sec, x.nsec); }
void Fields(Like<Xattr> auto& x, auto& v) { v(x.name, x.value); }
void Fields(Like<Pair> auto& x, auto& v) { v(x.key, x.value); }
void Fields(Like<Metadata> auto& x, auto& v) { v(x.mode, x.uid, x.gid, x.atime, x.mtime, x.xattrs); }

// Called with fields; see Fields.
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
    const bool birth = i.birth != Time{}, handle = !i.handle->empty();
    Put(static_cast<uint8_t>((i.inode != 0 ? 1 : 0) | (i.ctime != Time{} ? 2 : 0) | (birth ? 4 : 0) |
                             (handle ? 8 : 0)));
    if (i.inode != 0) Put(i.inode);
    if (i.ctime != Time{}) Put(i.ctime);
    if (birth) Put(i.birth);
    if (handle) Put(*i.handle);
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

// Takes fields off a payload; see Fields. After the first field that does not fit, everything is
// zero and Finished() is false.
class Decoder {
 public:
  Decoder(const uint8_t* data, size_t n) : p_(data), left_(n) {}
  explicit Decoder(std::string_view bytes) : Decoder(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()) {}

  template <class... T>
  void operator()(T&... fields) {
    (Get(&fields), ...);
  }
  bool Finished() const { return ok_ && left_ == 0; }

 private:
  bool Take(size_t n) {
    if (!ok_ || n > left_) return ok_ = false;
    p_ += n;
    left_ -= n;
    return true;
  }
  template <class T>
  void Little(T* v) {
    if (!Take(sizeof *v)) return;
    uint64_t n = 0;
    for (size_t i = sizeof *v; i-- > 0;) n = n << 8 | (p_ - sizeof *v)[i];
    *v = static_cast<T>(n);
  }
  void Get(bool* v) {
    uint8_t n = 0;
    Little(&n);
    ok_ &= n == 1 || n == 2;
    *v = n == 2;
  }
  void Get(std::string* s) {
    uint32_t n = 0;
    Little(&n);
    if (Take(n)) s->assign(reinterpret_cast<const char*>(p_ - n), n);
  }
  void Get(Uuid* id) {
    if (Take(id->size())) std::memcpy(id->data(), p_ - id->size(), id->size());
  }
  void Get(Time* t) {
    Fields(*t, *this);
    ok_ &= t->nsec < 1'000'000'000;
  }
  void Get(Identity* i) {
    std::string handle;
    uint8_t bits = 0;
    Get(&bits);
    if (bits & 1) Get(&i->inode);
    if (bits & 2) Get(&i->ctime);
    if (bits & 4) Get(&i->birth);
    if (bits & 8) Get(&handle);
    const int there = (i->inode != 0 ? 1 : 0) | (i->ctime != Time{} ? 2 : 0) | (i->birth != Time{} ? 4 : 0) |
                      (handle.empty() ? 0 : 8);
    ok_ &= there == bits;
    i->handle = std::move(handle);
  }
  template <class T>
  void Get(Rare<T>* value) {
    T got;
    Get(&got);
    *value = std::move(got);
  }
  template <class T>
  void Get(std::vector<T>* values) {
    uint32_t count = 0;
    Little(&count);
    for (uint32_t i = 0; ok_ && i < count; i++) Get(&values->emplace_back());
  }
  template <class T>
  void Get(T* value) {
    if constexpr (std::is_enum_v<T>) {
      uint8_t n = 0;
      Little(&n);
      ok_ &= n >= 1 && n <= static_cast<uint8_t>(Last(T{}));
      *value = static_cast<T>(n);
    } else if constexpr (std::is_integral_v<T>) {
      Little(value);
    } else {
      Fields(*value, *this);
    }
  }

  const uint8_t* p_;
  size_t left_;
  bool ok_ = true;
};

}  // namespace axl
