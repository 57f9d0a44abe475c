// SPDX-License-Identifier: MIT
#include "aftermath.h"

#include <algorithm>

namespace fakegpu::drv {

namespace {

bool is_culprit(const SubmitJob& job, const Aftermath& after) {
  return std::ranges::any_of(after.culprits,
                             [&](const auto& culprit) { return culprit.get() == &job; });
}

bool is_of_a_culprits_context(const SubmitJob& job, const Aftermath& after) {
  return std::ranges::any_of(
      after.culprits, [&](const auto& culprit) { return &culprit->context() == &job.context(); });
}

Fate failed(int error) {
  return {.error = error};
}

bool always(const SubmitJob&, const Aftermath&) {
  return true;
}

Fate reemit_innocent(const SubmitJob& job, const Aftermath& after) {
  if (is_culprit(job, after)) return failed(-ETIME);
  if (after.vram_lost || is_of_a_culprits_context(job, after)) return failed(-ECANCELED);
  // With each culprit a context is gone that could hang the ring, so this comes to an end. Without
  // one it might not.
  if (after.culprits.empty() && job.emissions() > 1) return failed(-ECANCELED);
  return {.reemit = true};
}

bool over_the_limit(const SubmitJob& culprit, const Aftermath& after) {
  return after.vram_lost || culprit.karma() > after.hang_limit;
}

Fate karma(const SubmitJob& job, const Aftermath& after) {
  Aftermath blamed{.vram_lost = after.vram_lost, .hang_limit = after.hang_limit};
  for (const auto& culprit : after.culprits)
    if (over_the_limit(*culprit, after)) blamed.culprits.push_back(culprit);
  // Karma counts, so that a culprit that gets another chance is progress, too.
  if (blamed.culprits.empty() && !after.culprits.empty() && !after.vram_lost)
    return {.reemit = true};
  return reemit_innocent(job, blamed);
}

Fate cancel_all(const SubmitJob& job, const Aftermath& after) {
  return {.error = is_culprit(job, after) ? -ETIME : -ECANCELED, .ends_context = true};
}

constexpr AftermathPolicy kPolicies[] = {
    {"reemit-innocent", always, reemit_innocent},
    {"karma", over_the_limit, karma},
    {"cancel-all", always, cancel_all},
};

}  // namespace

std::span<const AftermathPolicy> aftermath_policies() {
  return kPolicies;
}

base::Result<const AftermathPolicy*> find_aftermath_policy(std::string_view name) {
  const auto found = std::ranges::find(kPolicies, name, &AftermathPolicy::name);
  if (found == std::end(kPolicies)) return base::fail(EINVAL, "no recovery policy \"{}\"", name);
  return found;
}

}  // namespace fakegpu::drv
