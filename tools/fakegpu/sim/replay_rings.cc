// SPDX-License-Identifier: MIT
#include "sim/replay_rings.h"

#include <algorithm>
#include <utility>

#include "sched/policy.h"

namespace fakegpu::sim {

namespace {

constexpr uint32_t kRingTypes = 3;

}  // namespace

base::Result<ReplayRings> ReplayRings::create(const Script& script, const ReplaySettings& settings,
                                              ReplayStage& stage, fence::Contexts& contexts,
                                              base::Tracer& tracer) {
  ReplayRings all;
  const auto add = [&](const ScriptRing& ring) -> base::Result<> {
    auto policy = sched::make_policy(settings.policy.empty() ? ring.policy : settings.policy);
    if (!policy) return tl::unexpected(std::move(policy).error());
    const auto index = static_cast<uint32_t>(all.size());
    sched::SchedulerOptions options;
    options.name = fmt::format("ring{}", index);
    options.credit_limit = settings.credits.value_or(ring.credits);
    options.depth = settings.depth.value_or(ring.depth);
    all.rings_.push_back(std::make_unique<ReplayRing>(stage, index, std::move(options),
                                                      std::move(*policy), contexts, tracer));
    all.types_.push_back(ring.type);
    return {};
  };
  std::vector<uint32_t> first(kRingTypes, kNone);
  all.choices_.resize(script.rings.size());
  for (uint32_t recorded = 0; recorded < script.rings.size(); ++recorded) {
    const ScriptRing& ring = script.rings[recorded];
    const auto& asked = settings.rings[ring.type];
    all.as_recorded_.push_back(!asked &&
                               (settings.policy.empty() || settings.policy == ring.policy));
    std::vector<uint32_t>& choices = all.choices_[recorded];
    if (asked && first[ring.type] != kNone) {
      choices = all.choices_[first[ring.type]];
      continue;
    }
    first[ring.type] = recorded;
    for (uint32_t i = 0; i < asked.value_or(1); ++i) {
      choices.push_back(static_cast<uint32_t>(all.size()));
      FAKEGPU_TRY(add(ring));
    }
  }
  for (const ScriptEntity& entity : script.entities)
    if (all.choices_[entity.ring].empty())
      return base::fail(EINVAL, "the recording needs a ring of type {}",
                        script.rings[entity.ring].type);
  return all;
}

std::vector<sched::Scheduler*> ReplayRings::schedulers_for(uint32_t recorded) const {
  std::vector<sched::Scheduler*> schedulers;
  for (const uint32_t ring : choices_[recorded]) schedulers.push_back(&rings_[ring]->scheduler());
  return schedulers;
}

uint32_t ReplayRings::index_of(const sched::Scheduler* scheduler) const {
  const auto found = std::ranges::find_if(
      rings_, [scheduler](const auto& ring) { return &ring->scheduler() == scheduler; });
  return (*found)->index();
}

void ReplayRings::settle() {
  for (size_t i = 0; i < rings_.size();) {
    if (!rings_[i]->kicked()) {
      ++i;
      continue;
    }
    rings_[i]->pump();
    i = 0;
  }
}

std::optional<Nanos> ReplayRings::next_end() const {
  std::optional<Nanos> next;
  for (const auto& ring : rings_)
    if (const auto due = ring->due(); due && (!next || *due < *next)) next = due;
  return next;
}

void ReplayRings::end_jobs(Nanos now) {
  for (const auto& ring : rings_)
    while (ring->due() && *ring->due() <= now) ring->complete();
}

void ReplayRings::done(uint32_t job, Nanos now) {
  for (const auto& ring : rings_) {
    if (!ring->executes(job)) continue;
    if (ring->due() == now) ring->complete();
    return;
  }
}

}  // namespace fakegpu::sim
