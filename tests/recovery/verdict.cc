// SPDX-License-Identifier: MIT
#include "verdict.h"

#include "party.h"

namespace fakegpu::tests {

namespace {

// When the ring came to a stand; 0: it did not.
Order stood(const Episode& episode, unsigned ring) {
  const std::string_view name = ring_name(ring);
  for (size_t i = 0; i < episode.steps.size(); ++i) {
    const std::string& step = episode.steps[i];
    if (step == "soft recovery") continue;
    const bool compute = name.starts_with("comp") && episode.ring.starts_with("comp");
    if (step == "GPU reset" || name == episode.ring || (step == "engine reset" && compute))
      return episode.step_orders[i];
  }
  return 0;
}

bool begins_after(const Tracked& job, const Episode& episode) {
  return job.run == 0 || job.run > episode.end;
}

}  // namespace

bool was_reset(const Episode& episode, const Tracked& job) {
  const Order stand = stood(episode, job.ring);
  return stand != 0 && job.run != 0 && job.run < episode.end && job.done > stand;
}

Verdict judge(const Cell& cell, const std::vector<Episode>& episodes, const Tracked& job, Role role,
              bool hit) {
  const bool guilty = expected_guilty(cell);
  for (const Episode& episode : episodes) {
    const bool last = &episode == &episodes.back();
    const std::string& step = episode.steps.back();
    const bool reset = was_reset(episode, job);
    const bool behind = ring_name(job.ring) == episode.ring;
    if (episode.wedged) {
      if (role == Role::kCulprit) return {-ETIME};
      if (reset || begins_after(job, episode)) return {-ENODEV, reset && !behind};
      continue;
    }
    const bool refused = role != Role::kInnocent && guilty && last && begins_after(job, episode);
    if (step == "soft recovery") {
      if (role == Role::kCulprit) return {-ENODATA};
      if (refused) return {-ECANCELED};
      continue;
    }
    const bool lost = cell.failing == Failing::kVramLoss && step == "GPU reset";
    const bool cancels = cell.policy == Policy::kCancelAll || cell.policy == Policy::kAs612;
    const bool blamed = cancels || cell.policy == Policy::kReemitInnocent || (guilty && last);
    if (role == Role::kCulprit && blamed)
      return {cell.policy == Policy::kAs612 ? -ECANCELED : -ETIME};
    if (refused) return {-ECANCELED};
    if (lost && (reset || begins_after(job, episode))) return {-ECANCELED, reset && !behind};
    if (cancels && reset) return {-ECANCELED, !behind};
    if (cancels && hit && begins_after(job, episode)) return {-ECANCELED};
    if (role == Role::kSameContext && blamed && reset) return {-ECANCELED, !behind};
  }
  return {};
}

}  // namespace fakegpu::tests
