// dlopen of PMIx's library, the part of its ABI that is used here, and the thread on which its calls block.
#include "comm/pmix.h"

#include <dlfcn.h>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace axl {

namespace {

// From the PMIx standard; the same in all versions of libpmix.so.2 (PMIx 2.1 to 5).
struct Proc {
  char nspace[256];
  uint32_t rank;
};

struct Value {
  uint16_t type;
  union {
    bool flag;
    uint32_t number;
    char* text;
    struct {
      char* name;
      char* value;
      char separator;
    } largest;
  } data;
};

struct Info {
  char key[512];
  uint32_t flags;
  Value value;
};

static_assert(sizeof(Proc) == 260 && offsetof(Proc, rank) == 256);
static_assert(sizeof(void*) != 8 || (sizeof(Value) == 32 && offsetof(Value, data) == 8));
static_assert(sizeof(void*) != 8 || (sizeof(Info) == 552 && offsetof(Info, value) == 520));

constexpr int kSuccess = 0;
constexpr uint16_t kBool = 1;
constexpr uint16_t kString = 3;
constexpr uint16_t kUint32 = 14;
constexpr uint8_t kGlobal = 3;
constexpr uint32_t kWholeJob = UINT32_MAX - 1;
constexpr int kNoActionTaken = -331;
// Lost connection, and what is said of ranks and jobs that were aborted, killed, or ended without a goodbye. A rank
// that ends in order is none of them.
constexpr int kLosses[] = {-61, -7, -8, -200, -400, -402, -182, -184, -185, -189};

using Completed = void (*)(int, Info*, size_t, void (*)(int, void*), void*, void*);
using Handler = void (*)(size_t, int, const Proc*, Info*, size_t, Info*, size_t, Completed, void*);

struct Calls {
  int (*init)(Proc*, const Info*, size_t);
  int (*finalize)(const Info*, size_t);
  int (*put)(uint8_t, const char*, Value*);
  int (*commit)();
  int (*fence)(const Proc*, size_t, const Info*, size_t);
  int (*get)(const Proc*, const char*, const Info*, size_t, Value**);
  int (*handle_events)(int*, size_t, Info*, size_t, Handler, void*, void*);
  const char* (*error_string)(int);
};

// All that there is of PMIx in this process.
struct Client {
  Calls calls{};
  Proc self{};
  uint32_t size = 0;

