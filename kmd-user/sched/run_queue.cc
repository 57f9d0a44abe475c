// SPDX-License-Identifier: MIT
#include "sched/run_queue.h"

#include <algorithm>
#include <utility>

#include "job_fences.h"
#include "trace.h"

namespace fakegpu::sched {
namespace {

// That of a job, or a container that may be made of them, tells of itself.
bool is_foreign(fence::Fence& dependency) {
  return !JobFences::from(dependency);
}

}  // namespace

RunQueue::RunQueue(std::unique_ptr<Policy> policy, uint64_t scheduler_id, bool in_order,
                   base::Tracer& tracer)
    : policy_(std::move(policy)),
      scheduler_id_(scheduler_id),
      in_order_(in_order),
      tracer_(tracer),
      totals_(0) {}

void RunQueue::reserve() {
  policy_->reserve(++reserved_);
}

void RunQueue::attach(Entity& entity) {
  entities_.push_back(entity);
  policy_->reserve(std::max(++attached_, reserved_));
  join(entity);
}

void RunQueue::detach(Entity& entity) {
  if (!entity.AttachHook::linked()) return;
  leave(entity);
  base::List<Entity, WakeHook>::remove(entity);
  base::List<Entity, AttachHook>::remove(entity);
  --attached_;
  entity.lift_ = {};
  if (entity.waiting_for_) entity.waiting_for_->remove_callback(entity);
  entity.waiting_for_.reset();
  entity.blocked_ = false;
}

void RunQueue::join(Entity& entity) {
  entity.policy_slot() = {};
  policy_->attach(entity);
  if (!entity.queue_.empty()) policy_->filled(entity);
}

void RunQueue::leave(Entity& entity) {
  unready(entity);
  if (!entity.queue_.empty()) policy_->emptied(entity);
  policy_->detach(entity);
}

void RunQueue::set_policy(std::unique_ptr<Policy> policy) {
  std::swap(policy_, policy);  // the old one goes at the end, with nothing in it
  policy_->reserve(std::max(attached_, reserved_));
  ++epoch_;
  for (Entity* entity = entities_.front(); entity; entity = entities_.next(*entity)) {
    const bool was_ready = entity->ready_;
    std::swap(policy_, policy);
    leave(*entity);
    std::swap(policy_, policy);
    if (!policy_->heeds_urgency()) entity->lift_ = {};
    join(*entity);
    if (was_ready) make_ready(*entity);
  }
}

void RunQueue::filled(Entity& entity) {
  policy_->filled(entity);
  wake(entity);
}

bool RunQueue::before(const Entity& a, const Entity& b) {
  const Job* first = a.queue_.front();
  const Job* second = b.queue_.front();
  return (first ? first->order_ : 0) < (second ? second->order_ : 0);
}

void RunQueue::wake(Entity& entity) {
  if (entity.WakeHook::linked()) return;
  const Entity* last = woken_.back();
  if (last && before(entity, *last)) woken_in_order_ = false;
  woken_.push_back(entity);
}

void RunQueue::look() {
  while (!woken_.empty()) {
    // What wakes entities is an order of callbacks, which depends on who else listens. The policy
    // must not see that, or the same submissions would not give the same order again.
    if (!std::exchange(woken_in_order_, true)) woken_.sort(before);
    Entity* entity = woken_.pop_front();
    entity->waiting_for_.reset();
    entity->blocked_ = false;
    Job* head = entity->queue_.front();
    if (!head || entity->ready_ || head_blocked(*entity, *head)) continue;
    make_ready(*entity);
  }
}

void RunQueue::make_ready(Entity& entity) {
  Job& job = head(entity);
  job.charge_.expected = expected(entity);
  entity.ready_ = true;
  policy_->add(entity, job);
}

bool RunQueue::head_blocked(Entity& entity, Job& head, bool urges) {
  for (; head.next_dependency_ < head.dependencies_.size(); ++head.next_dependency_) {
    fence::Fence* needed = required(*head.dependencies_[head.next_dependency_], entity);
    if (!needed) continue;
    if (needed->is_signaled()) {
      tell_signaled(*needed);
      continue;
    }
    entity.waiting_for_ = fence::FenceRef(needed);
    if (needed->add_callback(entity) == 0) {
      trace_unschedulable(tracer_, head, *head.dependencies_[head.next_dependency_]);
      if (urges && policy_->heeds_urgency()) {
        fence::Urgency urgency = urgency_of(entity);
        needed->urge(urgency);
      }
      return true;
    }
    entity.waiting_for_.reset();
  }
  return false;
}

// Sound only because the ring completes in the order in which jobs were scheduled. A dependency
// that failed is waited for in full: how its job ended says nothing about the ring's order.
fence::Fence* RunQueue::required(fence::Fence& dependency, const Entity& entity) const {
  JobFences* fences = JobFences::from(dependency);
  if (!fences || !in_order_) return &dependency;
  if (fences->context() == entity.fence_context_) return nullptr;
  if (fences->scheduler_id() != scheduler_id_ || fences->finished().error() != 0) {
    return &dependency;
  }
  return fences;
}

void RunQueue::block(Entity& entity, fence::FenceRef blocker) {
  unready(entity);
  entity.waiting_for_ = std::move(blocker);
  if (observer_) observer_->blocked(entity, head(entity));
  if (entity.waiting_for_->add_callback(entity) != 0) {
    if (observer_) observer_->unblocked(entity);
    wake(entity);
    return;
  }
  entity.blocked_ = true;
  trace_unschedulable(tracer_, head(entity), *entity.waiting_for_);
}

Job& RunQueue::pop(Entity& entity) {
  Job& job = *entity.queue_.pop_front();
  --entity.queued_;
  job.charge_.epoch = epoch_;
  policy_->started(entity, job);
  unready(entity);
  entity.unqueue(job);
  if (job.finished_->seqno() >= entity.lift_.until) entity.lift_ = {};
  if (entity.queue_.empty()) {
    policy_->emptied(entity);
  } else {
    wake(entity);
  }
  return job;
}

void RunQueue::tell_woken(const Entity& entity, fence::Fence& fence) {
  if (!observer_) return;
  if (entity.blocked_) {
    observer_->unblocked(entity);
  } else {
    tell_signaled(fence);
  }
}

void RunQueue::tell_signaled(fence::Fence& fence) {
  if (observer_ && is_foreign(fence)) observer_->signaled(fence);
}

void RunQueue::job_finished(Job& job) {
  if (job.charge_.epoch == epoch_) policy_->finished(job);
}

void RunQueue::unready(Entity& entity) {
  if (!entity.ready_) return;
  policy_->remove(entity);
  entity.ready_ = false;
}

void RunQueue::set_priority(Entity& entity, Priority priority) {
  if (!entity.AttachHook::linked()) {
    entity.priority_ = priority;
    return;
  }
  const bool was_ready = entity.ready_;
  unready(entity);
  entity.priority_ = priority;
  policy_->reprioritize(entity);
  if (was_ready) make_ready(entity);
}

fence::Urgency RunQueue::urgency_of(const Entity& entity) const {
  const Lift& lift = entity.lift_;
  const bool inherits = lift.priority < entity.priority_;
  return {.waited = lift.waited,
          .deadline = lift.deadline,
          .priority = static_cast<uint8_t>(inherits ? lift.priority : entity.priority_),
          .client = inherits ? lift.client : entity.client_id(),
          .derived = true};
}

// One step of a walk along what waits for what: the entity's place, then what its head waits for.
// Other dependencies of its jobs are told when they come to be waited for.
void RunQueue::urge(Entity& entity, uint64_t seqno, fence::Urgency& urgency) {
  if (!policy_->heeds_urgency() || !entity.AttachHook::linked()) return;
  const bool was_ready = entity.ready_;
  unready(entity);
  const bool better = entity.lift_.merge(urgency, entity.priority_, seqno);
  if (was_ready) make_ready(entity);
  if (!better || !entity.waiting_for_) return;
  fence::Urgency further = urgency_of(entity);
  further.visits_left = urgency.visits_left;
  const fence::FenceRef fence = entity.waiting_for_;
  fence->urge(further);
  urgency.visits_left = further.visits_left;
}

}  // namespace fakegpu::sched
