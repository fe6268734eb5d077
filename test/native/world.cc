#include "world.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include "base/names.h"
#include "made.h"
#include "os/acl.h"

namespace axl::test {

namespace fs = std::filesystem;

namespace {

constexpr time_t kLongAgo = 1'000'000'000;

// A list as xattrs have it, which gives one user what no mode gives him. 0, or what says that there are none here.
int SetAcl(const std::string& path, const char* name, uint8_t may) {
  std::string list("\x02\0\0\0", 4);
  const auto add = [&list](uint8_t tag, uint8_t bits, uint32_t id) {
    for (uint8_t byte : {tag, uint8_t{0}, bits, uint8_t{0}}) list += static_cast<char>(byte);
    for (int shift = 0; shift < 32; shift += 8) list += static_cast<char>(id >> shift);
  };
  constexpr uint32_t kNone = 0xffffffff;
  add(0x01, 7, kNone), add(0x02, may, 4713), add(0x04, 0, kNone), add(0x10, may, kNone), add(0x20, 0, kNone);
  return setxattr(path.c_str(), name, list.data(), list.size(), 0);
}

// cap_net_raw+p: of root only, and gone with every change of the owner.
void SetCapability(const std::string& path) {
  const char value[20] = {0, 0, 0, 2, 0, 0x20};
  if (geteuid() == 0) (void)setxattr(path.c_str(), "security.capability", value, sizeof value, 0);
}

std::string Pattern(size_t n, unsigned seed) {
  std::string out(n, '\0');
  for (char& c : out) c = static_cast<char>((seed = seed * 1103515245 + 12345) >> 16);
  return out;
}

// Last, since chmod and writing change the times: every source has times of its own.
void Dress(const std::string& path, mode_t mode, long nsec) {
  struct stat st;
  REQUIRE(lstat(path.c_str(), &st) == 0);
  if (!S_ISLNK(st.st_mode)) CHECK(chmod(path.c_str(), mode) == 0);
  const struct timespec times[2] = {{kLongAgo + nsec, 1}, {kLongAgo + 2 * nsec, nsec}};
  CHECK(utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
}

// A directory with everything that one can be refused.
void Adorn(const std::string& path) {
  (void)setxattr(path.c_str(), "user.color", "red", 3, 0);
  for (const char* list : {kAccessAcl, kDefaultAcl}) (void)SetAcl(path, list, 5);
  if (geteuid() == 0) CHECK(chown(path.c_str(), 1234, 5678) == 0);
  Dress(path, 02750, 5);
}

void WriteSparse(const std::string& path, size_t size, size_t data_at, const std::string& data) {
  WriteFile(path, "");
  const int fd = open(path.c_str(), O_WRONLY);
  CHECK(ftruncate(fd, static_cast<off_t>(size)) == 0);
  CHECK(pwrite(fd, data.data(), data.size(), static_cast<off_t>(data_at)) == static_cast<ssize_t>(data.size()));
  close(fd);
}

}  // namespace

World::World(Files files, Place place) : phases_(files == Files::kPhases) {
  std::error_code error;
  const bool memory = place == Place::kMemory && access("/dev/shm", W_OK) == 0;
  const fs::path parent = memory ? "/dev/shm" : fs::canonical(fs::temp_directory_path(error), error);
  root_ = parent / "axl-world-XXXXXX";
  REQUIRE(mkdtemp(root_.data()) != nullptr);
  MakeDir(At("source"));
  MakeDir(At("source/tree"));
  MakeSources(files);
  Dress(Source("tree"), 0750, 7);
  Reset();
  Expect();
}

World::~World() { RemoveTree(root_); }

void World::MakeSources(Files files) {
  WriteFile(Source("tree/small"), "small");
  Dress(Source("tree/small"), 0640, 1);
  WriteFile(Source("tree/chunks"), Pattern(2 * kChunk + 100, 1));
  Dress(Source("tree/chunks"), 0444, 2);
  MakeLink("small", Source("tree/link"));
  Dress(Source("tree/link"), 0, 3);
  WriteFile(Source("new"), "the new contents");
  Dress(Source("new"), 04711, 4);
  (void)SetAcl(Source("tree/small"), kAccessAcl, 6);
  SetCapability(Source("new"));
  MakeDir(Source("tree/void"));
  if (files == Files::kLinked || files == Files::kAll || phases_) MakeHardLinks();
  if (phases_) WriteFile(Source("tree/.metadata"), "the others are there");
  if (phases_) Dress(Source("tree/.metadata"), 0644, 6);
  if (files == Files::kFour) MakeFourNames();
  Adorn(Source("tree/void"));
  if (files == Files::kAll) MakeMoreSources();
}

// Of a small file and of one of several chunks, in one directory and in two.
void World::MakeHardLinks() {
  WriteFile(Source("tree/pair"), "a pair");
  WriteFile(Source("tree/twin"), Pattern(kChunk + 100, 3));
  Dress(Source("tree/pair"), 0644, 30);
  (void)SetAcl(Source("tree/pair"), kAccessAcl, 4);
  Dress(Source("tree/twin"), 0444, 31);
  CHECK(link(Source("tree/pair").c_str(), Source("tree/void/pair").c_str()) == 0);
  CHECK(link(Source("tree/twin").c_str(), Source("tree/twain").c_str()) == 0);
}

void World::MakeFourNames() {
  WriteFile(Source("tree/one"), "of four names");
  Dress(Source("tree/one"), 0644, 32);
  for (const char* name : {"tree/three", "tree/two", "tree/void/four"})
    CHECK(link(Source("tree/one").c_str(), Source(name).c_str()) == 0);
}

void World::MakeMoreSources() {
  WriteFile(Source("tree/empty"), "");
  WriteSparse(Source("tree/sparse"), 6 * kChunk, 4 * kChunk, Pattern(kChunk, 2));
  WriteSparse(Source("tree/hole"), kChunk, 100, "");
  WriteFile(Source("tree/colored"), "colored");
  (void)setxattr(Source("tree/colored").c_str(), "user.color", "blue", 4, 0);
  if (geteuid() == 0) CHECK(chown(Source("tree/colored").c_str(), 1234, 5678) == 0);
  MakeDir(Source("tree/locked"));
  WriteFile(Source("tree/locked/secret"), "read only");
  long nsec = 10;
  for (const char* name : {"tree/empty", "tree/sparse", "tree/hole", "tree/colored"}) Dress(Source(name), 0755, nsec++);
  Dress(Source("tree/locked/secret"), 0400, nsec++);
  (void)SetAcl(Source("tree/locked"), kDefaultAcl, 4);
  Dress(Source("tree/locked"), 0555, nsec++);
}

void World::MakeDestinations() {
  MakeDir(At("states"));
  MakeDir(At("dest"));
  WriteFile(Dest("old"), "the old contents");
  WriteFile(Dest("bystander"), "nobody's business");
  MakeDir(Dest("there"));
  if (phases_) MakeLink("there", Dest(kLatest));
  if (phases_) MakeDir(Dest("there/earlier"));
  if (phases_) WriteFile(Dest("there/earlier/a"), "what the newer ones replace");
  (void)SetAcl(At("dest"), kDefaultAcl, 7);  // nothing of ours is to have it
  Dress(Dest("old"), 0600, 50);
  Dress(Dest("bystander"), 0644, 51);
}

void World::Reset() {
  RemoveTree(At("dest"));
  RemoveTree(At("states"));
  MakeDestinations();
  before_.clear();
  before_ = Now();
}

// What the destinations become: not by asking the engine, but from the sources.
void World::Expect() {
  after_ = before_;
  Node parent;
  after_["there/made"] = before_["there"];
  after_["there/made/new"] = after_["old"] = NodeAt(Source("new"));
  after_["tree"] = NodeAt(Source("tree"));
  for (auto& [name, node] : TreeAt(Source("tree"))) after_["tree/" + name] = node;
  for (auto& [name, node] : after_)
    if (S_ISDIR(node.kind) && name.starts_with("tree")) described_.insert(name);
  if (phases_) AddMade(&after_, before_, Options().dataset, "tree");
  std::erase_if(after_, [](const auto& node) { return node.first.starts_with("there/earlier"); });
}

Tree World::Now() const {
  Tree tree = TreeAt(At("dest"));
  for (auto& [name, node] : tree)
    if (S_ISDIR(node.kind) && !described_.contains(name)) node.mtime = {};
  Settle(&tree);
  return tree;
}

std::vector<std::string> World::TemporariesIn(const Tree& tree) {
  std::vector<std::string> found;
  for (const auto& [name, node] : tree)
    if (name.find("._AXL") != std::string::npos) found.push_back(name);
  return found;
}

std::string World::TemporaryOf(const std::string& name) const {
  for (const std::string& found : TemporariesIn(Now()))
    if (found.starts_with(name + "._AXL")) return Dest(found);
  return "";
}

TransferOptions World::Options() const {
  TransferOptions options{.name = "world",
                          .state_file = state_file(),
                          .durability = durability,
                          .keep = {.owner = OwnerPolicy::kFail},
                          .chunk_size = kChunk};
  if (phases_) options.manifest = "";
  if (phases_) options.dataset = {1, 2, 3};
  return options;
}

// A tree to a new name, a file over an old one, a file below a parent that is to be made.
Status World::AddAll(Transfer& transfer) const {
  Status s = transfer.Add({Source("tree"), Dest("tree")}, {});
  if (s.ok()) s = transfer.Add({Source("new"), Dest("old")}, {});
  if (s.ok()) s = transfer.Add({Source("new"), Dest("there/made/new")}, {});
  if (s.ok() && phases_) s = transfer.Point(Dest(kLatest), "tree", false);
  if (s.ok() && phases_) s = transfer.Point(Dest(kLatestText), "tree", true);
  if (s.ok() && phases_) s = transfer.Retire({Dest("there/earlier")});
  return s;
}

Status AndWait(const std::function<Status(std::function<void()>)>& start) {
  auto quiet = std::make_shared<std::promise<void>>();
  auto waited = quiet->get_future();
  const Status s = start([quiet] { quiet->set_value(); });
  if (s.ok()) waited.wait();
  return s;
}

namespace {

Life End(Transfer& transfer, Ending ending) {
  Life life;
  if (ending == Ending::kLeave) return life;
  if (ending == Ending::kPublish) {
    if (life.failed = transfer.Publish(); !life.failed.ok()) return life;
    life.published = true;
  }
  life.failed = transfer.Free();
  life.freed = life.failed.ok();
  return life;
}

}  // namespace

Life Live(const World& world, Os& os, unsigned workers, Ending ending) {
  Engine engine(workers);
  const auto transfer = std::make_shared<Transfer>(os, engine);
  Status s = transfer->Create(world.Options());
  if (s.ok()) s = world.AddAll(*transfer);
  if (s.ok()) s = AndWait([&](auto on_quiet) { return transfer->Dispatch(on_quiet); });
  if (!s.ok()) return {s, false, false};
  return End(*transfer, ending);
}

namespace {

// Dispatch, and what may be done after it failed.
Status Copy(Transfer& transfer) {
  const auto resume = [&](auto on_quiet) { return transfer.Resume(on_quiet); };
  const auto dispatch = [&](auto on_quiet) { return transfer.Dispatch(on_quiet); };
  Status s = AndWait(dispatch);
  if (!s.ok()) s = transfer.state() == Transfer::State::kCreated ? AndWait(dispatch) : AndWait(resume);
  return s;
}

Status PublishStubbornly(Transfer& transfer) {
  if (transfer.Publish().ok() || transfer.Publish().ok()) return Status::Ok();
  Status s = AndWait([&](auto on_quiet) { return transfer.Resume(on_quiet); });
  return s.ok() ? transfer.Publish() : s;
}

}  // namespace

void LeaveComplete(World& world) {
  world.Reset();
  QuickOs os;
  REQUIRE_OK(Live(world, os, 1, Ending::kLeave).failed);
}

Life LiveStubbornly(const World& world, Os& os, unsigned workers) {
  Engine engine(workers);
  const auto transfer = std::make_shared<Transfer>(os, engine);
  Life life;
  life.failed = transfer->Create(world.Options());
  if (!life.failed.ok()) life.failed = transfer->Create(world.Options());
  if (life.failed.ok()) life.failed = world.AddAll(*transfer);
  if (life.failed.ok()) life.failed = Copy(*transfer);
  if (!life.failed.ok()) return life;
  life.failed = PublishStubbornly(*transfer);
  life.published = life.failed.ok();
  Status freed = transfer->Free();
  if (!freed.ok()) freed = transfer->Free();
  life.freed = freed.ok();
  return life;
}

uint64_t CallsOfALife(World& world, Ending ending) {
  QuickOs quick;
  FaultOs os(quick, Fault::kFail, 0);
  world.Reset();
  (void)Live(world, os, 1, ending);
  world.Reset();
  return os.calls();
}

Life LiveAgain(const World& world, Os& os, unsigned workers, Ending ending) {
  Engine engine(workers);
  const auto transfer = std::make_shared<Transfer>(os, engine);
  Status s = transfer->Open(world.state_file());
  if (s.ok()) s = AndWait([&](auto on_quiet) { return transfer->Resume(on_quiet); });
  if (!s.ok()) return {s, false, false};
  return End(*transfer, ending);
}

Life LiveCanceled(const World& world, FaultOs& os, uint64_t at, bool resume, Ending ending) {
  Engine engine(1);
  const auto transfer = std::make_shared<Transfer>(os, engine);
  os.before = [&](uint64_t n) {
    if (n == at) (void)transfer->Cancel();
  };
  Status s = transfer->Create(world.Options());
  if (s.ok()) s = world.AddAll(*transfer);
  if (s.ok()) s = AndWait([&](auto on_quiet) { return transfer->Dispatch(on_quiet); });
  if (s.ok() && resume) s = AndWait([&](auto on_quiet) { return transfer->Resume(on_quiet); });
  const Life life = s.ok() ? End(*transfer, ending) : Life{s, false, false};
  engine.Stop();  // a worker may still be closing what it had open
  os.before = nullptr;
  return life;
}

std::vector<Finalized> Finalize(const World& world, Os& os, Policy policy) {
  std::vector<std::string> paths;
  for (const std::string& name : List(world.states())) paths.push_back(Join(world.states(), name));
  Engine engine(1);
  return FinalizeBatch(os, engine, paths, policy, Decided::kAsItIs);
}

namespace {

ino_t InodeAt(const std::string& path) {
  struct stat st;
  REQUIRE(lstat(path.c_str(), &st) == 0);
  return st.st_ino;
}

// Of a published tree: which names of one source are not names of one file?
std::string Parted(const World& world, const Tree& now) {
  std::map<ino_t, ino_t> inodes;  // of sources, and of what they have become
  for (const auto& [name, node] : now) {
    if (!S_ISREG(node.kind) || !name.starts_with("tree/")) continue;
    const ino_t inode = InodeAt(world.Dest(name));
    if (inodes.try_emplace(InodeAt(world.Source(name)), inode).first->second != inode) return name;
  }
  return "";
}

}  // namespace

void CheckInstant(const World& world, const std::string& when) {
  const Tree now = world.Now();
  const bool has_state = !List(world.states()).empty();
  for (const auto& [name, node] : now) {
    const auto before = world.before().find(name), after = world.after().find(name);
    if (before != world.before().end() && before->second == node) continue;
    if (after != world.after().end() && (after->second == node || S_ISDIR(node.kind))) continue;
    const bool temporary = name.find("._AXL") != std::string::npos;
    if (!temporary || !has_state) Fail(__FILE__, __LINE__, when + ": " + name + " is neither as before nor complete");
  }
  for (const auto& [name, node] : world.before())
    if (!now.contains(name) && (world.after().contains(name) || !HasAll(now, world.after())))
      Fail(__FILE__, __LINE__, when + ": " + name + " is gone");
}

void CheckPromise(const World& world, bool told_published, const std::string& when) {
  CheckInstant(world, when);
  QuickOs os;
  for (const Finalized& f : Finalize(world, os)) {
    if (f.action != Action::kPublished && f.action != Action::kRolledBack && f.action != Action::kRemoved)
      Fail(__FILE__, __LINE__, when + ": finalize says " + Show(f.action) + ", " + Show(f.status));
    if (f.action == Action::kPublished) told_published = true;
  }
  const Tree now = world.Now();
  if (Difference(now, world.after()).empty())
    if (const std::string parted = Parted(world, now); !parted.empty())
      Fail(__FILE__, __LINE__, when + ": " + parted + " is not one file with its other names");
  const std::string to_after = Difference(now, world.after()), to_before = Difference(now, world.before());
  if (told_published && !to_after.empty())
    Fail(__FILE__, __LINE__, when + ": told that it is published, but " + to_after);
  else if (!to_after.empty() && !to_before.empty())
    Fail(__FILE__, __LINE__, when + ": neither whole (" + to_after + ") nor as before (" + to_before + ")");
  if (!List(world.states()).empty()) Fail(__FILE__, __LINE__, when + ": a state file is left");
  if (!Finalize(world, os).empty() || world.Now() != now)
    Fail(__FILE__, __LINE__, when + ": finalizing again changed something");
}

}  // namespace axl::test
