// SPDX-License-Identifier: MIT
// drm_sched_job: one submission on its way through an entity to a ring.
//
//   INIT --arm--> ARMED --push--> QUEUED --(dependencies, credits)--> RUNNING --> DONE --> FREED
//
// Everything that can fail happens in INIT; between arm and the finished fence nothing allocates
// and nothing fails. Under the device lock, like all of sched.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/list.h"
#include "base/ref.h"
#include "fence/fence.h"
#include "sched/account.h"

namespace fakegpu::sched {

class Entity;
class JobFences;
class RunQueue;
class Scheduler;

enum class JobState : uint8_t { kInit, kArmed, kQueued, kRunning, kDone, kFreed };
const char* job_state_name(JobState state);

// What the job was charged by the policy that started it.
struct PolicyCharge {
  uint32_t epoch = 0;  // of the run queue's policy; 0: not started
  uint32_t flow = PolicySlot::kNone;
  base::Nanos expected = 0;  // execution, as guessed when the job came to the head
};

// Two list hooks: the entity's queue and the scheduler's lists.
struct QueueHook : base::ListHook {};
struct PendingHook : base::ListHook {};

// A driver derives its submission from this.
class Job : public base::RefCounted, public QueueHook, public PendingHook {
 public:
  // `credits`: how much of the ring the job takes, at least 1 (0 is taken as 1); arm() truncates it
  // to the scheduler's limit, with a warning. The entity must outlive the job's INIT state.
  Job(Entity& entity, uint32_t credits);

  // The job waits for `fence`; consumes the reference; null is allowed. Of two fences of one
  // context only the later is kept. Only in INIT.
  void add_dependency(fence::FenceRef fence);

  // Takes the seqno and makes both fences real: from here the finished fence may be published, and
  // the job must be pushed; one that is dropped instead finishes with -ECANCELED. Jobs of one
  // entity are armed and pushed in one order.
  void arm();
  // Makes it runnable: queues it on its entity and takes a reference for the scheduler. The
  // caller's own reference stays the caller's; the job may be finished when this returns.
  void push(base::Nanos now);

  // The job whose scheduled or finished fence this is, while it exists and is armed; or null.
  static Job* of(fence::Fence& fence);

  JobState state() const { return state_; }
  uint32_t credits() const { return credits_; }
  uint32_t karma() const { return karma_; }
  // Valid after arm().
  const fence::FenceRef& scheduled() const { return scheduled_; }
  const fence::FenceRef& finished() const { return finished_; }
  // The hardware's fence of the newest execution attempt; null before run_job and after a stop.
  const fence::FenceRef& parent() const { return parent_; }
  const std::vector<fence::FenceRef>& dependencies() const { return dependencies_; }
  Account& account() const { return *account_; }
  PolicyCharge& charge() { return charge_; }
  const PolicyCharge& charge() const { return charge_; }
  // Null once the job was popped; the entity may then be gone.
  Entity* entity() const { return entity_; }
  base::Nanos pushed_at() const { return pushed_at_; }
  // When it began to execute: run_job or, behind others on an in-order ring, the end of the one
  // before; of the newest execution attempt.
  base::Nanos started_at() const { return started_at_; }
  // When its execution ended, or it was refused. `finished` signals then or, so that a timeline
  // never runs backwards, when the entity's job before it has finished; of a job that the ring did
  // not execute not before its dependencies have.
  base::Nanos finished_at() const { return finished_at_; }

 protected:
  ~Job() override;

 private:
  friend class Entity;
  friend class JobFences;
  friend class RunQueue;
  friend class Scheduler;

  // The one fence the job itself waits for: its parent; then what must finish before it does.
  class Waiter final : public fence::Callback {
   public:
    explicit Waiter(Job& job) : job_(job) {}
    void fence_signaled(fence::Fence& fence) override;

   private:
    Job& job_;
  };

  void set_state(JobState state);
  // One of its fences is wanted soon.
  void urge(fence::Urgency& urgency);
  JobFences& fences() const;

  Entity* entity_;
  Scheduler* scheduler_ = nullptr;  // from arm to done
  uint32_t credits_;
  uint32_t karma_ = 0;
  uint32_t next_dependency_ = 0;
  JobState state_ = JobState::kInit;
  bool in_flight_ = false;  // holds credits
  bool settled_ = false;    // the outcome is known: executed, failed or refused
  fence::FenceRef scheduled_;
  fence::FenceRef finished_;
  fence::FenceRef parent_;
  fence::FenceRef previous_;  // finished fence of the entity's job before, while it matters
  AccountRef account_;
  PolicyCharge charge_;
  std::vector<fence::FenceRef> dependencies_;
  Waiter waiter_{*this};
  base::Nanos pushed_at_ = 0;
  base::Nanos started_at_ = 0;
  base::Nanos finished_at_ = 0;
  union {
    uint64_t order_ = 0;      // until it runs: among all jobs pushed to the scheduler
    base::Nanos timer_from_;  // then: the timeout counts from here or from started_at_, the later
  };
};

using JobRef = base::Ref<Job>;

}  // namespace fakegpu::sched
