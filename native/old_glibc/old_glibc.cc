// What the objects of the prebuilt addon ask of a glibc newer than 2.28, for systems that have 2.28 (RHEL 8): each
// function here stands in for glibc's own. It is linked into axl_prebuilt alone, where the linker prefers it;
// libstdc++.a and libgcc_eh.a ask for these, too. What is missing here shows in scripts/check-pack.mjs, which
// reads the versions of the binary.
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>

#if defined(__x86_64__)
#define OLDEST "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define OLDEST "GLIBC_2.17"
#else
#error "the first version of glibc's symbols on this machine has to be named here"
#endif

// glibc 2.34 moved these from libdl and libpthread to libc, under a new version. The old one has stayed.
#define UNDER_OLD_VERSION(result, name, parameters, arguments)                    \
  extern "C" __attribute__((visibility("default"))) result old_##name parameters; \
  asm(".symver old_" #name ", " #name "@" OLDEST);                                \
  extern "C" result name parameters { return old_##name arguments; }

#pragma GCC visibility push(hidden)

UNDER_OLD_VERSION(void*, dlopen, (const char* file, int mode) noexcept, (file, mode))
UNDER_OLD_VERSION(void*, dlsym, (void* __restrict handle, const char* __restrict name) noexcept, (handle, name))
UNDER_OLD_VERSION(char*, dlerror, () noexcept, ())
UNDER_OLD_VERSION(int, pthread_create,
                  (pthread_t* __restrict thread, const pthread_attr_t* __restrict attributes, void* (*start)(void*),
                   void* __restrict argument) noexcept,
                  (thread, attributes, start, argument))
UNDER_OLD_VERSION(int, pthread_join, (pthread_t thread, void** result), (thread, result))
UNDER_OLD_VERSION(int, pthread_detach, (pthread_t thread) noexcept, (thread))
UNDER_OLD_VERSION(int, pthread_once, (pthread_once_t * control, void (*routine)()), (control, routine))
UNDER_OLD_VERSION(int, pthread_key_create, (pthread_key_t * key, void (*destroy)(void*)) noexcept, (key, destroy))
UNDER_OLD_VERSION(int, pthread_key_delete, (pthread_key_t key) noexcept, (key))
UNDER_OLD_VERSION(void*, pthread_getspecific, (pthread_key_t key) noexcept, (key))
// The warning: glibc declares that it does not read what `value` points to.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
UNDER_OLD_VERSION(int, pthread_setspecific, (pthread_key_t key, const void* value) noexcept, (key, value))
#pragma GCC diagnostic pop

extern "C" {

/** By its presence libstdc++ knows that there are threads. */
int __pthread_key_create(pthread_key_t* key, void (*destroy)(void*)) { return old_pthread_key_create(key, destroy); }

/** False is always right: atomic operations then are atomic ones. */
char __libc_single_threaded = 0;

// Before glibc 2.33 these were macros of <sys/stat.h>. The kernel's structure is glibc's on 64-bit machines.
int fstatat(int directory, const char* __restrict path, struct stat* __restrict out, int flags) noexcept {
  return static_cast<int>(syscall(SYS_newfstatat, directory, path, out, flags));
}
int stat(const char* __restrict path, struct stat* __restrict out) noexcept { return fstatat(AT_FDCWD, path, out, 0); }
int lstat(const char* __restrict path, struct stat* __restrict out) noexcept {
  return fstatat(AT_FDCWD, path, out, AT_SYMLINK_NOFOLLOW);
}
int fstat(int fd, struct stat* out) noexcept { return static_cast<int>(syscall(SYS_fstat, fd, out)); }
int fstat64(int fd, struct stat64* out) noexcept { return static_cast<int>(syscall(SYS_fstat, fd, out)); }

/** For std::random_device. */
uint32_t arc4random() noexcept {
  uint32_t value = 0;
  while (getrandom(&value, sizeof value, 0) != sizeof value)
    if (errno != EINTR) abort();
  return value;
}

/**
 * glibc has it since 2.30. Before, a condition variable waits on the wall clock only: a clock that is set back prolongs
 * that one wait, as it did in every program of those systems. Callers look at their own clock again when it returns.
 */
int pthread_cond_clockwait(pthread_cond_t* __restrict condition, pthread_mutex_t* __restrict mutex, clockid_t clock,
                           const struct timespec* __restrict until) {
  using Clockwait = int (*)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const struct timespec*);
  static const auto real = reinterpret_cast<Clockwait>(old_dlsym(RTLD_DEFAULT, "pthread_cond_clockwait"));
  if (real != nullptr) return real(condition, mutex, clock, until);
  constexpr int64_t kSecond = 1'000'000'000;
  const auto nanoseconds = [](clockid_t which) {
    struct timespec now;
    clock_gettime(which, &now);
    return now.tv_sec * kSecond + now.tv_nsec;
  };
  const int64_t wall = until->tv_sec * kSecond + until->tv_nsec - nanoseconds(clock) + nanoseconds(CLOCK_REALTIME);
  const struct timespec on_the_wall = {wall / kSecond, wall % kSecond};
  return pthread_cond_timedwait(condition, mutex, &on_the_wall);
}

#if __GLIBC_PREREQ(2, 35)
/** Where the unwinding tables of the code at `pc` are: libgcc asks when an exception is thrown. */
int _dl_find_object(void* pc, struct dl_find_object* found) noexcept {
  struct Search {
    ElfW(Addr) pc;
    struct dl_find_object* found;
  } search = {reinterpret_cast<ElfW(Addr)>(pc), found};
  const auto visit = [](struct dl_phdr_info* info, size_t, void* closure) {
    auto& [at, out] = *static_cast<Search*>(closure);
    bool inside = false;
    void* tables = nullptr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
      const auto& header = info->dlpi_phdr[i];
      const ElfW(Addr) start = info->dlpi_addr + header.p_vaddr;
      if (header.p_type == PT_LOAD && at - start < header.p_memsz) inside = true;
      if (header.p_type == PT_GNU_EH_FRAME) tables = reinterpret_cast<void*>(start);
    }
    if (!inside || tables == nullptr) return 0;
    out->dlfo_eh_frame = tables;
    return 1;
  };
  return dl_iterate_phdr(visit, &search) == 1 ? 0 : -1;
}
#endif
}

#pragma GCC visibility pop
