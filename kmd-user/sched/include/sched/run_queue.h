// SPDX-License-Identifier: MIT
// drm_sched_rq: a scheduler's entities. It finds out whose head job may run (dependencies are
// looked at only there, one at a time) and hands those to the policy. Internal to sched.
#pragma once

#include <cstdint>
#include <memory>

#include "base/trace.h"
#include "sched/entity.h"
#include "sched/policy.h"

namespace fakegpu::sched {

class RunQueue {
 public:
  // `scheduler_id` and `in_order` decide which dependencies need not have finished.
  RunQueue(std::unique_ptr<Policy> policy, uint64_t scheduler_id, bool in_order,
           base::Tracer& tracer);

  // Makes room for one more entity that may come here / gives it back.
  void reserve();
  void unreserve() { --reserved_; }
  void attach(Entity& entity) { entities_.push_back(entity); }
  // Out of everything, its wait for a dependency included.
  void detach(Entity& entity);
  Entity* any_attached() const { return entities_.front(); }

  // The entity's head is to be looked at, by the next look().
  void wake(Entity& entity);
  bool woken() const { return !woken_.empty(); }
  void look();

  // The policy's choice and its head job; null if no head may run.
  Entity* pick() { return policy_->pick(); }
  Job& head(Entity& entity) const { return *entity.queue_.front(); }
  // The picked head must wait for `blocker` after all.
  void block(Entity& entity, fence::FenceRef blocker);
  // Takes the picked head out.
  Job& pop(Entity& entity);

  void set_priority(Entity& entity, Priority priority);
  void job_finished(const Job& job) { policy_->finished(job); }
  const Policy& policy() const { return *policy_; }

 private:
  bool head_blocked(Entity& entity, Job& head);
  // What of `dependency` a job of `entity` here has to wait for; null: nothing.
  fence::Fence* required(fence::Fence& dependency, const Entity& entity) const;
  void unready(Entity& entity);

  std::unique_ptr<Policy> policy_;
  uint64_t scheduler_id_;
  bool in_order_;
  base::Tracer& tracer_;
  size_t reserved_ = 0;
  base::List<Entity, AttachHook> entities_;
  base::List<Entity, WakeHook> woken_;
};

}  // namespace fakegpu::sched