  std::mutex mutex;
  std::condition_variable more;
  std::deque<std::function<void()>> tasks;
  Pmix::Lost lost;
};

Client* client = nullptr;

template <typename Function>
bool Find(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  return *function != nullptr;
}

bool FindAll(void* library, Calls* calls) {
  return Find(library, "PMIx_Init", &calls->init) && Find(library, "PMIx_Finalize", &calls->finalize) &&
         Find(library, "PMIx_Put", &calls->put) && Find(library, "PMIx_Commit", &calls->commit) &&
         Find(library, "PMIx_Fence", &calls->fence) && Find(library, "PMIx_Get", &calls->get) &&
         Find(library, "PMIx_Register_event_handler", &calls->handle_events) &&
         Find(library, "PMIx_Error_string", &calls->error_string);
}

[[noreturn]] void RunTasks() {
  for (;;) {
    std::unique_lock lock(client->mutex);
    client->more.wait(lock, [] { return !client->tasks.empty(); });
    const std::function<void()> task = std::move(client->tasks.front());
    client->tasks.pop_front();
    lock.unlock();
    task();
  }
}

void Post(std::function<PmixAnswer()> work, Pmix::Done done) {
  std::lock_guard lock(client->mutex);
  client->tasks.push_back([work = std::move(work), done = std::move(done)] { done(work()); });
  client->more.notify_one();
}

std::string Problem(const char* call, int status) {
  if (status == kSuccess) return {};
  return std::string(call) + ": " + client->calls.error_string(status) + " (" + std::to_string(status) + ")";
}

void OnLoss(size_t, int status, const Proc* source, Info*, size_t, Info*, size_t, Completed completed, void* token) {
  std::string why = client->calls.error_string(status);
  if (source != nullptr && source->rank < client->size) why += ", rank " + std::to_string(source->rank);
  Pmix::Lost lost;
  {
    std::lock_guard lock(client->mutex);
    lost = client->lost;
  }
  if (lost) lost("PMIx says " + why);
  // Others in this process, such as an MPI, have handlers of their own.
  if (completed != nullptr) completed(kNoActionTaken, nullptr, 0, nullptr, nullptr, token);
}

// The value of a key of `rank`, of that type; false: there is none.
bool GetNumber(uint32_t rank, const char* key, uint32_t* number, std::string* problem) {
  Proc proc = client->self;
  proc.rank = rank;
  Value* value = nullptr;
  const int status = client->calls.get(&proc, key, nullptr, 0, &value);
  *problem = Problem("PMIx_Get", status);
  if (status == kSuccess && (value == nullptr || value->type != kUint32))
    *problem = std::string("PMIx_Get: ") + key + " is not a number";
  if (problem->empty()) *number = value->data.number;
  std::free(value);  // a number has nothing else to free
  return problem->empty();
}

// The text that rank 0 has put, behind the question to which it belongs.
std::string GetText(const char* key, uint32_t question, PmixAnswer* answer) {
  Proc proc = client->self;
  proc.rank = 0;
  Value* value = nullptr;
  const int status = client->calls.get(&proc, key, nullptr, 0, &value);
  std::string problem = Problem("PMIx_Get", status);
  if (status != kSuccess || value == nullptr) return problem.empty() ? "PMIx_Get: nothing" : problem;
  const std::string asked = std::to_string(question) + ":";
  const bool is_text = value->type == kString && value->data.text != nullptr;
  const std::string text = is_text ? value->data.text : "";
  if (is_text) std::free(value->data.text);
  std::free(value);
  if (!text.starts_with(asked)) answer->elsewhere = client->self.rank;
  answer->text = text.substr(std::min(asked.size(), text.size()));
  return problem;
}

PmixAnswer Init() {
  PmixAnswer answer;
  answer.problem = Problem("PMIx_Init", client->calls.init(&client->self, nullptr, 0));
  if (!answer.problem.empty()) return answer;
  if (!GetNumber(kWholeJob, "pmix.job.size", &client->size, &answer.problem)) return answer;
  answer.rank = client->self.rank;
  answer.size = client->size;
  int losses[sizeof(kLosses) / sizeof(kLosses[0])];
  std::memcpy(losses, kLosses, sizeof(kLosses));
  // Where it cannot be had, a call without an answer ends by its time limit.
  (void)client->calls.handle_events(losses, sizeof(losses) / sizeof(losses[0]), nullptr, 0, OnLoss, nullptr, nullptr);
  return answer;
}

std::string Put(const char* key, uint16_t type, uint32_t number, std::string text) {
  Value value{};
  value.type = type;
  if (type == kString)
    value.data.text = text.data();
  else
    value.data.number = number;
  return Problem("PMIx_Put", client->calls.put(kGlobal, key, &value));
}

// Brings what all have put to all.
std::string Exchange(std::string problem) {
  if (problem.empty()) problem = Problem("PMIx_Commit", client->calls.commit());
  if (!problem.empty()) return problem;
  Info collect{};
  std::strcpy(collect.key, "pmix.collect");
  collect.value.type = kBool;
  collect.value.data.flag = true;
  return Problem("PMIx_Fence", client->calls.fence(nullptr, 0, &collect, 1));
}

// A rank's answer, with its question in the upper bits: neither is said by chance.
PmixAnswer Agree(uint32_t call, bool mine, uint32_t question) {
  char key[32];
  std::snprintf(key, sizeof(key), "axl.%u", call);
  PmixAnswer answer;
  answer.problem = Exchange(Put(key, kUint32, question << 1 | (mine ? 1 : 0), {}));
  answer.all = true;
  uint32_t first = 0;
  for (uint32_t rank = 0; rank < client->size && answer.problem.empty(); rank++) {
    uint32_t said = 0;
    if (!GetNumber(rank, key, &said, &answer.problem)) break;
    if (rank == 0) first = said >> 1;
    if (said >> 1 != first) answer.elsewhere = rank;
    answer.all = answer.all && (said & 1) == 1;
  }
  return answer;
}

PmixAnswer Tell(uint32_t call, const std::string& text, uint32_t question) {
  char key[32];
  std::snprintf(key, sizeof(key), "axl.%u", call);
  PmixAnswer answer;
  const bool first = client->self.rank == 0;
  answer.problem = Exchange(first ? Put(key, kString, 0, std::to_string(question) + ":" + text) : std::string());
  if (answer.problem.empty()) answer.problem = GetText(key, question, &answer);
  return answer;
}

}  // namespace

Pmix* Pmix::Load(const std::string& library, std::string* problem) {
  static Pmix pmix;
  if (client != nullptr) return &pmix;
  // Its plugins look for its symbols among the global ones.
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL);
  auto loaded = std::make_unique<Client>();
  if (handle == nullptr || !FindAll(handle, &loaded->calls)) {
    const char* why = dlerror();
    *problem = why != nullptr ? why : library + " is not a PMIx library";
    return nullptr;
  }
  client = loaded.release();
  try {
    std::thread(RunTasks).detach();
  } catch (const std::system_error&) {
    delete std::exchange(client, nullptr);
    *problem = "the system has no thread left for it: see ulimit -u and pids.max";
    return nullptr;
  }
  return &pmix;
}

void Pmix::Open(Lost lost, Done done) {
  {
    std::lock_guard lock(client->mutex);
    client->lost = std::move(lost);
  }
  Post(Init, std::move(done));
}

void Pmix::AllTrue(uint32_t call, bool mine, uint32_t question, Done done) {
  Post([call, mine, question] { return Agree(call, mine, question); }, std::move(done));
}

void Pmix::Share(uint32_t call, std::string text, uint32_t question, Done done) {
  Post([call, text = std::move(text), question] { return Tell(call, text, question); }, std::move(done));
}

void Pmix::Barrier(Done done) {
  Post([] { return PmixAnswer{Problem("PMIx_Fence", client->calls.fence(nullptr, 0, nullptr, 0))}; }, std::move(done));
}

void Pmix::Close(Done done) {
  Post([] { return PmixAnswer{Problem("PMIx_Finalize", client->calls.finalize(nullptr, 0))}; }, std::move(done));
}

}  // namespace axl
