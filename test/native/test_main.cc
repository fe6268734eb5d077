// main() of the engine's tests, and the parts of test.h that need not be in a header.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>

#include "test.h"

namespace axl::test {

namespace {
struct Skipped {
  std::string why;
};
std::atomic<int> failures{0};
std::mutex print_mutex;
}  // namespace

std::vector<Case>& Cases() {
  static std::vector<Case> cases;
  return cases;
}

void Fail(const char* file, int line, const std::string& what) {
  failures++;
  std::lock_guard<std::mutex> lock(print_mutex);
  std::printf("  %s:%d: %s\n", file, line, what.c_str());
  std::fflush(stdout);
}

int Failures() { return failures; }

void Skip(const std::string& why) { throw Skipped{why}; }

std::string Escaped(std::string_view bytes) {
  std::string out = "\"";
  for (unsigned char c : bytes) {
    char hex[8];
    std::snprintf(hex, sizeof hex, "\\x%02x", c);
    if (c < 32 || c >= 127 || c == '"' || c == '\\') {
      out += hex;
    } else {
      out += static_cast<char>(c);
    }
  }
  return out + "\"";
}

std::string Show(const Status& s) {
  if (s.ok()) return "ok";
  std::string out = CodeName(s.code);
  if (s.err != 0) out += " " + ErrnoName(s.err) + " (" + s.call + ")";
  if (!s.path.empty()) out += " " + Escaped(s.path);
  if (!s.dest.empty()) out += " -> " + Escaped(s.dest);
  if (!s.detail.empty()) out += ": " + s.detail;
  return out;
}

bool CheckTrue(bool ok, const char* text, const char* file, int line) {
  if (!ok) Fail(file, line, std::string("not so: ") + text);
  return ok;
}

bool CheckOk(const Status& status, const char* text, const char* file, int line) {
  if (!status.ok()) Fail(file, line, std::string(text) + " is " + Show(status));
  return status.ok();
}

bool CheckCode(const Status& status, Code code, const char* text, const char* file, int line) {
  if (status.code == code) return true;
  Fail(file, line, std::string(text) + " is " + Show(status) + ", not " + CodeName(code));
  return false;
}

bool CheckErrno(const Status& status, int err, const char* text, const char* file, int line) {
  if (status.code == Code::kIo && status.err == err) return true;
  Fail(file, line, std::string(text) + " is " + Show(status) + ", not AXL_IO " + ErrnoName(err));
  return false;
}

TempDir::TempDir() {
  std::error_code error;
  std::string name =
      (std::filesystem::canonical(std::filesystem::temp_directory_path(error), error) / "axl-test-XXXXXX");
  REQUIRE(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
  if (error) std::printf("  left behind: %s\n", path_.c_str());
}

void WriteFile(const std::string& path, std::string_view content) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  out.close();
  CHECK(out.good());
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  CHECK(in.good());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void MakeDir(const std::string& path) { CHECK(mkdir(path.c_str(), 0755) == 0); }

void MakeLink(const std::string& target, const std::string& path) { CHECK(symlink(target.c_str(), path.c_str()) == 0); }

bool Exists(const std::string& path) {
  struct stat st;
  return lstat(path.c_str(), &st) == 0;
}

std::vector<std::string> List(const std::string& dir) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(dir, error)) names.push_back(entry.path().filename());
  CHECK(!error);
  std::sort(names.begin(), names.end());
  return names;
}

namespace {

enum class Result { kPassed, kFailed, kSkipped };

Result RunOne(const Case& test) {
  int before = failures;
  try {
    test.run();
  } catch (const Abandoned&) {
  } catch (const Skipped& skipped) {
    if (failures == before) {
      std::printf("skipped %s: %s\n", test.name, skipped.why.c_str());
      return Result::kSkipped;
    }
  } catch (const std::exception& e) {
    Fail(test.name, 0, std::string("exception: ") + e.what());
  }
  if (failures == before) return Result::kPassed;
  std::printf("FAILED %s\n", test.name);
  return Result::kFailed;
}

// Which tests run: those whose name contains one of `filters`, if any; of them each `parts`th, beginning with `part`.
struct Choice {
  std::vector<std::string> filters;
  unsigned part = 1, parts = 1;
};

bool Wanted(const std::string& name, const std::vector<std::string>& filters) {
  if (filters.empty()) return true;
  return std::any_of(filters.begin(), filters.end(),
                     [&](const std::string& f) { return name.find(f) != std::string::npos; });
}

int RunAll(const Choice& choice) {
  int count[3] = {0, 0, 0};
  unsigned index = 0;
  for (const Case& test : Cases())
    if (Wanted(test.name, choice.filters) && index++ % choice.parts == choice.part - 1)
      count[static_cast<int>(RunOne(test))]++;
  if (count[2] > 0) std::printf("%d skipped\n", count[2]);
  std::printf("%d passed, %d failed\n", count[0], count[1]);
  return count[1] > 0 || count[0] + count[2] == 0 ? 1 : 0;
}

// False for what is no `--part K/N` with 1 <= K <= N.
bool ParsePart(const char* text, Choice* choice) {
  return std::sscanf(text, "%u/%u", &choice->part, &choice->parts) == 2 && choice->part >= 1 &&
         choice->part <= choice->parts;
}

}  // namespace
}  // namespace axl::test

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 1 && arguments[0] == "--list") {
    for (const auto& test : axl::test::Cases()) std::puts(test.name);
    return 0;
  }
  axl::test::Choice choice;
  for (size_t i = 0; i < arguments.size(); i++) {
    if (arguments[i] != "--part") {
      choice.filters.push_back(arguments[i]);
    } else if (i + 1 == arguments.size() || !axl::test::ParsePart(arguments[++i].c_str(), &choice)) {
      std::fprintf(stderr, "usage: axl_tests [--part K/N] [FILTER ...] | --list\n");
      return 2;
    }
  }
  return axl::test::RunAll(choice);
}
