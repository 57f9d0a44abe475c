// SPDX-License-Identifier: MIT
// drm_sched_rq: a scheduler's entities. It finds out whose head job may run (dependencies are
// looked at only there, one at a time) and hands those to the policy. Internal to sched.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/trace.h"
#include "sched/entity.h"
#include "sched/memory.h"
#include "sched/observer.h"
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
  void attach(Entity& entity);
  // Out of everything, its wait for a dependency included.
  void detach(Entity& entity);
  Entity* any_attached() const { return entities_.front(); }
  template <typename F>
  void for_each_attached(F&& visit) const {
    for (Entity* entity = entities_.front(); entity; entity = entities_.next(*entity))
      visit(*entity);
  }
  // Borrowed; null: nobody.
  void set_observer(Observer* observer) { observer_ = observer; }
  Observer* observer() const { return observer_; }

  // Another policy from here on: what is queued stays queued, in its order.
  void set_policy(std::unique_ptr<Policy> policy);

  // The entity's head is to be looked at, by the next look(); in the order in which the heads were
  // pushed, whoever was woken first.
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

  // The entity's queue got its first job / lost its last.
  void filled(Entity& entity);

  // What the entity waited for has signalled / a dependency is found to have.
  void tell_woken(const Entity& entity, fence::Fence& fence);
  void tell_signaled(fence::Fence& fence);

  void set_priority(Entity& entity, Priority priority);
  // Its job `seqno` is wanted soon.
  void urge(Entity& entity, uint64_t seqno, fence::Urgency& urgency);
  void job_finished(Job& job);
  // How long the entity's next job may be expected to execute; 0: nothing is known.
  base::Nanos expected(const Entity& entity) const {
    const base::Nanos own = entity.account().average();
    return own != 0 ? own : totals_.average();
  }
  // As Scheduler's. restore() takes what is told of entities, which have their jobs by then.
  void save(SchedulerMemory& to) const;
  bool restore(const SchedulerMemory& from);
  // After that failed.
  void forget_policy();
  bool restore_charge(const Job& job) { return policy_->restore_charge(job); }
  uint32_t epoch() const { return epoch_; }

  // Nothing executed for so long, up to now.
  void idle(base::Nanos span) { policy_->ring_idle(span); }
  Account& totals() { return totals_; }
  const Account& totals() const { return totals_; }
  const Policy& policy() const { return *policy_; }

 private:
  // What the head waits for is told so only with `urges`.
  bool head_blocked(Entity& entity, Job& head, bool urges = true);
  std::vector<Entity*> attached() const;
  void resume(const EntityMemory& memory);
  // What of `dependency` a job of `entity` here has to wait for; null: nothing.
  fence::Fence* required(fence::Fence& dependency, const Entity& entity) const;
  void make_ready(Entity& entity);
  static bool before(const Entity& a, const Entity& b);
  void unready(Entity& entity);
  // What a fence that the entity's head waits for is told.
  fence::Urgency urgency_of(const Entity& entity) const;
  void join(Entity& entity);
  void leave(Entity& entity);

  std::unique_ptr<Policy> policy_;
  uint32_t epoch_ = 1;  // which policy since the start; jobs are settled by the one they paid
  uint64_t scheduler_id_;
  bool in_order_;
  base::Tracer& tracer_;
  Observer* observer_ = nullptr;
  size_t reserved_ = 0;
  size_t attached_ = 0;
  Account totals_;  // of all jobs here
  base::List<Entity, AttachHook> entities_;
  base::List<Entity, WakeHook> woken_;
  bool woken_in_order_ = true;
};

}  // namespace fakegpu::sched
