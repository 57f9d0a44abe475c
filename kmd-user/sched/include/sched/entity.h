// SPDX-License-Identifier: MIT
// drm_sched_entity: an in-order queue of jobs, usually one per context and ring. Jobs of an entity
// run in the order they were pushed; jobs of different entities are ordered by the policy.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "sched/account.h"
#include "sched/job.h"
#include "sched/lift.h"

namespace fakegpu::sched {

class Scheduler;
class RunQueue;

// Hooks of the run queue: entities whose head is to be looked at; all entities.
struct WakeHook : base::ListHook {};
struct AttachHook : base::ListHook {};

class Entity : private fence::Callback, public WakeHook, public AttachHook {
 public:
  // Over several schedulers of one kind the entity moves to the least loaded when its queue is
  // empty and its last job has finished. `schedulers` outlive the entity; -EINVAL if empty or one
  // is null. Reserves two fence contexts. `client`: the account of whom it belongs to.
  static base::Result<std::unique_ptr<Entity>> create(Priority priority,
                                                      std::span<Scheduler* const> schedulers,
                                                      AccountRef client);
  // kill() first; else jobs still queued are killed at time 0.
  virtual ~Entity();

  // Takes effect for the order of jobs not yet running.
  void set_priority(Priority priority);
  Priority priority() const { return priority_; }

  // drm_sched_entity_modify_sched: the schedulers to choose among from the next arm() on. The jobs
  // it has stay where they are. -EINVAL as create().
  base::Result<> set_schedulers(std::span<Scheduler* const> schedulers);

  // No more jobs run: those queued finish with -ESRCH, in order, each after the one before it and
  // after its own dependencies. Jobs already on the ring run to their end. A later push is refused
  // the same way. Idempotent.
  void kill(base::Nanos now);
  bool killed() const { return killed_; }

  // Its job `seqno`, if that is still queued, is wanted soon: lifts it, those ahead of it, and what
  // they wait for. At most Urgency::kMaxVisits steps; nothing if the policy does not heed it.
  void urge(uint64_t seqno, fence::Urgency& urgency);
  const Lift& lift() const { return lift_; }

  // Visits the queued jobs, oldest first.
  template <typename F>
  void for_each_queued(F&& visit) const {
    for (Job* job = queue_.front(); job; job = queue_.next(*job)) visit(*job);
  }
  // All popped (not: all finished).
  bool idle() const { return queue_.empty(); }
  size_t queued() const { return queued_; }
  // Of the job that was armed last; 0: none.
  uint64_t last_seqno() const { return last_seqno_; }
  // The oldest that is queued; null: none. What it waits for, if it has been looked at; or null.
  Job* head() const { return queue_.front(); }
  const fence::FenceRef& waiting_for() const { return waiting_for_; }
  // The job of that seqno, if it is queued or on the ring; or null.
  Job* find(uint64_t seqno) const;
  // How many are queued before `job`, which is.
  size_t ahead_of(const Job& job) const;
  // The error of the job popped last, once it has finished; 0 if none.
  int error() const;
  const Usage& usage() const { return account_->usage(); }
  Account& account() const { return *account_; }
  uint64_t fence_context() const { return fence_context_; }
  uint64_t client_id() const { return account_->client_id(); }
  Scheduler* scheduler() const { return scheduler_; }
  PolicySlot& policy_slot() { return account_->policy_slot(); }

 private:
  friend class Job;
  friend class Scheduler;
  friend class RunQueue;

  Entity(Priority priority, std::span<Scheduler* const> schedulers, AccountRef client);
  // A dependency of the head job signalled.
  void fence_signaled(fence::Fence& fence) override;
  // drm_sched_entity_select_rq: moves to the least loaded ready scheduler if nothing is under way.
  void balance();
  // The job leaves the queue, or never enters it: remembers it as the last one.
  void unqueue(Job& job);
  void refuse(Job& job);

  Priority priority_;
  bool killed_ = false;
  bool ready_ = false;    // its head job is in the policy
  bool blocked_ = false;  // and waits for what prepare_job() gave
  uint32_t armed_ = 0;    // armed, not yet pushed
  Lift lift_;
  std::vector<Scheduler*> schedulers_;
  Scheduler* scheduler_;
  uint64_t fence_context_;  // of the scheduled fences; + 1: of the finished fences
  uint64_t last_seqno_ = 0;
  base::List<Job, QueueHook> queue_;
  size_t queued_ = 0;
  fence::FenceRef waiting_for_;     // the head's unsignalled dependency
  fence::FenceRef last_scheduled_;  // finished fence of the job popped last
  AccountRef account_;
};

}  // namespace fakegpu::sched
