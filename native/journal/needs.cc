// The table of what is recorded and not acted on. A release that can do one of these takes its line out.
#include "journal/needs.h"

#include <string>

namespace axl {

namespace {

constexpr std::string_view kThreads = "threads";  // our own: they end with the process

struct Sentence {
  Need need;
  const char* text;
};

constexpr Sentence kSentences[] = {
    {Need::kUri, "a path is a URI of a store"},
    {Need::kStaged, "files are staged in a store"},
    {Need::kDirection, "a store has begun to abort it"},
};

// Cannot tell is never taken for ended.
Status CheckJob(const Submitted& job, const JobAnswers& answers) {
  for (const JobAnswer& answer : answers)
    if (answer.mover == job.mover && answer.token == job.token)
      return answer.runs ? Status::Make(Code::kStateLocked, "\"" + job.mover + "\" still moves its bytes")
                         : Status::Ok();
  return Status::Make(Code::kUnavailable, "its bytes are moved by \"" + job.mover +
                                              "\", and nobody here can tell whether that has ended: finalize it where "
                                              "that mover is");
}

}  // namespace

std::vector<Submitted> OpenJobs(const TransferState& state) {
  std::vector<Submitted> jobs;
  for (const Submitted& job : state.submitted)
    if (!state.settled && job.mover != kThreads) jobs.push_back(job);
  return jobs;
}

Status CheckNeeds(const TransferState& state, const JobAnswers& answers) {
  if (state.needs & static_cast<uint32_t>(Need::kBackend))
    return Status::Make(Code::kUnavailable,
                        "its backend is \"" + state.info.backend +
                            "\", which this release does not know: finalize it with the release that wrote it");
  if (state.needs & static_cast<uint32_t>(Need::kVendor))
    return Status::Make(Code::kUnavailable,
                        "AXL has given its bytes to \"" + state.info.backend +
                            "\", which may still move them: it needs the vendor's tool, or the program that wrote it");
  for (const Submitted& job : OpenJobs(state))
    if (Status s = CheckJob(job, answers); !s.ok()) return s;
  for (const auto& [need, text] : kSentences)
    if (state.needs & static_cast<uint32_t>(need))
      return Status::Make(
          Code::kNotSupported,
          std::string(text) + ", which this release cannot do: finalize it with the release that wrote it");
  return Status::Ok();
}

}  // namespace axl
