#include "calls.h"

#include <sys/syscall.h>

#include <algorithm>

#ifndef __NR_faccessat2
#define __NR_faccessat2 439
#endif
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif

namespace axl::faults {
namespace {

#define AXL_CALL(name, operands) \
  { __NR_##name, #name, operands }

constexpr Call kCalls[] = {
    AXL_CALL(openat, "dp"),     AXL_CALL(openat2, "dp"),    AXL_CALL(close, "f"),
    AXL_CALL(read, "f"),        AXL_CALL(pread64, "f"),     AXL_CALL(readv, "f"),
    AXL_CALL(preadv, "f"),      AXL_CALL(write, "f"),       AXL_CALL(pwrite64, "f"),
    AXL_CALL(writev, "f"),      AXL_CALL(pwritev, "f"),     AXL_CALL(copy_file_range, "f.f"),
    AXL_CALL(sendfile, "ff"),   AXL_CALL(lseek, "f"),       AXL_CALL(fallocate, "f"),
    AXL_CALL(truncate, "p"),    AXL_CALL(ftruncate, "f"),   AXL_CALL(fsync, "f"),
    AXL_CALL(fdatasync, "f"),   AXL_CALL(syncfs, "f"),      AXL_CALL(sync_file_range, "f"),
    AXL_CALL(fstat, "f"),       AXL_CALL(newfstatat, "dp"), AXL_CALL(statx, "dp"),
    AXL_CALL(statfs, "p"),      AXL_CALL(fstatfs, "f"),     AXL_CALL(faccessat, "dp"),
    AXL_CALL(faccessat2, "dp"), AXL_CALL(readlinkat, "dp"), AXL_CALL(getdents64, "f"),
    AXL_CALL(flock, "f"),       AXL_CALL(renameat, "dpdp"), AXL_CALL(renameat2, "dpdp"),
    AXL_CALL(linkat, "dpdp"),   AXL_CALL(symlinkat, ".dp"), AXL_CALL(unlinkat, "dp"),
    AXL_CALL(mkdirat, "dp"),    AXL_CALL(fchmod, "f"),      AXL_CALL(fchmodat, "dp"),
    AXL_CALL(fchmodat2, "dp"),  AXL_CALL(fchown, "f"),      AXL_CALL(fchownat, "dp"),
    AXL_CALL(utimensat, "dp"),  AXL_CALL(getxattr, "p"),    AXL_CALL(lgetxattr, "p"),
    AXL_CALL(fgetxattr, "f"),   AXL_CALL(listxattr, "p"),   AXL_CALL(llistxattr, "p"),
    AXL_CALL(flistxattr, "f"),  AXL_CALL(setxattr, "p"),    AXL_CALL(lsetxattr, "p"),
    AXL_CALL(fsetxattr, "f"),
#ifdef __x86_64__  // younger architectures never had these
    AXL_CALL(open, "p"),        AXL_CALL(creat, "p"),       AXL_CALL(stat, "p"),
    AXL_CALL(lstat, "p"),       AXL_CALL(access, "p"),      AXL_CALL(readlink, "p"),
    AXL_CALL(rename, "pp"),     AXL_CALL(link, "pp"),       AXL_CALL(symlink, ".p"),
    AXL_CALL(unlink, "p"),      AXL_CALL(mkdir, "p"),       AXL_CALL(rmdir, "p"),
    AXL_CALL(chmod, "p"),       AXL_CALL(chown, "p"),       AXL_CALL(lchown, "p"),
    AXL_CALL(utimes, "p"),      AXL_CALL(futimesat, "dp"),
#endif
};

#undef AXL_CALL

template <class Matches>
const Call* FindIf(Matches matches) {
  const Call* found = std::ranges::find_if(kCalls, matches);
  return found == std::end(kCalls) ? nullptr : found;
}

}  // namespace

std::span<const Call> AllCalls() { return kCalls; }

const Call* FindCall(long number) {
  return FindIf([&](const Call& call) { return call.number == number; });
}

const Call* FindCall(std::string_view name) {
  return FindIf([&](const Call& call) { return call.name == name; });
}

}  // namespace axl::faults
