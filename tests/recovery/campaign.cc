// SPDX-License-Identifier: MIT
#include "campaign.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sched/policy.h"

namespace fakegpu::tests {

namespace {

using base::kNanosPerMilli;
using base::kNanosPerSecond;

constexpr unsigned kActions = 200;
constexpr size_t kMaxParties = 24;
constexpr int kCrowd = 18;  // more address spaces than VMIDs

}  // namespace

Campaign::Campaign(uint64_t seed)
    : random_(seed), machine_(seed, draw_options(), recovery_profile(), &watch_) {
  watch_.allow_repetition();
  before_ = machine_.machine().census();
  for (int i = chance(8) ? kCrowd : 3; i > 0; --i) open_party();
}

Campaign::~Campaign() {
  for (Party& party : parties_)
    if (!party.closed()) party.close();
  watch_.forget_jobs();
}

drv::Options Campaign::draw_options() {
  static constexpr std::string_view kPolicies[] = {"reemit-innocent", "karma", "cancel-all"};
  static constexpr unsigned kSubmissions[] = {1, 2, 4, 16};
  static constexpr uint64_t kFirst[] = {1, 0xffff'fff0, uint64_t{1} << 40};
  drv::Options options;
  options.recovery = any(kPolicies, 3);
  options.as_6_12 = chance(6);
  as_6_12_ = options.as_6_12;
  reemits_ = !as_6_12_ && options.recovery != "cancel-all";
  options.hang_limit = static_cast<unsigned>(draw(3));
  options.hw_submission = any(kSubmissions, 4);
  if (chance(3)) options.queue_time = 0;
  const auto names = sched::policy_names();
  options.policy = names[draw(names.size())];
  options.first_emission = any(kFirst, 3);
  const auto timeout = [this] { return static_cast<base::Nanos>(20 + draw(80)) * kNanosPerMilli; };
  options.lockup_timeout = {timeout(), timeout(), timeout()};
  story_ = fmt::format("{}{}, hang limit {}, {} jobs in a ring, {}, first emission {:#x}\n",
                       as_6_12_ ? "as 6.12, " : "", options.recovery, options.hang_limit,
                       options.hw_submission, options.policy, options.first_emission);
  return options;
}

Party& Campaign::any_party() {
  for (;;) {
    Party& party = parties_[draw(parties_.size())];
    if (!party.closed()) return party;
  }
}

void Campaign::open_party() {
  add_context(parties_.emplace_back(machine_, watch_));
}

void Campaign::close_party() {
  const auto open = std::ranges::count_if(parties_, [](const Party& one) { return !one.closed(); });
  if (open < 2 || parties_.size() == kMaxParties) return;
  Party& party = any_party();
  // Its waits go unanswered, and what it gave to others is forgotten.
  party.read_events();
  party.close();
  for (ContextOf& context : contexts_)
    if (context.party == &party) context.gone = true;
  std::erase_if(signals_, [&](const Signal& signal) { return signal.party == &party; });
  open_party();
}

void Campaign::add_context(Party& party) {
  contexts_.push_back({&party, party.new_context(), contexts_.size()});
}

void Campaign::end_context() {
  ContextOf& context = contexts_[draw(contexts_.size())];
  if (context.gone) return;
  context.gone = true;
  context.party->end_context(context.id);
  add_context(*context.party);
}

void Campaign::submit(bool bad) {
  ContextOf& context = contexts_[draw(contexts_.size())];
  if (context.gone || context.party->full()) return;
  Party& party = *context.party;
  Party::Request request{.context = context.id,
                         .ring = static_cast<unsigned>(draw(kRings)),
                         .owner = context.number,
                         .long_pauses = chance(3)};
  if (bad) {
    const auto kinds = fault_kinds();
    const FaultKind& fault = kinds[draw(kinds.size())];
    if (fault.origin != Origin::kPackets || (is_sdma(request.ring) && !fault.on_sdma)) return;
    request.fault = &fault;
  }
  if (!signals_.empty() && chance(2)) {
    const Signal& signal = signals_[draw(signals_.size())];
    if (signal.party == &party) {
      request.in.push_back({signal.syncobj, 0, 0});
      if (!bad && signal.job && !signal.job->bad) request.reads = signal.job;
    }
  }
  if (chance(3)) request.out = party.client().syncobj();
  int refusal = 0;
  const Tracked* job = party.submit(request, &refusal);
  if (!job) {
    if (refusal != -ECANCELED && refusal != -ENODEV)
      complain(fmt::format("submission refused: {}", refusal));
    else if (watch_.episodes().empty())
      complain("submission refused, but there was no recovery");
    if (request.out) party.end_syncobj(request.out);
    // The client makes a context anew, as it must.
    if (refusal == -ECANCELED && chance(2)) add_context(party);
    return;
  }
  ++jobs_;
  if (bad) ++faults_;
  if (request.out) signals_.push_back({&party, request.out, job});
}

void Campaign::wait() {
  if (signals_.empty()) return;
  const Signal& signal = signals_[draw(signals_.size())];
  Wait& wait = waits_.emplace_back();
  wait.party = signal.party;
  wait.handle = signal.syncobj;
  drm_syncobj_wait arg = {};
  arg.handles = reinterpret_cast<uintptr_t>(&wait.handle);
  arg.count_handles = 1;
  arg.timeout_nsec = INT64_MAX;
  const auto answer = [&wait](int, std::span<const std::byte>) { ++wait.answers; };
  if (signal.party->client().start(DRM_IOCTL_SYNCOBJ_WAIT, arg, answer)) ++wait.answers;
}

void Campaign::arm_faults() {
  drv::Faults& faults = machine_.machine().faults();
  ASSERT_TRUE(faults.clear());
  const auto inject = [&](const char* name, double probability, base::Nanos duration = 0) {
    if (chance(2)) return;
    const double parts = probability * static_cast<double>(base::FaultInjector::kAlways);
    EXPECT_TRUE(faults.inject({.name = name,
                               .probability = static_cast<uint64_t>(parts),
                               .seed = random_(),
                               .duration = duration}));
  };
  const auto some_time = [this] { return static_cast<base::Nanos>(1 + draw(30)) * kNanosPerMilli; };
  inject("hang", 0.005);
  inject("endless-wait", 0.005);
  inject("slow-packet", 0.05, some_time() / 10);
  inject("corrupt-packet", 0.005);
  inject("bad-address", 0.005);
  inject("lost-interrupt", 0.1);
  inject("late-interrupt", 0.1, some_time());
  inject("duplicate-interrupt", 0.1);
  inject("stuck-doorbell", 0.1);
  inject("mute-kill", 0.7);
  inject("mute-queue-reset", 0.4);
  inject("mute-engine-reset", 0.5);
  inject("mute-gpu-reset", 0.1);
  inject("slow-reset", 0.3, some_time());
  inject("failed-ring-test", 0.1);
  inject("vram-loss", 0.3);
}

void Campaign::let_pass() {
  // From microseconds to a tenth of a second.
  machine_.executor().run_for(
      static_cast<base::Nanos>(1000 * std::pow(10, draw(6)) * (1 + draw(9)) / 10));
  for (Party& party : parties_)
    if (!party.closed()) party.read_events();
}

void Campaign::act() {
  switch (draw(16)) {
    case 0:
      arm_faults();
      break;
    case 1:
      chance(4) ? close_party() : end_context();
      break;
    case 2:
      wait();
      break;
    case 3:
    case 4:
      submit(true);
      break;
    case 5:
    case 6:
    case 7:
      let_pass();
      break;
    case 8:
      add_context(any_party());
      break;
    default:
      for (uint64_t burst = 1 + draw(5); burst > 0; --burst) submit(false);
  }
}

// No fault comes up any more, and what is under way has a bound.
void Campaign::settle() {
  // Those that strike by themselves, not the ones that make a recovery fail.
  static constexpr std::string_view kCounted[] = {
      "hang",           "endless-wait",   "slow-packet",         "corrupt-packet", "bad-address",
      "lost-interrupt", "late-interrupt", "duplicate-interrupt", "stuck-doorbell"};
  drv::Faults& faults = machine_.machine().faults();
  ASSERT_TRUE(faults.clear());
  machine_.executor().run_for(120 * kNanosPerSecond);
  for (const drm_fakegpu_fault_kind& kind : faults.kinds())
    if (std::ranges::count(kCounted, std::string_view(kind.name))) faults_ += kind.fired;
  for (Party& party : parties_)
    if (!party.closed()) party.read_events();
}

void Campaign::check_jobs() {
  watch_.check_told(as_6_12_);
  for (const Party& party : parties_) {
    for (const Tracked& job : party.jobs()) {
      watch_.check_finished(job);
      if (!job.memory || job.error == 0) continue;
      static constexpr int kErrors[] = {-ETIME, -ENODATA, -ECANCELED, -ENODEV, -ESRCH};
      if (!std::ranges::count(kErrors, job.error)) watch_.complain(job, "no such error");
      if (job.error == -ENODEV && !watch_.wedged()) watch_.complain(job, "but the device lives");
      const bool recovered =
          !watch_.episodes().empty() && watch_.episodes().back().end > job.queued;
      if (job.error != -ESRCH && !recovered) watch_.complain(job, "but there was no recovery");
    }
  }
}

// Who is not to blame, and lost nothing, got everything done.
void Campaign::check_blame() {
  size_t guilty = 0;
  for (const ContextOf& context : contexts_) {
    if (context.gone) continue;
    const uint32_t flags = context.party->flags(context.id);
    if (flags & DRM_FAKEGPU_CTX_RESET_IN_PROGRESS) complain("a reset is still in progress");
    if ((flags & ~DRM_FAKEGPU_CTX_RESET) && !(flags & DRM_FAKEGPU_CTX_RESET))
      complain(fmt::format("flags {:#x}", flags));
    const bool blamed = (flags & DRM_FAKEGPU_CTX_GUILTY) != 0;
    if (blamed) ++guilty;
    for (const Tracked& job : context.party->jobs()) {
      if (job.owner != context.number) continue;
      const bool culprit = job.error == -ETIME || job.error == -ENODATA;
      if (culprit && !blamed && !as_6_12_) watch_.complain(job, "but its context is not guilty");
      if (reemits_ && !blamed && !watch_.wedged() && !(flags & DRM_FAKEGPU_CTX_VRAM_LOST) &&
          job.error != 0)
        watch_.complain(job, "innocent");
    }
  }
  if (guilty > kRings * watch_.episodes().size()) complain("more are guilty than hung");
}

// In the middle of whatever is going on.
void Campaign::pull_out() {
  machine_.machine().faults().clear();
  machine_.machine().shutdown();
  machine_.executor().run_for(kNanosPerSecond);
  for (const Party& party : parties_)
    for (const Tracked& job : party.jobs())
      if (job.runs != job.dones) watch_.complain(job, "run, not finished");
  for (const Wait& wait : waits_)
    if (wait.answers != 1 && !wait.party->closed()) complain("a wait was not answered");
  if (machine_.machine().census().jobs != 0) complain("jobs are left");
}

void Campaign::check_left() {
  for (Party& party : parties_)
    if (!party.closed()) party.close();
  machine_.executor().run_for(kNanosPerSecond);
  const auto after = machine_.machine().census();
  if (after.files || after.contexts || after.jobs || after.syncobjs || after.waits || after.objects)
    complain("objects are left");
  // What a wedged device held is kept.
  if (!watch_.wedged() &&
      (after.bos != before_.bos || after.heap_bytes[0] != before_.heap_bytes[0] ||
       after.heap_bytes[1] != before_.heap_bytes[1]))
    complain("memory is left");
}

std::string Campaign::run() {
  arm_faults();
  for (unsigned i = 0; i < kActions; ++i) act();
  if (chance(10)) {
    pull_out();
  } else {
    settle();
    check_jobs();
    check_blame();
    for (const Wait& wait : waits_)
      if (wait.answers != 1 && !wait.party->closed()) complain("a wait was not answered");
    check_left();
  }
  for (const Wait& wait : waits_)
    if (wait.answers > 1) complain("a wait was answered twice");
  if (watch_.broken().empty()) return {};
  for (const Episode& episode : watch_.episodes())
    story_ += fmt::format("{}: {}{} [{}, {}]\n", episode.ring, fmt::join(episode.steps, ", "),
                          episode.wedged ? ", wedged" : "", episode.begin, episode.end);
  return story_ + watch_.broken();
}

}  // namespace fakegpu::tests
