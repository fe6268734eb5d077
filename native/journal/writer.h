// Encodes the records of a state file into bytes. No I/O. Which fields a record has: record_values.h.
#pragma once

#include <string>

#include "base/record.h"
#include "journal/record_values.h"

namespace axl {

class JournalWriter {
 public:
  JournalWriter(const Uuid& uuid, uint32_t next_sequence) : uuid_(uuid), sequence_(next_sequence) {}

  static std::string Header(const Uuid& uuid);

  void Write(const Record& record);

  // The encoded records.
  const std::string& bytes() const { return out_; }
  uint32_t sequence() const { return sequence_; }
  // Has every record a length that a reader takes?
  bool fits() const { return fits_; }

 private:
  Uuid uuid_;
  uint32_t sequence_;
  std::string out_;
  bool fits_ = true;
};

}  // namespace axl
