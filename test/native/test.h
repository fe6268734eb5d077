// The engine's test harness: TEST(Name) registers, CHECK notes a failure and goes on, REQUIRE ends the test.
// A test name is a rule (TruncatedTrailingRecordIsIgnored). Also: a temporary directory, files as strings.
// `axl_tests [--part K/N] [FILTER ...]` runs the tests whose name contains a FILTER, or each Nth of them from the Kth
// on; `axl_tests --list` names them.
#pragma once

#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/status.h"

namespace axl::test {

struct Case {
  const char* name;
  void (*run)();
};
std::vector<Case>& Cases();

struct Registration {
  Registration(const char* name, void (*run)()) { Cases().push_back({name, run}); }
};

struct Abandoned {};  // thrown by REQUIRE

// Notes a failure of the running test; thread-safe.
void Fail(const char* file, int line, const std::string& what);
// Failures noted so far: a forked child's exit status, or the end of a long sweep.
int Failures();
// Ends the running test without failing it ("needs root"); printed and counted apart.
[[noreturn]] void Skip(const std::string& why);

std::string Show(const Status& status);
std::string Escaped(std::string_view bytes);  // in quotes, control bytes as \xNN

template <class T>
std::string Show(const T& v) {
  using U = std::decay_t<T>;
  if constexpr (std::is_same_v<U, bool>) {
    return v ? "true" : "false";
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return Escaped(v);
  } else if constexpr (std::is_enum_v<U>) {
    return std::to_string(static_cast<long long>(v));
  } else if constexpr (requires(std::ostream & s) { s << v; }) {
    std::ostringstream out;
    out << v;
    return out.str();
  } else {
    return "(" + std::to_string(sizeof v) + " bytes)";
  }
}

template <class T>
inline constexpr bool kIsNumber = std::is_integral_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, char>;

template <class A, class B>
bool Same(const A& a, const B& b) {
  if constexpr (kIsNumber<A> && kIsNumber<B>) {
    return std::cmp_equal(a, b);
  } else if constexpr (std::is_convertible_v<const A&, std::string_view> &&
                       std::is_convertible_v<const B&, std::string_view>) {
    return std::string_view(a) == std::string_view(b);
  } else {
    return a == b;
  }
}

template <class A, class B>
bool CheckEq(const A& a, const B& b, const char* a_text, const char* b_text, const char* file, int line) {
  if (Same(a, b)) return true;
  Fail(file, line, std::string(a_text) + " is " + Show(a) + ", not " + b_text + " = " + Show(b));
  return false;
}

bool CheckTrue(bool ok, const char* text, const char* file, int line);
bool CheckOk(const Status& status, const char* text, const char* file, int line);
bool CheckCode(const Status& status, Code code, const char* text, const char* file, int line);
bool CheckErrno(const Status& status, int err, const char* text, const char* file, int line);

// A new directory, real path, removed with all that is in it at the end.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

// These fail the test if they fail.
void WriteFile(const std::string& path, std::string_view content);  // created 0644, or truncated
std::string ReadFile(const std::string& path);
void MakeDir(const std::string& path);
void MakeLink(const std::string& target, const std::string& path);
bool Exists(const std::string& path);                   // lstat
std::vector<std::string> List(const std::string& dir);  // sorted names

}  // namespace axl::test

#define TEST(Name)                                                         \
  static void Name();                                                      \
  static const ::axl::test::Registration registration_##Name(#Name, Name); \
  static void Name()

#define CHECK(x) ((void)::axl::test::CheckTrue(static_cast<bool>(x), #x, __FILE__, __LINE__))
#define CHECK_EQ(a, b) ((void)::axl::test::CheckEq((a), (b), #a, #b, __FILE__, __LINE__))
#define CHECK_OK(status) ((void)::axl::test::CheckOk((status), #status, __FILE__, __LINE__))
#define CHECK_CODE(status, code) ((void)::axl::test::CheckCode((status), (code), #status, __FILE__, __LINE__))
// kIo with this errno.
#define CHECK_ERRNO(status, err) ((void)::axl::test::CheckErrno((status), (err), #status, __FILE__, __LINE__))
#define REQUIRE(x) \
  (::axl::test::CheckTrue(static_cast<bool>(x), #x, __FILE__, __LINE__) ? (void)0 : throw ::axl::test::Abandoned{})
#define REQUIRE_OK(status) \
  (::axl::test::CheckOk((status), #status, __FILE__, __LINE__) ? (void)0 : throw ::axl::test::Abandoned{})
