// Part of Journal: a state file of AXL. It is locked and read as ours are, and no byte of it is ever written. What was
// done is told by the destinations, from which the next run finds out again what we did.
#include <utility>

#include "journal/apply.h"
#include "journal/axl_file.h"
#include "journal/journal.h"

namespace axl {

Status Journal::ReadAxl() {
  RealPaths own(os_);
  Status s = ReplayAxl(os_, fd_.get(), size_, sources_, real_paths_ ? real_paths_ : &own, &replay_, &recognized_);
  s.path = path_;
  end_ = durable_ = replay_.valid_bytes;
  return s;
}

Status Journal::ApplyOnly(std::span<Record> records) {
  for (Record& r : records)
    if (const char* broken = Apply(std::move(r), &replay_.state))
      return Poison(Status::Make(Code::kStateCorrupt, std::string("a fault of this program: ") + broken, path_));
  return Status::Ok();
}

}  // namespace axl
