// SPDX-License-Identifier: MIT
#include "program.h"

#include <ostream>
#include <random>

namespace fakegpu::sched {
namespace {

std::unique_ptr<Policy> policy_number(size_t number) {
  return std::move(*make_policy(policy_names()[number % policy_names().size()]));
}

constexpr std::string_view kVerbs[] = {
    "add_entity",    "push",    "kill", "set_priority", "set_schedulers", "signal_foreign",
    "stop_or_start", "advance", "fini", "set_policy",   "urge",           "run"};

}  // namespace

std::ostream& operator<<(std::ostream& out, const Step& step) {
  return out << kVerbs[static_cast<size_t>(step.verb)] << ' ' << step.a << ' ' << step.b << ' '
             << step.c;
}

std::ostream& operator<<(std::ostream& out, const ProgramConfig& config) {
  return out << "seed " << config.seed << " policy " << config.policy << " in order "
             << config.second_in_order << " credits " << config.credit_limit << " timeout "
             << config.timeout << " depth " << config.depth << " drains " << config.drains;
}

Program::Program(const ProgramConfig& config) : config_(config), world_(config.seed) {
  for (size_t i = 0; i < kRings; ++i) {
    SchedulerOptions options{.name = fmt::format("ring{}", i),
                             .credit_limit = config.credit_limit,
                             .depth = config.depth,
                             .timeout = config.timeout,
                             .in_order = i == 0 || config.second_in_order};
    rings_.push_back(std::make_unique<MockRing>(
        world_, options, policy_names()[config.policy % policy_names().size()]));
    audit_.add_ring(*rings_.back());
    rings_.back()->on_timeout = [this, i](TestJob& job) { return timed_out(i, job); };
  }
}

std::string Program::run(const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    apply(step);
    audit_.check_rest();
    if (!audit_.broken().empty()) break;
  }
  finish();
  return audit_.broken();
}

void Program::apply(const Step& step) {
  switch (step.verb) {
    case Verb::kAddEntity:
      return add_entity(step);
    case Verb::kPush:
      return push(step);
    case Verb::kKill:
      return kill(step);
    case Verb::kSetPriority:
      if (Entity* entity = any_entity(step.a))
        entity->set_priority(static_cast<Priority>(step.b % kPriorities));
      return;
    case Verb::kSetSchedulers:
      return set_schedulers(step);
    case Verb::kSignalForeign:
      if (!foreign_.empty()) {
        const CountAllocations count;
        foreign_[step.a % foreign_.size()]->signal(world_.now());
      }
      return;
    case Verb::kStopOrStart:
      return stop_or_start(step);
    case Verb::kAdvance: {
      const CountAllocations count;
      rings_[step.a % kRings]->advance(static_cast<int>(1 + step.b % 3));
      return;
    }
    case Verb::kFini:
      if (step.b % 16 == 0) fini(step.a % kRings);
      return;
    case Verb::kSetPolicy:
      scheduler(step.a % kRings).set_policy(policy_number(step.b));
      return;
    case Verb::kUrge:
      return urge(step);
    case Verb::kRun:
      return run_for(step.a % 40);
  }
}

Entity* Program::any_entity(uint32_t pick) {
  return entities_.empty() ? nullptr : entities_[pick % entities_.size()].get();
}

void Program::add_entity(const Step& step) {
  Scheduler* const schedulers[] = {&scheduler(step.a % 2), &scheduler((step.a + 1) % 2)};
  const std::span<Scheduler* const> some(schedulers, 1 + step.c % 2);
  // Some clients have several entities.
  entities_.push_back(std::move(*Entity::create(static_cast<Priority>(step.b % kPriorities), some,
                                                world_.client(step.c / 2 % 8))));
}

void Program::set_schedulers(const Step& step) {
  Entity* entity = any_entity(step.a);
  if (!entity) return;
  Scheduler* const schedulers[] = {&scheduler(step.b % 2), &scheduler((step.b + 1) % 2)};
  const bool accepted =
      entity->set_schedulers(std::span<Scheduler* const>(schedulers, 1 + step.c % 2)).has_value();
  audit_.require(accepted, "1.6", "an entity refuses schedulers");
}

void Program::push(const Step& step) {
  Entity* entity = any_entity(step.a);
  if (!entity) return;
  std::mt19937 random(step.b);
  const Nanos duration = random() % 8 == 0 ? TestJob::kUntilAdvanced : random() % 20;
  auto job = base::make_ref<TestJob>(world_, *entity, duration, random() % 6);
  constexpr Outcome kOutcomes[] = {Outcome::kExecutes,        Outcome::kExecutes,
                                   Outcome::kExecutes,        Outcome::kNothingToDo,
                                   Outcome::kAlreadySignaled, Outcome::kFails};
  job->outcome = kOutcomes[random() % std::size(kOutcomes)];
  for (uint32_t i = 0; i < step.c % 4; ++i) job->add_dependency(any_fence(random()));
  if (random() % 8 == 0) job->blocker = any_foreign(random());
  job->arm();
  const JobRecord& record = audit_.watch(job, *entity);
  job.reset();
  const CountAllocations count;
  record.job->push(world_.now());
}

