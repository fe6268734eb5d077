// Compares paths only where hashes are equal.
#include "finalize/meeting.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace axl {

namespace {

bool IsToBePublished(const Case& c) {
  if (!c.publisher) return false;
  const TransferState& state = c.journal->state();
  return state.sealed && state.outcome == Outcome::kNone && state.AllDone();
}

// Places of those that seem to have a final path in common, the newer and the older of each two. By hashes: a thousand
// paths are not worth a table.
std::set<std::pair<uint32_t, uint32_t>> PairsOf(const std::vector<Case*>& in_order) {
  std::vector<std::pair<size_t, uint32_t>> claims;
  for (uint32_t place = 0; place < in_order.size(); place++) {
    if (!IsToBePublished(*in_order[place])) continue;
    for (const FileEntry& file : in_order[place]->journal->state().files)
      claims.emplace_back(std::hash<std::string>()(file.dest), place);
  }
  std::sort(claims.begin(), claims.end());
  std::set<std::pair<uint32_t, uint32_t>> pairs;
  for (size_t i = 0; i < claims.size(); i++)
    for (size_t j = i; j-- > 0 && claims[j].first == claims[i].first;)
      if (claims[i].second != claims[j].second) pairs.emplace(claims[i].second, claims[j].second);
  return pairs;
}

}  // namespace

std::vector<Case*> InOrderOfDispatch(std::span<Case> cases) {
  std::vector<Case*> all;
  for (Case& c : cases) all.push_back(&c);
  const auto open = std::stable_partition(all.begin(), all.end(), [](const Case* c) { return !c->publisher; });
  std::stable_sort(open, all.end(),
                   [](const Case* a, const Case* b) { return IsOlder(a->journal->state(), b->journal->state()); });
  return all;
}

std::vector<Record> Replacements(const TransferState& older, const TransferState& newer, bool* meet) {
  std::unordered_map<std::string_view, uint32_t> names;
  for (uint32_t id = 0; id < older.files.size(); id++) names.emplace(older.files[id].dest, id);
  std::vector<Record> replaces;
  *meet = false;
  for (uint32_t id = 0; id < newer.files.size(); id++) {
    const auto found = names.find(newer.files[id].dest);
    if (found == names.end()) continue;
    *meet = true;
    const Identity& temporary = older.progress[found->second].temporary;
    const auto said = newer.replaces.find(id);
    if (said == newer.replaces.end() || std::ranges::find(said->second, temporary) == said->second.end())
      replaces.emplace_back(ReplacesRecord{id, temporary});
  }
  return replaces;
}

void RefuseSharedByAxl(std::span<Case> cases) {
  std::unordered_map<std::string_view, Case*> names;
  std::map<Case*, std::string> shared;
  for (Case& c : cases) {
    if (!c.publisher || !c.journal->is_axl()) continue;
    const TransferState& state = c.journal->state();
    if (!state.sealed || state.info.axl.completed) continue;
    for (const FileEntry& file : state.files) {
      const auto [known, added] = names.emplace(file.dest, &c);
      if (!added) shared.emplace(known->second, file.dest), shared.emplace(&c, file.dest);
    }
  }
  for (const auto& [c, path] : shared) {
    c->Set(
        Action::kFailed,
        Status::Make(
            Code::kConflict,
            "two state files of AXL have this destination, and AXL gives both the same temporary name, so that nobody "
            "can tell whose file it is: give the newer one alone, or move the other away",
            path));
    c->publisher.reset();
  }
}

std::vector<Meeting> LetReplace(const std::vector<Case*>& in_order) {
  std::vector<Meeting> meetings;
  Status s;
  for (const auto& [newer, older] : PairsOf(in_order)) {
    Journal& journal = *in_order[newer]->journal;
    bool meet;
    std::vector<Record> replaces = Replacements(in_order[older]->journal->state(), journal.state(), &meet);
    if (meet) meetings.push_back({older, newer});
    if (s.ok() && !replaces.empty()) s = journal.AppendDurably(replaces);
  }
  if (s.ok()) return meetings;
  for (const Meeting& meeting : meetings)
    for (uint32_t place : {meeting.older, meeting.newer}) {
      in_order[place]->Set(Action::kFailed, s);
      in_order[place]->publisher.reset();
    }
  return {};
}

}  // namespace axl
