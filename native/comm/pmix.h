// The client of PMIx, the interface of mpirun and srun --mpi=pmix to their ranks. Its library is loaded when first
// asked for, so that nothing depends on it; what of its stable ABI is needed is declared in pmix.cc. Knows neither Node
// nor a transfer.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace axl {

// What a call came to.
struct PmixAnswer {
  std::string problem;  // empty, or a sentence of the library
  uint32_t rank = 0;
  uint32_t size = 0;
  bool all = false;
  std::string text = {};   // what rank 0 shared
  int64_t elsewhere = -1;  // a rank that has answered another question than rank 0
};

// One for a process, and never destroyed. The library's calls block until all ranks have made them, or for ever, so
// they run one after the other on a thread of their own, which nobody joins: a process can end while it is in one of
// them.
class Pmix {
 public:
  using Done = std::function<void(const PmixAnswer&)>;   // on that thread
  using Lost = std::function<void(const std::string&)>;  // on a thread of the library; may come at any time, often

  // On failure, also where no thread can be started: nullptr, and why. The first that succeeds counts for the process.
  // From one thread.
  static Pmix* Load(const std::string& library, std::string* problem);

  // REQUIRES nothing before it but Load. `lost` hears that the server or a rank has gone.
  void Open(Lost lost, Done done);
  // REQUIRES an Open that succeeded, as Barrier and Close do. Every rank makes the same calls; `call` is new in each.
  // `question`, below 2^31, is the same on all ranks, or the answers do not count.
  void AllTrue(uint32_t call, bool mine, uint32_t question, Done done);
  // What rank 0 gives, on all ranks; otherwise as AllTrue.
  void Share(uint32_t call, std::string text, uint32_t question, Done done);
  void Barrier(Done done);
  void Close(Done done);

 private:
  Pmix() = default;
};

}  // namespace axl
