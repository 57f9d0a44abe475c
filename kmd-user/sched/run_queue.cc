// SPDX-License-Identifier: MIT
#include "sched/run_queue.h"

#include "job_fences.h"
#include "trace.h"

namespace fakegpu::sched {

RunQueue::RunQueue(std::unique_ptr<Policy> policy, uint64_t scheduler_id, bool in_order,
                   base::Tracer& tracer)
    : policy_(std::move(policy)),
      scheduler_id_(scheduler_id),
      in_order_(in_order),
      tracer_(tracer) {}

void RunQueue::reserve() {
  policy_->reserve(++reserved_);
}

void RunQueue::detach(Entity& entity) {
  unready(entity);
  base::List<Entity, WakeHook>::remove(entity);
  base::List<Entity, AttachHook>::remove(entity);
  if (entity.waiting_for_) entity.waiting_for_->remove_callback(entity);
  entity.waiting_for_.reset();
}

void RunQueue::wake(Entity& entity) {
  if (!entity.WakeHook::linked()) woken_.push_back(entity);
}

void RunQueue::look() {
  while (Entity* entity = woken_.pop_front()) {
    entity->waiting_for_.reset();
    Job* head = entity->queue_.front();
    if (!head || entity->ready_ || head_blocked(*entity, *head)) continue;
    entity->ready_ = true;
    policy_->add(*entity, *head);
  }
}

bool RunQueue::head_blocked(Entity& entity, Job& head) {
  for (; head.next_dependency_ < head.dependencies_.size(); ++head.next_dependency_) {
    fence::Fence* needed = required(*head.dependencies_[head.next_dependency_], entity);
    if (!needed || needed->is_signaled()) continue;
    entity.waiting_for_ = fence::FenceRef(needed);
    if (needed->add_callback(entity) == 0) {
      trace_unschedulable(tracer_, head, *head.dependencies_[head.next_dependency_]);
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
  if (entity.waiting_for_->add_callback(entity) != 0) {
    wake(entity);
    return;
  }
  trace_unschedulable(tracer_, head(entity), *entity.waiting_for_);
}

Job& RunQueue::pop(Entity& entity) {
  unready(entity);
  Job& job = *entity.queue_.pop_front();
  --entity.queued_;
  policy_->started(entity, job);
  entity.unqueue(job);
  if (!entity.queue_.empty()) wake(entity);
  return job;
}

void RunQueue::unready(Entity& entity) {
  if (!entity.ready_) return;
  entity.ready_ = false;
  policy_->remove(entity);
}

void RunQueue::set_priority(Entity& entity, Priority priority) {
  const bool was_ready = entity.ready_;
  unready(entity);
  entity.priority_ = priority;
  if (!was_ready) return;
  entity.ready_ = true;
  policy_->add(entity, head(entity));
}

}  // namespace fakegpu::sched