base::Ref<fence::ManualFence> Program::any_foreign(uint32_t pick) {
  if (pick % 2 == 0 || foreign_.empty()) foreign_.push_back(world_.foreign_fence());
  return foreign_[pick / 16 % foreign_.size()];
}

fence::FenceRef Program::any_fence(uint32_t pick) {
  const auto& records = audit_.records();
  if (pick % 5 == 0 || records.empty()) return any_foreign(pick);
  const JobRecord& record = *records[pick / 16 % records.size()];
  return pick % 3 == 0 ? record.job->scheduled() : record.job->finished();
}

void Program::urge(const Step& step) {
  const auto& records = audit_.records();
  if (records.empty()) return;
  const fence::FenceRef& fence = records[step.a % records.size()]->job->finished();
  const CountAllocations count;
  if (step.b % 2) {
    fence->set_deadline(world_.now() + step.c % 100);
  } else {
    fence::Urgency urgency{.waited = true};
    fence->urge(urgency);
  }
}

void Program::kill(const Step& step) {
  if (entities_.empty() || step.b % 4 != 0) return;
  const size_t at = step.a % entities_.size();
  {
    const CountAllocations count;
    entities_[at]->kill(world_.now());
  }
  if (step.c % 2) entities_.erase(entities_.begin() + static_cast<ptrdiff_t>(at));
}

void Program::stop_or_start(const Step& step) {
  const size_t ring = step.a % kRings;
  if (scheduler(ring).stopped()) {
    restart(ring, step.b);
    return;
  }
  const CountAllocations count;
  scheduler(ring).stop(world_.now());
}

void Program::reemit(size_t ring, TestJob& job) {
  const UncountedAllocations ours;
  scheduler(ring).reattach(job, rings_[ring]->emit(job));
}

void Program::restart(size_t ring, uint32_t choices) {
  const CountAllocations count;
  rings_[ring]->drop_emissions();
  std::minstd_rand random(choices);
  scheduler(ring).for_each_pending([&](Job& base) {
    const uint32_t choice = random() % 4;
    if (choice < 2) reemit(ring, static_cast<TestJob&>(base));
    if (choice == 2) scheduler(ring).fail_pending(base, -EIO);
  });
  scheduler(ring).start(world_.now(), -ECANCELED);
}

TimeoutVerdict Program::timed_out(size_t ring, TestJob& hung) {
  audit_.begin_timeout(ring, hung);
  const TimeoutVerdict verdict = recover(ring, hung);
  audit_.end_timeout(ring, verdict);
  return verdict;
}

TimeoutVerdict Program::recover(size_t ring, TestJob& hung) {
  const uint64_t choice = hung.finished()->seqno() % 8;
  if (choice < 3) return TimeoutVerdict::kNoHang;
  if (choice == 3 && config_.seed % 4 == 0) {
    rings_[ring]->drop_emissions();
    return TimeoutVerdict::kNoDevice;
  }
  const CountAllocations count;
  scheduler(ring).stop(world_.now());
  rings_[ring]->drop_emissions();
  scheduler(ring).for_each_pending([&](Job& base) {
    if (&base == &hung) {
      scheduler(ring).fail_pending(base, -ETIME);
    } else {
      reemit(ring, static_cast<TestJob&>(base));
    }
  });
  scheduler(ring).start(world_.now(), -ECANCELED);
  return TimeoutVerdict::kReset;
}

void Program::run_for(Nanos span) {
  const Nanos end = world_.now() + span;
  while (!world_.executor.idle() && world_.executor.next_event() <= end) {
    {
      const CountAllocations count;
      world_.executor.step();
    }
    audit_.check_rest();
  }
  world_.executor.run_until(end);
}

void Program::fini(size_t ring) {
  audit_.begin_fini(ring);
  const CountAllocations count;
  scheduler(ring).fini(world_.now(), -ENODEV);
}

void Program::drain() {
  for (const auto& fence : foreign_) fence->signal(world_.now());
  for (size_t ring = 0; ring < kRings; ++ring)
    if (scheduler(ring).stopped()) restart(ring, 0);
  // A job takes less than 20 ns, or ends here; each round ends one at least.
  for (size_t round = 0; round <= audit_.records().size(); ++round) {
    run_for(40);
    for (const auto& ring : rings_) ring->advance(INT32_MAX);
  }
  run_for(40);
  audit_.check_drained();
}

void Program::finish() {
  run_for(200);
  if (config_.drains && audit_.broken().empty()) drain();
  for (size_t ring = 0; ring < kRings; ++ring) fini(ring);
  audit_.check_end();
  entities_.clear();
  audit_.release();
  audit_.require(world_.live_jobs == 0, "I12", "jobs are left");
  for (const auto& fence : foreign_)
    audit_.require(fence->ref_count() == 1, "I12", "somebody still holds a foreign fence");
  audit_.require(counted_allocations() == allocated_before_, "I13",
                 "memory was allocated between arm and signal");
}

}  // namespace fakegpu::sched
