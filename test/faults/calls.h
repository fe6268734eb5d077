// The system calls that the injector watches: their numbers here, their names, and where their arguments name files.
#pragma once

#include <span>
#include <string_view>

namespace axl::faults {

struct Call {
  long number;
  std::string_view name;
  // A letter for each argument: p a path, d the directory that the path after it starts from, f a descriptor, .
  // neither.
  std::string_view operands;
};

std::span<const Call> AllCalls();
// nullptr if it is none of them.
const Call* FindCall(long number);
const Call* FindCall(std::string_view name);

}  // namespace axl::faults
