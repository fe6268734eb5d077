// Opens the state files of a batch, locked, if they are what the caller takes them for. Decides nothing.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/budget.h"
#include "finalize/policy.h"
#include "journal/axl_file.h"
#include "journal/journal.h"
#include "os/os.h"
#include "publish/publisher.h"

namespace axl {

// One state file. `result` says what is known of it, and why it could not be opened.
struct Case {
  Finalized result;
  Uuid surveyed{};  // zeros: any
  std::unique_ptr<Journal> journal;
  std::unique_ptr<Publisher> publisher;  // there if it is open
  Budget::Share share;                   // of the bytes of its state file
  std::vector<Left> left = {};           // of what it retires, that which stays
  bool publish = false;                  // renamed, and to be made durable with the others
  Action ends = Action::kPublished;      // then
  bool removed = false;                  // an entry of the state directory was removed: to be made durable

  bool IsDraft() const;
  void Set(Action action, Status why = {});
  // What the journal says, in the result.
  void Describe();
  // Closes it.
  void Close();
};

// `surveyed`: empty, or one for each path.
std::vector<Case> CasesOf(const std::vector<std::string>& paths, const std::vector<Uuid>& surveyed);

class Opening {
 public:
  // The directories of `cases` stay open as long as this does.
  Opening(Os& os, const Policy& policy, const std::vector<Case>& cases, bool adopt = false);
  // Waits until there is room for what Open reads of the first case, or of all if they are to stay together. How many
  // there is room for. REQUIRES: the caller has none open.
  size_t Admit(std::span<Case> cases) const;
  // False: not opened, and the result says why.
  bool Open(Case* c, DirectoryCache* cache);

 private:
  uint64_t SizeOf(const Case& c) const;
  int DirectoryOf(const std::string& state_file) const;
  Status CheckRoots(const TransferState& state) const;
  Status LookAtFiles(Journal* journal, DirectoryCache* cache, std::vector<Publisher::Looked>* looked) const;

  Os& os_;
  const Policy& policy_;
  const bool adopt_;
  std::map<std::string, Fd, std::less<>> state_dirs_;
  RealPaths real_paths_{os_};
};

// Something else of that name, or nothing any more: none of our business.
Action OfOpenFailure(const Status& s, bool recognized);

}  // namespace axl
