// native/upkeep as functions that return promises.
#include "binding/upkeep.h"

#include <string>
#include <utility>
#include <vector>

#include "binding/finalize.h"
#include "binding/values.h"
#include "upkeep/file_system.h"
#include "upkeep/forget.h"
#include "upkeep/hold.h"
#include "upkeep/kvtree_file.h"
#include "upkeep/orphans.h"
#include "upkeep/probe.h"
#include "upkeep/state_files.h"

namespace axl {

// Not in the nameless namespace, where templates would not find them.
static Napi::Value ToJs(Napi::Env env, const TemporaryFile& f) {
  Napi::Object file = Object(env, "path", AsBytes{f.path}, "digits", f.digits, "symlink", f.symlink, "bytes", f.bytes,
                             "uid", f.uid, "modifiedNs", f.modified, "changedNs", f.changed);
  if (!f.final_path.empty()) Set(file, "dest", AsBytes{f.final_path});
  return file;
}

static Napi::Value ToJs(Napi::Env env, const TemporaryFiles& found) {
  return Object(env, "files", found.files, "unreadable", found.unreadable);
}

static Napi::Value ToJs(Napi::Env env, const Removal& removal) {
  return Object(env, "open", removal.open, "failure", removal.status);
}

static Napi::Value ToJs(Napi::Env env, const StateFiles& found) {
  return Object(env, "count", found.count, "uuids", found.uuids, "unclear", found.unclear);
}

static Napi::Value ToJs(Napi::Env env, const Identified& one) {
  return Object(env, "is", one.is, "name", one.name, "why", one.why);
}

static Napi::Value ToJs(Napi::Env env, const FileSystem& f) {
  return Object(env, "magic", f.magic, "type", f.mount.type, "options", f.mount.options, "locks", f.locks, "files",
                f.inodes.files, "directories", f.inodes.directories);
}

static Napi::Value ToJs(Napi::Env env, const KvTreeKeys& tree) {
  return Object(env, "keys", AsBytes{tree.keys}, "depths", AsBytes{tree.depths});
}

// '' for what worked.
static std::string Named(int err) { return err == 0 ? "" : ErrnoName(err); }

static Napi::Value ToJs(Napi::Env env, const Probed& p) {
  Napi::Object object = Object(env, "fileSystem", ToJs(env, p.file_system), "nameMax", p.name_max, "lock",
                               Named(p.lock), "excludes", p.excludes, "renamed", p.renamed, "linked", p.linked);
  Set(object, "listed", p.listed, "reopened", p.reopened, "directory", p.directory, "birth", p.birth, "granularity",
      p.granularity, "xattr", Named(p.xattr), "xattrMax", p.xattr_max, "renameNew", Named(p.rename_new));
  Set(object, "linkNew", p.link_new, "fsyncDirectory", Named(p.fsync_directory), "acl", Named(p.acl), "links", p.links);
  return object;
}

static Napi::Value ToJs(Napi::Env env, const HoldSeen& seen) {
  return Object(env, "found", seen.found, "here", seen.here, "locked", seen.locked, "lock", Named(seen.lock), "alive",
                seen.alive);
}

namespace {

Time TimeFrom(const Napi::Value& nanoseconds) {
  constexpr int64_t kSecond = 1'000'000'000;
  bool lossless = true;
  const int64_t ns = nanoseconds.As<Napi::BigInt>().Int64Value(&lossless);
  const int64_t rest = (ns % kSecond + kSecond) % kSecond;
  return {(ns - rest) / kSecond, static_cast<uint32_t>(rest)};
}

std::vector<TemporaryFile> ReadFiles(const Napi::Array& array) {
  std::vector<TemporaryFile> files(array.Length());
  for (uint32_t i = 0; i < files.size(); i++) {
    const auto object = array.Get(i).As<Napi::Object>();
    Take(object, "path", &files[i].path, "symlink", &files[i].symlink, "bytes", &files[i].bytes, "uid", &files[i].uid);
    files[i].modified = TimeFrom(object.Get("modifiedNs"));
    files[i].changed = TimeFrom(object.Get("changedNs"));
  }
  return files;
}

using Shared = std::shared_ptr<Environment>;

// (dir, recursive)
Napi::Value Temporaries(const Napi::CallbackInfo& info, const Shared& environment) {
  return environment->Run(info.Env(),
                          [&os = environment->os(), dir = Bytes(info[0]), recursive = FromJs<bool>(info[1])] {
                            return Give(Status::Ok(), FindTemporaryFiles(os, dir, recursive));
                          });
}

// (files)
Napi::Value Remove(const Napi::CallbackInfo& info, const Shared& environment) {
  return environment->Run(info.Env(), [&os = environment->os(), files = ReadFiles(info[0].As<Napi::Array>())] {
    return Give(Status::Ok(), RemoveTemporaryFiles(os, files));
  });
}

// (dir, jobs)
Napi::Value InDirectory(const Napi::CallbackInfo& info, const Shared& environment) {
  Engine& engine = environment->Start(info.Env());
  const auto jobs = FromJs<uint32_t>(info[1]);
  return environment->Run(info.Env(), [&os = environment->os(), &engine, dir = Bytes(info[0]), jobs] {
    return Give(Status::Ok(), FindStateFiles(os, engine, dir, jobs));
  });
}

// (packed paths, jobs)
Napi::Value IdentifyAll(const Napi::CallbackInfo& info, const Shared& environment) {
  Engine& engine = environment->Start(info.Env());
  const auto jobs = FromJs<uint32_t>(info[1]);
  return environment->Run(info.Env(), [&os = environment->os(), &engine, paths = Names(info[0]), jobs] {
    std::vector<Identified> found(paths.size());
    engine.ParallelFor(paths.size(), jobs, [&](size_t i) { found[i] = Identify(os, paths[i]); });
    return Give(Status::Ok(), std::move(found));
  });
}

// (state file, nanoseconds, word)
Napi::Value ForgetOne(const Napi::CallbackInfo& info, const Shared& environment) {
  const Time modified = TimeFrom(info[1]);
  return environment->Run(
      info.Env(),
      [&os = environment->os(), path = Bytes(info[0]), modified,
       word = ReadWord(info[2].As<Napi::Object>())]() -> Result { return Forget(os, path, modified, word); });
}

// (path)
Napi::Value KvTreeOf(const Napi::CallbackInfo& info, const Shared& environment) {
  return environment->Run(info.Env(), [&os = environment->os(), path = Bytes(info[0])] {
    KvTreeKeys tree;
    Status s = ReadKvTreeFile(os, path, &tree);
    return Give(std::move(s), std::move(tree));
  });
}

// (dir)
Napi::Value Describe(const Napi::CallbackInfo& info, const Shared& environment) {
  return environment->Run(info.Env(), [&os = environment->os(), dir = Bytes(info[0])] {
    FileSystem found;
    Status s = DescribeFileSystem(os, dir, &found);
    return Give(std::move(s), std::move(found));
  });
}

// (dir)
Napi::Value ProbeOne(const Napi::CallbackInfo& info, const Shared& environment) {
  return environment->Run(info.Env(), [&os = environment->os(), dir = Bytes(info[0])] {
    Probed probed;
    Status s = Probe(os, dir, &probed);
    return Give(std::move(s), std::move(probed));
  });
}

// An object that JavaScript makes one call of at a time.
Napi::Value ToObject(Napi::Env env, const Shared& environment, const std::shared_ptr<std::unique_ptr<Hold>>& hold) {
  Napi::Object object = Napi::Object::New(env);
  Define(object, "beat", [environment, hold](const Napi::CallbackInfo& info) -> Napi::Value {
    return environment->Run(info.Env(), [hold]() -> Result { return (*hold)->Beat(); });
  });
  Define(object, "release", [environment, hold](const Napi::CallbackInfo& info) -> Napi::Value {
    return environment->Run(info.Env(), [hold]() -> Result {
      hold->reset();
      return {};
    });
  });
  return object;
}

// (dir)
Napi::Value MakeHold(const Napi::CallbackInfo& info, const Shared& environment) {
  return environment->Run(info.Env(), [environment, dir = Bytes(info[0])]() -> Result {
    const auto hold = std::make_shared<std::unique_ptr<Hold>>();
    Status s = Hold::Make(environment->os(), dir, hold.get());
    return {std::move(s), [environment, hold](Napi::Env env) { return ToObject(env, environment, hold); }};
  });
}

// (dir, host, milliseconds)
Napi::Value LookForHold(const Napi::CallbackInfo& info, const Shared& environment) {
  const std::chrono::milliseconds patience(FromJs<int64_t>(info[2]));
  return environment->Run(info.Env(), [&os = environment->os(), dir = Bytes(info[0]), host = Bytes(info[1]), patience] {
    HoldSeen seen;
    Status s = SeeHold(os, dir, host, patience, &seen);
    return Give(std::move(s), std::move(seen));
  });
}

}  // namespace

void DefineUpkeep(Napi::Object exports, const std::shared_ptr<Environment>& environment) {
  const auto define = [&](const char* name, auto function) {
    Define(exports, name,
           [environment, function](const Napi::CallbackInfo& info) { return function(info, environment); });
  };
  define("findTemporaries", Temporaries);
  define("removeTemporaries", Remove);
  define("findStateFiles", InDirectory);
  define("identify", IdentifyAll);
  define("forget", ForgetOne);
  define("readKvTree", KvTreeOf);
  define("fileSystem", Describe);
  define("probe", ProbeOne);
  define("hold", MakeHold);
  define("seeHold", LookForHold);
}

}  // namespace axl
