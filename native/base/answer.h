// The answer to a question of which nothing may depend that is not known: who is alive, what is the same, what is not
// there. What cannot be told deletes nothing, publishes nothing and decides nothing.
#pragma once

#include <cstdint>

namespace axl {

enum class Answer : uint8_t { kNo = 0, kYes = 1, kCannotTell = 2 };

}  // namespace axl
