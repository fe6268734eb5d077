// While one of these lives, no thread can be started: each would have a stack larger than all memory.
#pragma once

#include <pthread.h>

#include "test.h"

namespace axl::test {

class NoThreads {
 public:
  NoThreads() {
    pthread_attr_t attributes;
    REQUIRE(pthread_getattr_default_np(&attributes) == 0);
    REQUIRE(pthread_attr_getstacksize(&attributes, &stack_) == 0);
    SetStack(size_t{1} << 47);
  }
  ~NoThreads() { SetStack(stack_); }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  static void SetStack(size_t size) {
    pthread_attr_t attributes;
    CHECK(pthread_getattr_default_np(&attributes) == 0);
    CHECK(pthread_attr_setstacksize(&attributes, size) == 0);
    CHECK(pthread_setattr_default_np(&attributes) == 0);
  }
  size_t stack_ = 0;
};

}  // namespace axl::test
