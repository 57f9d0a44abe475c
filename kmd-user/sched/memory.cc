// SPDX-License-Identifier: MIT
#include "sched/memory.h"

#include <algorithm>
#include <utility>

#include "job_fences.h"
#include "sched/scheduler.h"

namespace fakegpu::sched {

std::vector<Entity*> RunQueue::attached() const {
  std::vector<Entity*> entities;
  for (Entity* entity = entities_.front(); entity; entity = entities_.next(*entity))
    entities.push_back(entity);
  return entities;
}

void RunQueue::save(SchedulerMemory& to) const {
  to.totals = totals_.memory();
  const std::vector<Entity*> entities = attached();
  for (Entity* entity : entities) {
    EntityMemory& memory = to.entities.emplace_back();
    memory.entity = entity;
    memory.account = entity->account().memory();
    memory.lift = entity->lift_;
    memory.woken = entity->WakeHook::linked();
    if (entity->blocked_) memory.blocker = entity->waiting_for_;
  }
  policy_->save(entities, to.policy);
}

bool RunQueue::restore(const SchedulerMemory& from) {
  totals_.restore(from.totals);
  for (const EntityMemory& memory : from.entities) {
    memory.entity->account().restore(memory.account);
    if (policy_->heeds_urgency()) memory.entity->lift_ = memory.lift;
    if (!memory.entity->idle()) policy_->filled(*memory.entity);
  }
  if (!from.policy.empty() && !policy_->restore(attached(), from.policy)) return false;
  for (const EntityMemory& memory : from.entities) {
    Entity& entity = *memory.entity;
    entity.ready_ = entity.policy_slot().ready != PolicySlot::kNone;
    if (entity.ready_ && (entity.idle() || memory.woken || memory.blocker)) return false;
    resume(memory);
  }
  return true;
}

// What it half knows is nothing to go by. What it started is settled with nobody.
void RunQueue::forget_policy() {
  policy_ = std::move(*make_policy(policy_->name()));
  policy_->reserve(std::max(attached_, reserved_));
  ++epoch_;
  for (Entity* entity : attached()) {
    entity->ready_ = false;
    entity->lift_ = {};
    join(*entity);
  }
}

void RunQueue::resume(const EntityMemory& memory) {
  Entity& entity = *memory.entity;
  if (memory.blocker) {
    entity.waiting_for_ = memory.blocker;
    entity.blocked_ = entity.waiting_for_->add_callback(entity) == 0;
    if (entity.blocked_) return;
  }
  // Who is told that somebody waits was told then, and remembers it.
  if (memory.woken ||
      (!entity.idle() && !entity.ready_ && !head_blocked(entity, head(entity), false)))
    wake(entity);
}

void Scheduler::save(Job& job, JobMemory::Place place, SchedulerMemory& to) const {
  JobMemory& memory = to.jobs.emplace_back();
  memory.job = &job;
  memory.place = place;
  memory.started = job.state_ == JobState::kRunning || job.charge_.epoch != 0;
  memory.charged = job.charge_.epoch == run_queue_.epoch();
  memory.flow = job.charge_.flow;
  memory.expected = job.charge_.expected;
  // What the ring executed waits for no dependency.
  const bool executed = place != JobMemory::Place::kQueued && job.parent_;
  memory.met = executed ? static_cast<uint32_t>(job.dependencies_.size()) : job.next_dependency_;
  memory.error = job.finished_->error();
  memory.pushed_at = job.pushed_at_;
  memory.started_at = job.started_at_;
  memory.finished_at = job.finished_at_;
}

SchedulerMemory Scheduler::save() const {
  using Place = JobMemory::Place;
  SchedulerMemory memory;
  memory.idle_since = idle_since_;
  run_queue_.save(memory);
  for (Job* job = pending_.front(); job; job = pending_.next(*job))
    save(*job, Place::kOnRing, memory);
  for (Job* job = settled_.front(); job; job = settled_.next(*job))
    save(*job, Place::kSettled, memory);
  for (Job* job = done_.front(); job; job = done_.next(*job)) save(*job, Place::kFinished, memory);
  std::vector<Job*> queued;
  run_queue_.for_each_attached([&queued](const Entity& entity) {
    for (Job* job = entity.queue_.front(); job; job = entity.queue_.next(*job))
      queued.push_back(job);
  });
  std::ranges::sort(queued, {}, [](const Job* job) { return job->order_; });
  for (Job* job : queued) save(*job, Place::kQueued, memory);
  return memory;
}

// What pop(), or kill(), makes of a job in an entity's queue.
void Scheduler::leave_entity(const JobMemory& memory) {
  Job& job = *memory.job;
  job.entity_->unqueue(job);
  if (memory.started) job.set_state(JobState::kRunning);
  job.started_at_ = job.timer_from_ = memory.started_at;
  job.finished_at_ = memory.finished_at;
  if (memory.error < 0) job.finished_->set_error(memory.error);
  if (memory.started) job.scheduled_->signal(memory.started_at);
  if (memory.place != JobMemory::Place::kFinished) return;
  if (!memory.started) job.scheduled_->signal(memory.finished_at);
  job.finished_->signal(memory.finished_at);
}

void Scheduler::place(const JobMemory& memory, const fence::FenceRef& parent) {
  Job& job = *memory.job;
  switch (memory.place) {
    case JobMemory::Place::kQueued:
      job.entity_->queue_.push_back(job);
      ++job.entity_->queued_;
      ++score_;
      break;
    case JobMemory::Place::kOnRing:
      pending_.push_back(job);
      ++score_;
      take_credits(job);
      set_parent(job, parent);
      watch_parent(job);
      break;
    case JobMemory::Place::kSettled:
      settled_.push_back(job);
      job.settled_ = true;
      advance(job, memory.finished_at);
      break;
    case JobMemory::Place::kFinished:
      job.settled_ = true;
      job.set_state(JobState::kDone);
      done_.push_back(job);
      break;
  }
}

// What the accounts do not know from jobs that are over.
void Scheduler::count(const JobMemory& memory) {
  if (memory.place != JobMemory::Place::kQueued && memory.place != JobMemory::Place::kOnRing)
    return;
  memory.job->account_->add_pushed();
  run_queue_.totals().add_pushed();
  if (memory.place == JobMemory::Place::kQueued) return;
  memory.job->account_->add_started();
  run_queue_.totals().add_started();
}

bool Scheduler::restore(const SchedulerMemory& from, std::span<const fence::FenceRef> parents) {
  idle_since_ = from.idle_since;
  const auto is_charged = [&from](const JobMemory& memory) {
    return memory.charged && !from.policy.empty();
  };
  std::vector<const JobMemory*> gone;
  uint64_t queued = 0;
  for (const JobMemory& memory : from.jobs) {
    Job& job = *memory.job;
    job.set_state(JobState::kQueued);
    job.add_ref();
    --job.entity_->armed_;
    job.pushed_at_ = memory.pushed_at;
    job.next_dependency_ = std::min(memory.met, static_cast<uint32_t>(job.dependencies_.size()));
    job.charge_ = {is_charged(memory) ? run_queue_.epoch() : 0, memory.flow, memory.expected};
    if (memory.place == JobMemory::Place::kQueued) {
      job.order_ = ++queued;
    } else {
      gone.push_back(&memory);
    }
  }
  // An entity's jobs left it in their order.
  std::ranges::sort(gone, {}, [](const JobMemory* memory) {
    return std::pair(memory->job->finished_->context(), memory->job->finished_->seqno());
  });
  for (const JobMemory* memory : gone) leave_entity(*memory);
  for (size_t i = 0; i < from.jobs.size(); ++i) place(from.jobs[i], parents[i]);
  bool good = run_queue_.restore(from);
  for (const JobMemory& memory : from.jobs) {
    count(memory);
    good = good && (!is_charged(memory) || run_queue_.restore_charge(*memory.job));
  }
  if (!good) {
    run_queue_.forget_policy();
    return false;
  }
  if (run_queue_.woken() || !unblocked_.empty() || !done_.empty()) kick();
  return true;
}

}  // namespace fakegpu::sched
