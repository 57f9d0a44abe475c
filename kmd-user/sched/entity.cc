// SPDX-License-Identifier: MIT
#include "sched/entity.h"

#include <utility>

#include "sched/scheduler.h"

namespace fakegpu::sched {
namespace {

base::Result<> check(std::span<Scheduler* const> schedulers) {
  if (schedulers.empty()) return base::fail(EINVAL, "an entity needs a scheduler");
  for (size_t i = 0; i < schedulers.size(); ++i)
    if (!schedulers[i]) return base::fail(EINVAL, "scheduler {} of an entity is null", i);
  return {};
}

}  // namespace

const char* priority_name(Priority priority) {
  switch (priority) {
    case Priority::kKernel:
      return "kernel";
    case Priority::kHigh:
      return "high";
    case Priority::kNormal:
      return "normal";
    case Priority::kLow:
      return "low";
  }
  return "unknown";
}

base::Result<std::unique_ptr<Entity>> Entity::create(Priority priority,
                                                     std::span<Scheduler* const> schedulers,
                                                     AccountRef client) {
  FAKEGPU_TRY(check(schedulers));
  if (static_cast<size_t>(priority) >= kPriorities) {
    return base::fail(EINVAL, "no priority {}", static_cast<int>(priority));
  }
  return std::unique_ptr<Entity>(new Entity(priority, schedulers, std::move(client)));
}

Entity::Entity(Priority priority, std::span<Scheduler* const> schedulers, AccountRef client)
    : priority_(priority),
      schedulers_(schedulers.begin(), schedulers.end()),
      scheduler_(schedulers.front()),
      fence_context_(scheduler_->contexts().allocate(2)),
      account_(base::make_ref<Account>(std::move(client))) {
  for (Scheduler* scheduler : schedulers_) scheduler->run_queue_.reserve();
  scheduler_->run_queue_.attach(*this);
  if (Observer* observer = scheduler_->observer()) observer->created(*this);
}

Entity::~Entity() {
  kill(0);
  if (Observer* observer = scheduler_->observer()) observer->destroyed(*this);
  for (Scheduler* scheduler : schedulers_) scheduler->run_queue_.unreserve();
}

void Entity::set_priority(Priority priority) {
  scheduler_->run_queue_.set_priority(*this, priority);
  if (Observer* observer = scheduler_->observer()) observer->reprioritized(*this);
}

base::Result<> Entity::set_schedulers(std::span<Scheduler* const> schedulers) {
  FAKEGPU_TRY(check(schedulers));
  for (Scheduler* scheduler : schedulers) scheduler->run_queue_.reserve();
  for (Scheduler* scheduler : schedulers_) scheduler->run_queue_.unreserve();
  schedulers_.assign(schedulers.begin(), schedulers.end());
  return {};
}

size_t Entity::ahead_of(const Job& job) const {
  // Queued in the order of their seqnos, without gaps.
  return job.finished()->seqno() - queue_.front()->finished()->seqno();
}

Job* Entity::find(uint64_t seqno) const {
  for (Job* job = queue_.front(); job; job = queue_.next(*job))
    if (job->finished()->seqno() == seqno) return job;
  Job* found = nullptr;
  scheduler_->for_each_pending([&](Job& job) {
    if (job.finished()->context() == fence_context_ + 1 && job.finished()->seqno() == seqno)
      found = &job;
  });
  return found;
}

void Entity::urge(uint64_t seqno, fence::Urgency& urgency) {
  if (Observer* observer = scheduler_->observer(); observer && !urgency.derived)
    observer->urged(fence_context_, seqno, urgency);
  // One that was popped would lift those behind it.
  if (last_scheduled_ && seqno <= last_scheduled_->seqno()) return;
  scheduler_->run_queue_.urge(*this, seqno, urgency);
}

int Entity::error() const {
  return last_scheduled_ && last_scheduled_->test_signaled() ? last_scheduled_->error() : 0;
}

void Entity::balance() {
  if ((schedulers_.size() < 2 && schedulers_.front() == scheduler_) || killed_ || armed_ > 0 ||
      !queue_.empty())
    return;
  if (last_scheduled_ && !last_scheduled_->test_signaled()) return;
  Scheduler* best = nullptr;
  for (Scheduler* scheduler : schedulers_) {
    if (scheduler->ready() && (!best || scheduler->score() < best->score())) best = scheduler;
  }
  if (!best || best == scheduler_) return;
  scheduler_->run_queue_.detach(*this);
  scheduler_ = best;
  scheduler_->run_queue_.attach(*this);
}

void Entity::kill(base::Nanos now) {
  if (killed_) return;
  killed_ = true;
  if (Observer* observer = scheduler_->observer()) observer->killed(*this);
  scheduler_->run_queue_.detach(*this);
  while (Job* job = queue_.pop_front()) {
    --queued_;
    refuse(*job);
  }
  scheduler_->finish_unblocked(now);
}

void Entity::unqueue(Job& job) {
  if (last_scheduled_ && !last_scheduled_->test_signaled())
    job.previous_ = std::move(last_scheduled_);
  last_scheduled_ = job.finished_;
  job.entity_ = nullptr;
}

void Entity::refuse(Job& job) {
  unqueue(job);
  scheduler_->refused(job);
}

void Entity::fence_signaled(fence::Fence& fence) {
  scheduler_->run_queue_.tell_woken(*this, fence);
  scheduler_->wake(*this);
}

}  // namespace fakegpu::sched
