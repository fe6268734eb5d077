// What a fuzz target calls when a property does not hold: it says which, and ends the process so that the fuzzer keeps
// the input.
#pragma once

#include <cstdio>
#include <cstdlib>

#define PROPERTY(x)                                                               \
  do {                                                                            \
    if (!(x)) {                                                                   \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #x); \
      std::abort();                                                               \
    }                                                                             \
  } while (false)
