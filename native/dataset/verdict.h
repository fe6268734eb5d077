// What was decided about a dataset, and its bytes: see docs/state-format.md, "Verdict files". No I/O: home.h has it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/record.h"

namespace axl {

// In phases: no rank is published further than the phase after the one that all ranks have behind them.
enum class Decision : uint8_t { kPublish = 1, kRollBack = 2, kPublishInPhases = 3 };

// Whom a verdict is about.
enum class Scope : uint8_t {
  kListed = 1,      // these transfers
  kEveryone,        // every transfer of the dataset: its ranks have agreed, and its id is never used again
  kEveryoneAtHome,  // so, and all their state files are in the home
};

struct Verdict {
  struct Listed {
    Uuid uuid{};
    std::string state_file;  // the name in the home; elsewhere the absolute path
  };

  Decision decision = Decision::kPublish;
  Scope scope = Scope::kListed;
  Uuid dataset{};
  std::string name;  // of the dataset
  uint32_t size = 0;
  std::vector<Listed> transfers;

  bool Concerns(const Uuid& transfer) const;
};

std::string EncodeVerdict(const Verdict& verdict);
// False: it is something else, or was changed.
bool DecodeVerdict(std::string_view bytes, Verdict* verdict);

}  // namespace axl
