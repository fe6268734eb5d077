// Evidence that a writer is dead: its process is gone, which the same kernel says; a lock that would have kept us out;
// or the caller's word. Without one of these nobody knows.
#include "journal/liveness.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "base/names.h"
#include "journal/heartbeat.h"
#include "os/locks.h"
#include "os/metadata.h"
#include "os/process.h"

namespace axl {
namespace {

constexpr auto kQuiet = std::chrono::milliseconds(100);

bool IsCovered(const Word& word, const TransferInfo& info) {
  return word.job_ended || (!info.host.empty() && std::find(word.dead_hosts.begin(), word.dead_hosts.end(),
                                                            info.host) != word.dead_hosts.end());
}

// Would the writer's lock have kept us out?
bool Reaches(LockReach reach, const TransferInfo& info) {
  if (reach == LockReach::kEverybody) return true;
  return reach == LockReach::kThisHost && (IsThisBoot(info) || (!info.host.empty() && info.host == HostName()));
}

// A lock may outlive the host of whoever had it, until the servers notice. Not on a file system of this kernel, and not
// if a process here has it; and the writer must not be seen to write.
bool IsLeftBehind(Os& os, int fd) {
  struct stat before, after;
  if (LocksOf(os, fd).reach == LockReach::kThisHost) return false;
  if (os.Fstat(fd, &before) < 0 || IsLockedHere(before)) return false;
  std::this_thread::sleep_for(kQuiet);
  return os.Fstat(fd, &after) == 0 && after.st_size == before.st_size &&
         TimeOf(after.st_mtim) == TimeOf(before.st_mtim);
}

// Quiet for three beats, if it beats.
bool IsSilent(const TransferInfo& info, const struct stat& st, const std::string& path) {
  if (info.heartbeat_ms == 0) return false;
  return Silences::OfThisProcess().IsDead(path, st, info.heartbeat_ms, Silences::Clock::now());
}

std::string OrWait(const TransferInfo& info) {
  if (info.heartbeat_ms == 0) return "";
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(Silences::Wanted(info.heartbeat_ms)).count();
  return ", or --wait " + std::to_string(seconds + seconds / 10) + ", in which its heartbeat is heard if it is alive";
}

Alive Unknown(const TransferInfo& info, const std::string& why, const std::string& path) {
  const bool here = IsThisBoot(info);
  const std::string where = info.host.empty() ? "a host that is not named" : "host " + info.host;
  const std::string writer = IsWriting(info, {}, false) == Answer::kYes ? "process " + std::to_string(info.pid)
                             : here ? "a process of another container (pid namespace)"
                                    : "a process on " + where;
  const std::string remedy =
      here || info.host.empty()
          ? "when the job is over, use --job-ended"
          : "when that host is down or the job is over, use --writer-dead " + info.host + " or --job-ended";
  return {Answer::kCannotTell,
          Status::Make(Code::kStateLocked,
                       "its writer, " + writer + ", may be alive, and " + why + ": " + remedy + OrWait(info), path)};
}

Alive UnknownOfAxl(const std::string& path) {
  return {Answer::kCannotTell,
          Status::Make(Code::kStateLocked,
                       "a state file of the C library AXL names no process, and AXL takes no lock, so nobody can tell "
                       "whether it is in use: when the job is over, use --job-ended",
                       path)};
}

}  // namespace

Locked ToLocked(int result) {
  if (result == 0) return Locked::kGranted;
  return result == -EWOULDBLOCK ? Locked::kHeld : Locked::kNone;
}

Alive IsAlive(Os& os, int fd, Locked locked, const TransferInfo& info, const Word& word, const std::string& path) {
  const Alive dead = {Answer::kNo, {}};
  const Alive alive = {Answer::kYes,
                       Status::Make(Code::kStateLocked, "its writer is alive, or a finalizer is at work on it", path)};
  if (locked == Locked::kHeld) return IsCovered(word, info) && IsLeftBehind(os, fd) ? dead : alive;
  if (info.axl.is) return word.job_ended ? dead : UnknownOfAxl(path);
  if (HasEnded(info)) return dead;  // the usual case, in which nothing else is asked
  const bool granted = locked == Locked::kGranted;
  struct stat st = {};
  const bool looked = os.Fstat(fd, &st) == 0;
  const LockDomain domain = LocksOf(os, fd);
  const bool numbered = domain.reach == LockReach::kThisHost;
  const Answer process = IsWriting(info, {BaseOf(path), numbered ? st.st_dev : 0, st.st_ino}, granted);
  if (process != Answer::kCannotTell) return process == Answer::kNo ? dead : alive;
  if (IsCovered(word, info)) return dead;
  if (granted && Reaches(domain.reach, info)) return dead;
  if (looked && IsSilent(info, st, path)) return dead;
  return Unknown(info, "locks of this file system (" + domain.type + (granted ? "" : ", none") + ") do not tell", path);
}

Alive IsWriterOfCopyAlive(const TransferInfo& info, const Word& word, const std::string& path) {
  if (IsWriting(info, {}, false) == Answer::kNo || IsCovered(word, info)) return {Answer::kNo, {}};
  return Unknown(info, "the lock of a copy tells nothing", path);
}

}  // namespace axl
