// What state files may say and this program does not do. Such a transfer is left alone: see docs/state-format.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/record.h"
#include "base/status.h"

namespace axl {

enum class Need : uint32_t {
  kBackend = 1 << 0,
  kUri = 1 << 1,
  kStaged = 1 << 7,
  kDirection = 1 << 8,
  kVendor = 1 << 12,
};

// What a mover has said of one of its jobs. A job of which it has said nothing may run.
struct JobAnswer {
  std::string mover, token;
  bool runs = false;
};
using JobAnswers = std::vector<JobAnswer>;

// Ok if this program can go on with the transfer. kStateLocked: a mover has said that it still runs. kUnavailable:
// another backend, or a job of which no answer says that it has ended. kNotSupported: anything else. With the sentence
// that says what.
Status CheckNeeds(const TransferState& state, const JobAnswers& answers = {});

// The jobs of movers that may run: until it is settled. Our own threads end with the process.
std::vector<Submitted> OpenJobs(const TransferState& state);

}  // namespace axl
