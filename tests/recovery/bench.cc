// SPDX-License-Identifier: MIT
#include "bench.h"

#include <algorithm>

#include <fmt/format.h>

namespace fakegpu::tests {

namespace {

using base::kNanosPerMilli;
using base::kNanosPerSecond;
constexpr uint64_t kAlways = base::FaultInjector::kAlways;

drv::Options options_for(Policy policy) {
  drv::Options options;
  constexpr base::Nanos kTimeout = 100 * kNanosPerMilli;
  options.lockup_timeout = {kTimeout, kTimeout, kTimeout};
  options.hw_submission = 6;
  if (policy == Policy::kAs612) {
    options.as_6_12 = true;
  } else {
    options.recovery = name(policy);
  }
  // Every cell soon passes what 32 bits hold.
  options.first_emission = 0xffff'fffd;
  return options;
}

}  // namespace

Bench::Bench(Policy policy)
    : machine_(1, options_for(policy), recovery_profile(), &watch_),
      guilty_(machine_, watch_),
      innocent_(machine_, watch_) {}

void Bench::check(bool condition, std::string_view what) {
  if (!condition) watch_.broken() += fmt::format("{}\n", what);
}

void Bench::inject(const base::FaultSpec& spec) {
  EXPECT_TRUE(faults().inject(spec));
}

uint32_t Bench::context_of(Party& party) {
  contexts_.emplace_back(&party, party.new_context());
  return contexts_.back().second;
}

Tracked* Bench::add(Party& party, Role role, Party::Request request) {
  int refusal = 0;
  Tracked* job = party.submit(request, &refusal);
  if (job) {
    members_.push_back({job, &party, role});
  } else {
    check(false, fmt::format("submission refused: {}", refusal));
  }
  return job;
}

void Bench::fail_steps() {
  const Failing failing = cell_->failing;
  const auto at_least = [&](Failing step) {
    return failing >= step && failing != Failing::kRingTest;
  };
  if (at_least(Failing::kSoftRecovery)) inject({.name = "mute-kill", .probability = kAlways});
  if (at_least(Failing::kQueueReset)) inject({.name = "mute-queue-reset", .probability = kAlways});
  if (at_least(Failing::kEngineReset))
    inject({.name = "mute-engine-reset", .probability = kAlways});
  if (failing == Failing::kVramLoss) inject({.name = "vram-loss", .probability = kAlways});
  if (failing == Failing::kGpuReset) inject({.name = "mute-gpu-reset", .probability = kAlways});
  watch_.on_step = nullptr;
  if (failing == Failing::kRingTest)
    watch_.on_step = [this, done = false](const std::string& step) mutable {
      if (step == "soft recovery" || std::exchange(done, true)) return;
      inject({.name = "hang", .ring = static_cast<int>(cell_->ring), .nth = 1});
    };
}

void Bench::submit_all() {
  const unsigned ring = cell_->ring;
  const unsigned other = is_sdma(ring) ? kComputeRing : kFirstSdma;
  if (cell_->mix == Mix::kOtherRingsBusy) {
    for (unsigned busy = 0; busy < kRings; ++busy) {
      if (busy == ring) continue;
      const uint32_t context = context_of(innocent_);
      for (int i = 0; i < 3; ++i) add(innocent_, Role::kInnocent, {context, busy});
    }
  }
  watch_.on_ib = nullptr;
  if (cell_->fault->origin == Origin::kInjected) {
    watch_.on_ib = [this, ring](unsigned where) {
      if (where != ring) return;
      inject(injection(*cell_->fault, ring));
      watch_.on_ib = nullptr;
    };
  } else if (cell_->fault->origin == Origin::kDevice) {
    inject(injection(*cell_->fault, ring));
  }
  Party::Request culprit{culprits_context_, ring};
  if (cell_->fault->origin == Origin::kPackets) culprit.fault = cell_->fault;
  if (cell_->mix == Mix::kDependencyAcrossRings) culprit.out = guilty_.client().syncobj();
  add(guilty_, Role::kCulprit, culprit);

  switch (cell_->mix) {
    case Mix::kInnocentsBehind:
      for (int i = 0; i < 3; ++i) add(innocent_, Role::kInnocent, {context_of(innocent_), ring});
      break;
    case Mix::kInnocentsOfTheSameVm:
      for (int i = 0; i < 2; ++i) add(guilty_, Role::kInnocent, {context_of(guilty_), ring});
      break;
    case Mix::kSameContextBehind:
      for (int i = 0; i < 2; ++i) add(guilty_, Role::kSameContext, {culprits_context_, ring});
      add(guilty_, Role::kSameContext, {culprits_context_, other});
      add(innocent_, Role::kInnocent, {context_of(innocent_), ring});
      break;
    case Mix::kDependencyAcrossRings: {
      // Behind the culprit, and for that job on another ring, and for that one here again.
      const uint32_t first_done = innocent_.client().syncobj();
      const uint32_t second_done = innocent_.client().syncobj();
      const Tracked* first =
          add(innocent_, Role::kInnocent,
              {.context = context_of(innocent_), .ring = ring, .out = first_done});
      const Tracked* second = add(innocent_, Role::kInnocent,
                                  {.context = context_of(innocent_),
                                   .ring = other,
                                   .in = {{first_done, 0, 0}},
                                   .reads = first,
                                   .out = second_done});
      add(innocent_, Role::kInnocent,
          {.context = context_of(innocent_),
           .ring = ring,
           .in = {{second_done, 0, 0}},
           .reads = second});
      // For the culprit itself.
      add(guilty_, Role::kInnocent,
          {.context = context_of(guilty_), .ring = other, .in = {{culprit.out, 0, 0}}});
      for (const uint32_t done : {first_done, second_done}) innocent_.end_syncobj(done);
      guilty_.end_syncobj(culprit.out);
      break;
    }
    case Mix::kBeyondTheRing: {
      const uint32_t long_queue = context_of(innocent_);
      for (int i = 0; i < 6; ++i) add(innocent_, Role::kInnocent, {long_queue, ring});
      for (int i = 0; i < 2; ++i) add(innocent_, Role::kInnocent, {context_of(innocent_), ring});
      add(guilty_, Role::kSameContext, {culprits_context_, ring});
      break;
    }
    default:
      break;
  }
}

// Work for the other rings shortly before each moment at which they may come to a stand.
void Bench::feed() {
  constexpr base::Nanos kMoments[] = {100, 110, 210, 410};  // ms: the timeout, and steps that fail
  const base::Nanos start = machine_.now();
  for (const base::Nanos moment : kMoments) {
    machine_.executor().run_until(start + moment * kNanosPerMilli - 50 * base::kNanosPerMicro);
    for (unsigned busy = 0; busy < kRings; ++busy) {
      if (busy == cell_->ring) continue;
      const uint32_t context = members_[3 * (busy - (busy > cell_->ring ? 1 : 0))].job->context;
      int refusal = 0;
      Tracked* job = innocent_.submit({context, busy}, &refusal);
      if (job) members_.push_back({job, &innocent_, Role::kInnocent});
      const bool may_refuse = !watch_.episodes().empty() && watch_.episodes().back().end != 0;
      check(job || (may_refuse && (refusal == -ECANCELED || refusal == -ENODEV)),
            fmt::format("ring {} refuses more work: {}", busy, refusal));
    }
  }
}

// Nothing may take longer than the ladder with every bound, twice.
void Bench::finish() {
  if (cell_->mix == Mix::kOtherRingsBusy) feed();
  machine_.executor().run_for(4 * kNanosPerSecond);
  guilty_.read_events();
  innocent_.read_events();
}

void Bench::check_jobs() {
  watch_.check_told(cell_->policy == Policy::kAs612);
  for (const Member& member : members_) {
    const Tracked& job = *member.job;
    watch_.check_finished(job);
    const bool hit = std::ranges::any_of(members_, [&](const Member& other) {
      return other.party == member.party && other.job->context == job.context &&
             other.job->ring == job.ring &&
             std::ranges::any_of(watch_.episodes(), [&](const Episode& episode) {
               return episode.steps.back() != "soft recovery" && was_reset(episode, *other.job) &&
                      other.job->error != 0;
             });
    });
    const Verdict verdict = judge(*cell_, watch_.episodes(), job, member.role, hit);
    if (job.error == verdict.error || (verdict.or_complete && job.error == 0)) continue;
    check(false, fmt::format("job {} of role {} on ring {}: error {} instead of {}", job.number,
                             static_cast<int>(member.role), job.ring, job.error, verdict.error));
  }
}

void Bench::check_flags() {
  const auto expected = expected_episodes(*cell_);
  std::vector<std::vector<std::string>> seen;
  for (const Episode& episode : watch_.episodes()) seen.push_back(episode.steps);
  if (seen != expected) {
    std::string text = "steps:";
    for (const auto& episode : seen) text += fmt::format(" [{}]", fmt::join(episode, ", "));
    check(false, text);
  }
  const bool gone = cell_->failing == Failing::kGpuReset && !expected.empty() &&
                    expected.back().back() == "GPU reset";
  check(wedged() == gone, "wedged, or not");
  const bool lost = cell_->failing == Failing::kVramLoss && !expected.empty() &&
                    expected.back().back() == "GPU reset";
  for (const auto& [party, context] : contexts_) {
    uint32_t flags = expected.empty() ? 0 : DRM_FAKEGPU_CTX_RESET;
    if (lost) flags |= DRM_FAKEGPU_CTX_VRAM_LOST;
    if (party == &guilty_ && context == culprits_context_ && expected_guilty(*cell_))
      flags |= DRM_FAKEGPU_CTX_GUILTY;
    if (const uint32_t has = party->flags(context); has != flags)
      check(false, fmt::format("flags {:#x} instead of {:#x} of context {}{}", has, flags, context,
                               context == culprits_context_ ? ", the culprit's" : ""));
  }
}

// A context that is younger than all that knows nothing of it, and works on every ring.
void Bench::check_usable() {
  const uint32_t young = innocent_.new_context();
  check(innocent_.flags(young) == 0, "a young context has flags");
  std::vector<Tracked*> jobs;
  for (unsigned ring = 0; ring < kRings; ++ring) {
    int refusal = 0;
    Tracked* job = innocent_.submit({young, ring}, &refusal);
    check(refusal == (wedged() ? -ENODEV : 0), fmt::format("ring {} answers {}", ring, refusal));
    if (job) jobs.push_back(job);
  }
  machine_.executor().run_for(20 * kNanosPerMilli);
  innocent_.read_events();
  for (const Tracked* job : jobs) {
    watch_.check_finished(*job);
    check(job->error == 0, fmt::format("ring {} is not usable: {}", job->ring, job->error));
  }
  innocent_.end_context(young);
}

std::string Bench::run(const Cell& cell) {
  cell_ = &cell;
  watch_.clear();
  const auto before = machine_.machine().census();
  culprits_context_ = context_of(guilty_);
  fail_steps();
  submit_all();
  finish();
  EXPECT_TRUE(faults().clear());
  check_jobs();
  check_flags();
  check_usable();
  for (const auto& [party, context] : contexts_) party->end_context(context);
  contexts_.clear();
  members_.clear();
  const auto after = machine_.machine().census();
  check(after.jobs == 0 && after.contexts == 0 && after.syncobjs == 0 && after.waits == 0 &&
            after.heap_bytes[0] == before.heap_bytes[0] &&
            after.heap_bytes[1] == before.heap_bytes[1],
        "something is left");
  watch_.forget_jobs();
  guilty_.clear();
  innocent_.clear();
  return watch_.broken();
}

}  // namespace fakegpu::tests
