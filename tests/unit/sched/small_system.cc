// SPDX-License-Identifier: MIT
#include "small_system.h"

#include <algorithm>

namespace fakegpu::sched {
namespace {

std::string_view policy_after(std::string_view name) {
  const auto names = policy_names();
  const auto at = std::find(names.begin(), names.end(), name);
  return names[static_cast<size_t>(at - names.begin() + 1) % names.size()];
}

}  // namespace

SmallSystem::SmallSystem(const SmallConfig& config) : config_(config) {
  std::vector<Scheduler*> schedulers;
  for (size_t i = 0; i < config.rings; ++i) {
    SchedulerOptions options{.name = "ring", .credit_limit = config.credits, .timeout = kTimeout};
    options.quirks = config.quirks;
    rings_.push_back(std::make_unique<MockRing>(world_, options, config.policy));
    MockRing& ring = *rings_.back();
    ring.auto_pump = false;
    ring.on_timeout = [this, i](TestJob& job) {
      audit_.begin_timeout(i, job);
      audit_.end_timeout(i, TimeoutVerdict::kNoHang);
      return TimeoutVerdict::kNoHang;
    };
    audit_.add_ring(ring);
    schedulers.insert(schedulers.begin(), &ring.scheduler());
  }
  entities_[0] = rings_[0]->entity(Priority::kNormal, 1);
  entities_[1] = std::move(*Entity::create(Priority::kNormal, schedulers, world_.client(2)));
  list_events();
}

SmallSystem::~SmallSystem() {
  if (!finished_) finish();
}

bool SmallSystem::may_push(size_t entity) const {
  const size_t next = jobs_[entity].size();
  return next < config_.jobs && (entity == 0 || !config_.dependent || jobs_[0].size() > next);
}

bool SmallSystem::may_alarm() const {
  return std::any_of(rings_.begin(), rings_.end(),
                     [](const auto& ring) { return ring->scheduler().next_deadline(); });
}

void SmallSystem::list_events() {
  events_.clear();
  for (size_t i = 0; i < kEntities; ++i)
    if (may_push(i)) events_.push_back({Verb::kPush, i});
  const bool disturbs = disturbances_ < config_.disturbances;
  for (size_t i = 0; i < rings_.size(); ++i) {
    if (rings_[i]->kick_pending()) events_.push_back({Verb::kPump, i});
    if (rings_[i]->emissions() > 0) events_.push_back({Verb::kComplete, i});
    if (scheduler(i).stopped()) {
      events_.push_back({Verb::kStart, i});
      events_.push_back({Verb::kCancel, i});
    }
    if (!disturbs || audit_.torn_down(i)) continue;
    if (!scheduler(i).stopped() && is_new(Verb::kReset, i)) events_.push_back({Verb::kReset, i});
    if (is_new(Verb::kSwitch, i)) events_.push_back({Verb::kSwitch, i});
    events_.push_back({Verb::kFini, i});
  }
  if (!disturbs) return;
  for (size_t i = 0; i < kEntities; ++i)
    if (!entities_[i]->killed()) events_.push_back({Verb::kKill, i});
  if (may_alarm() && is_new(Verb::kFalseAlarm, 0)) events_.push_back({Verb::kFalseAlarm, 0});
}

void SmallSystem::disturb(Verb verb, size_t which) {
  done_ |= 1u << bit(verb, which);
  ++disturbances_;
}

void SmallSystem::take(size_t choice) {
  const auto [verb, which] = events_[choice];
  if (verb >= Verb::kKill) disturb(verb, which);
  switch (verb) {
    case Verb::kPush:
      push(which);
      break;
    case Verb::kPump:
      rings_[which]->pump();
      break;
    case Verb::kComplete:
      rings_[which]->advance(1);
      break;
    case Verb::kStart:
      start(which, true);
      break;
    case Verb::kCancel:
      start(which, false);
      break;
    case Verb::kKill:
      entities_[which]->kill(world_.now());
      break;
    case Verb::kReset:
      scheduler(which).stop(world_.now());
      break;
    case Verb::kFini:
      fini(which);
      break;
    case Verb::kSwitch:
      scheduler(which).set_policy(std::move(*make_policy(policy_after(config_.policy))));
      break;
    case Verb::kFalseAlarm:
      false_alarm();
      break;
  }
  note_ready();
  list_events();
}

std::string SmallSystem::describe(size_t choice) const {
  constexpr std::string_view kNames[] = {
      "push by entity",        "pump of ring",   "completion on ring", "start of ring",
      "cancel of ring",        "kill of entity", "reset of ring",      "fini of ring",
      "other policy for ring", "false alarm"};
  return fmt::format("{} {}", kNames[static_cast<size_t>(events_[choice].verb)],
                     events_[choice].which);
}

void SmallSystem::push(size_t entity) {
  auto job = base::make_ref<TestJob>(world_, *entities_[entity], TestJob::kUntilAdvanced);
  if (entity == 1 && config_.dependent)
    job->add_dependency(jobs_[0][jobs_[1].size()]->job->finished());
  job->arm();
  jobs_[entity].push_back(&audit_.watch(job, *entities_[entity]));
  pushed_.push_back(jobs_[entity].back());
  job->push(world_.now());
}

void SmallSystem::start(size_t ring, bool reemits) {
  rings_[ring]->drop_emissions();
  bool guilty = true;
  scheduler(ring).for_each_pending([&](Job& base) {
    auto& job = static_cast<TestJob&>(base);
    if (std::exchange(guilty, false)) {
      scheduler(ring).fail_pending(job, -ETIME);
    } else if (reemits) {
      scheduler(ring).reattach(job, rings_[ring]->emit(job));
    }
  });
  scheduler(ring).start(world_.now(), -ECANCELED);
}

void SmallSystem::false_alarm() {
  Nanos when = INT64_MAX;
  for (const auto& ring : rings_)
    when = std::min(when, ring->scheduler().next_deadline().value_or(INT64_MAX));
  world_.executor.run_until(when);
  for (const auto& ring : rings_) ring->scheduler().check_timeouts(world_.now());
}

void SmallSystem::fini(size_t ring) {
  audit_.begin_fini(ring);
  scheduler(ring).fini(world_.now(), -ENODEV);
}

std::string SmallSystem::broken() {
  if (!finished_) audit_.check_rest();
  return audit_.broken();
}

void SmallSystem::finish() {
  finished_ = true;
  for (size_t i = 0; i < rings_.size(); ++i) fini(i);
  audit_.check_end();
  for (auto& entity : entities_) entity.reset();
  audit_.release();
  audit_.require(world_.live_jobs == 0, "I12", "jobs are left");
}

// Besides what can be seen of jobs and rings, the order in which what is queued was pushed, in
// which those who are woken together are looked at; and what the policies order by: who has been
// ready, or waited for his turn, for longer, and who ran last.
uint64_t SmallSystem::state() const {
  Hash hash;
  // When no more is to come, it does not matter what has been.
  hash.add(disturbances_ < config_.disturbances ? done_ : UINT64_MAX);
  for (const auto& ring : rings_) add_ring(hash, *ring);
  for (size_t i = 0; i < kEntities; ++i) {
    hash.add(jobs_[i].size() | (entities_[i]->killed() ? 256 : 0) |
             (entities_[i]->scheduler() == &scheduler(0) ? 512 : 0));
    for (const JobRecord* record : jobs_[i]) add_job(hash, *record);
  }
  for (const JobRecord* record : pushed_)
    if (record->job->entity()) hash.add(record->job->scheduled()->context());
  hash.add(order(ready_since_));
  for (const auto& ring : rings_)
    if (ring->scheduler().policy().name() == "rr") hash.add(order(turn_since_));
  return hash.value();
}

void SmallSystem::add_ring(Hash& hash, MockRing& ring) const {
  Scheduler& scheduler = ring.scheduler();
  hash.add(ring.emissions() << 8 | (scheduler.stopped() ? 1 : 0) | (ring.kick_pending() ? 2 : 0) |
           (scheduler.ready() ? 4 : 0));
  hash.add(scheduler.credits_in_flight());
  hash.add(scheduler.score());
  hash.add(scheduler.policy().ready());
  hash.add(static_cast<uint64_t>(scheduler.policy().name().front()) << 8 |
           static_cast<uint64_t>(scheduler.policy().name().back()));
  hash.add(static_cast<uint64_t>(scheduler.next_deadline().value_or(0) - world_.now()));
  const TestJob* last = ring.order.empty() ? nullptr : ring.order.back();
  hash.add(last ? last->scheduled()->context() : 0);
  scheduler.for_each_pending(
      [&](Job& job) { hash.add(job.scheduled()->context() << 8 | job.scheduled()->seqno()); });
}

void SmallSystem::add_job(Hash& hash, const JobRecord& record) const {
  const TestJob& job = *record.job;
  hash.add(static_cast<uint64_t>(job.state()) | record.ring << 4 | (job.is_scheduled() ? 32 : 0) |
           (job.is_finished() ? 64 : 0) | (job.parent() ? 128 : 0) | (job.runs > 0 ? 256 : 0) |
           (job.entity() ? 512 : 0) | (job.pushed_at() > 0 ? 1024 : 0) |
           (job.started_at() > 0 ? 2048 : 0) | (world_.now() > 0 ? 4096 : 0));
  hash.add(static_cast<uint64_t>(job.error()));
}

// Whether the entity has a head that may run, for all that its dependency says.
bool SmallSystem::is_ready(size_t entity) const {
  const auto& jobs = jobs_[entity];
  const auto head = std::find_if(jobs.begin(), jobs.end(),
                                 [](const JobRecord* record) { return record->job->entity(); });
  if (head == jobs.end()) return false;
  if (entity == 0 || !config_.dependent) return true;
  const JobRecord& needed = *jobs_[0][static_cast<size_t>(head - jobs.begin())];
  if (needed.job->is_finished()) return true;
  return needed.ring == (*head)->ring && needed.job->is_scheduled() && needed.job->error() == 0;
}

void SmallSystem::note_ready() {
  ++event_;
  for (size_t i = 0; i < kEntities; ++i) {
    const size_t started = entities_[i]->usage().pushed - entities_[i]->queued();
    if (is_ready(i) && (ready_since_[i] == 0 || started != started_[i])) ready_since_[i] = event_;
    if (!is_ready(i)) ready_since_[i] = 0;
    if (started != started_[i] || (is_ready(i) && turn_since_[i] == 0)) turn_since_[i] = event_;
    started_[i] = started;
  }
}

}  // namespace fakegpu::sched
