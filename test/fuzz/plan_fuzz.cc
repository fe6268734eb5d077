// Fuzzes what callers add: sources and destinations of any bytes. Whatever they are, the state file of the plan can be
// read back, no destination is below another, and an add that fails changes nothing.
#include <set>

#include "check.h"
#include "invented_os.h"
#include "journal/reader.h"
#include "journal/writer.h"
#include "plan/plan.h"

namespace axl::fuzz {
namespace {

// Takes the input apart: a byte says what to do, lines are paths.
class Input {
 public:
  Input(const uint8_t* data, size_t n) : rest_(reinterpret_cast<const char*>(data), n) {}
  bool empty() const { return rest_.empty(); }
  uint8_t Byte() {
    const uint8_t byte = empty() ? 0 : static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(empty() ? 0 : 1);
    return byte;
  }
  std::string Line() {
    const size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string line(rest_.substr(0, end));
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return line;
  }

 private:
  std::string_view rest_;
};

void AddOne(Plan* plan, Input* input) {
  const uint8_t what = input->Byte();
  const PlanOptions options{static_cast<Links>(what / 4 % 4)};
  const std::string source = input->Line(), dest = input->Line();
  const PlanCounts before = plan->counts();
  Status s;
  if (what % 4 == 0) {
    s = plan->AddAs({source, dest}, options);
  } else if (what % 4 == 1) {
    s = plan->AddAs({source, dest, source, dest + "2"}, options);
  } else {
    s = plan->Add({source, dest}, options);
  }
  if (!s.ok()) PROPERTY(plan->counts() == before);
  PROPERTY(plan->counts().files == plan->file_count() && plan->counts().dirs == plan->dir_count());
}

void CheckTree(const Plan& plan) {
  std::set<std::string_view> files;
  for (size_t i = 0; i < plan.file_count(); i++) PROPERTY(files.insert(plan.file(i).dest).second);
  const auto above = [&](std::string_view path) {
    while (path.size() > 1) PROPERTY(!files.contains(path = ParentOf(path)));
  };
  for (size_t i = 0; i < plan.file_count(); i++) above(plan.file(i).dest);
  for (size_t i = 0; i < plan.dir_count(); i++) above(plan.dir(i).path);
}

void CheckStateFile(const Plan& plan) {
  const Uuid uuid{1, 2, 3};
  JournalWriter w(uuid, 0);
  TransferInfo info;
  info.chunk_size = 4096;
  info.dataset = uuid;
  w.Write(TransferRecord{info});
  uint64_t bytes = 0;
  for (uint32_t id = 0; id < plan.file_count(); id++) {
    w.Write(FileRecord{id, plan.file(id)});
    bytes += plan.file(id).size;
  }
  for (uint32_t id = 0; id < plan.dir_count(); id++) w.Write(DirRecord{id, plan.dir(id)});
  SealedRecord sealed{static_cast<uint32_t>(plan.file_count()), static_cast<uint32_t>(plan.dir_count()), 0, bytes, {}};
  for (const Anchor& anchor : plan.Anchors()) w.Write(AnchorRecord{sealed.anchors++, anchor});
  w.Write(sealed);
  const std::string file = JournalWriter::Header(uuid) + w.bytes();
  Replay read;
  PROPERTY(ReplayJournal(reinterpret_cast<const uint8_t*>(file.data()), file.size(), &read).ok());
  PROPERTY(read.state.sealed && read.state.files.size() == plan.file_count() && !read.torn);
}

}  // namespace
}  // namespace axl::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t n) {
  using namespace axl::fuzz;
  InventedOs os;
  axl::Plan plan(os);
  for (Input input(data, n); !input.empty();) AddOne(&plan, &input);
  CheckTree(plan);
  if (plan.Describe().ok()) CheckStateFile(plan);
  return 0;
}
