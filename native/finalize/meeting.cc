#include "finalize/meeting.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

namespace axl {

namespace {

// A transfer, by its place in the order, goes to a final path.
struct Claim {
  size_t path;  // hashed: a thousand paths are not worth a table
  uint32_t place;
  uint32_t file;
  friend auto operator<=>(const Claim&, const Claim&) = default;
};

bool IsToBePublished(const Case& c) {
  if (!c.publisher) return false;
  const TransferState& state = c.journal->state();
  return state.sealed && state.outcome == Outcome::kNone && state.AllDone();
}

std::vector<Claim> ClaimsOf(const std::vector<Case*>& in_order) {
  std::vector<Claim> claims;
  for (uint32_t place = 0; place < in_order.size(); place++) {
    if (!IsToBePublished(*in_order[place])) continue;
    const auto& files = in_order[place]->journal->state().files;
    for (uint32_t file = 0; file < files.size(); file++)
      claims.push_back({std::hash<std::string>()(files[file].dest), place, file});
  }
  std::sort(claims.begin(), claims.end());
  return claims;
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

std::vector<Record> Replacements(const TransferState& older, const TransferState& newer) {
  std::unordered_map<std::string_view, uint32_t> names;
  for (uint32_t id = 0; id < older.files.size(); id++) names.emplace(older.files[id].dest, id);
  std::vector<Record> replaces;
  for (uint32_t id = 0; id < newer.files.size(); id++)
    if (const auto found = names.find(newer.files[id].dest); found != names.end())
      replaces.emplace_back(ReplacesRecord{id, older.progress[found->second].temporary});
  return replaces;
}

std::vector<Meeting> LetReplace(const std::vector<Case*>& in_order) {
  const std::vector<Claim> claims = ClaimsOf(in_order);
  const auto state = [&](const Claim& c) -> const TransferState& { return in_order[c.place]->journal->state(); };
  std::map<uint32_t, std::vector<Record>> replaces;  // by place
  std::vector<Meeting> meetings;
  for (size_t i = 0; i < claims.size(); i++)
    for (size_t j = i; j-- > 0 && claims[j].path == claims[i].path;) {
      const Claim &older = claims[j], &newer = claims[i];
      if (state(older).files[older.file].dest != state(newer).files[newer.file].dest) continue;
      replaces[newer.place].emplace_back(ReplacesRecord{newer.file, state(older).progress[older.file].temporary});
      meetings.push_back({older.place, newer.place});
    }
  Status s;
  for (auto& [place, records] : replaces)
    if (s.ok()) s = in_order[place]->journal->AppendDurably(records);
  if (s.ok()) return meetings;
  for (const Meeting& meeting : meetings)
    for (uint32_t place : {meeting.older, meeting.newer}) {
      in_order[place]->Set(Action::kFailed, s);
      in_order[place]->publisher.reset();
    }
  return {};
}

}  // namespace axl
