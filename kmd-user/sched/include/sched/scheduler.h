// SPDX-License-Identifier: MIT
// drm_gpu_scheduler: decides which job a ring runs next. It owns no thread, no clock and no lock:
// the driver calls pump() when there may be something to do, and the scheduler acts on the ring
// through its Backend. Real counterpart: drivers/gpu/drm/scheduler/sched_main.c. Under the device
// lock.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/trace.h"
#include "sched/entity.h"
#include "sched/job.h"
#include "sched/memory.h"
#include "sched/observer.h"
#include "sched/policy.h"
#include "sched/run_queue.h"

namespace fakegpu::sched {

class TimelineName;

// What the driver's timeout handler found.
enum class TimeoutVerdict {
  kReset,    // it stopped, reset and started the scheduler; every pending job is accounted for
  kNoHang,   // false alarm: the job goes on, with a full timeout
  kNoDevice  // the device is gone: no more timeouts, and every job finishes with -ENODEV, unrun
};

// The ring behind a scheduler; implemented by the driver.
class Backend {
 public:
  virtual ~Backend() = default;

  // Asked repeatedly once the job's dependencies are met: a fence to wait for, or null when the job
  // may run (a VMID, say). Must not fail.
  virtual fence::FenceRef prepare_job(Job&) { return nullptr; }

  // Emits the job and returns its hardware fence. Null: nothing to execute, the job is done. An
  // error: the job finishes with it. In both cases once its dependencies have finished, which on an
  // in-order ring may be later. Must not call back into the scheduler.
  virtual base::Result<fence::FenceRef> run_job(Job& job) = 0;

  // The job is finished and off every list; the scheduler drops its reference after this.
  virtual void free_job(Job&) {}

  // `job` exceeded the timeout while executing. See TimeoutVerdict. May call stop(), start() and
  // fence operations; must not call pump().
  virtual TimeoutVerdict timed_out(Job& job) = 0;

  // The scheduler gained something to do (a push, a completion, a dependency): call pump() soon,
  // not from here. Called at most once until the next pump().
  virtual void kick(class Scheduler& scheduler) = 0;
};

// Known faults of drm_sched, to be studied and for tests of who should find them.
struct Quirks {
  // A timeout that was no hang drops the job, which nobody finishes or frees then (before
  // DRM_GPU_SCHED_STAT_NO_HANG).
  bool false_alarm_leaks_job = false;
  // fini() forgets the pending jobs (without cancel_job).
  bool fini_leaks_pending = false;
  // Jobs killed in the queue stay in the score that balances load.
  bool score_leaks_on_kill = false;
};

struct SchedulerOptions {
  std::string name;           // of the ring; the fences' timeline name
  uint32_t credit_limit = 2;  // amdgpu's sched_hw_submission; at least 1
  // No further job starts while those in flight are expected to execute this long; 0: only credits
  // count. One more than that waits in the ring at most, whatever the jobs' lengths.
  base::Nanos depth = 0;
  base::Nanos timeout = 0;  // of one job's execution; 0: none
  // The ring completes in order: a dependency on the same ring is met as soon as it is scheduled.
  bool in_order = true;
  std::string device = "fakegpu";  // for traces
  Quirks quirks;
};

class Scheduler {
 public:
  // `backend`, `contexts` and `tracer` outlive it.
  Scheduler(SchedulerOptions options, std::unique_ptr<Policy> policy, Backend& backend,
            fence::Contexts& contexts, base::Tracer& tracer);
  // fini() first. Entities must be gone.
  ~Scheduler();

  // Frees finished jobs and starts ready ones until the ring is full or nothing is ready. Picks by
  // the policy; if the best ready head does not fit the free credits, nobody overtakes it.
  void pump(base::Nanos now);

  // When check_timeouts() wants to be called; nothing while no job executes.
  std::optional<base::Nanos> next_deadline() const;
  // Calls the backend's timed_out() for a job whose execution exceeded the timeout at `now`.
  void check_timeouts(base::Nanos now);

  // drm_sched_stop: no job starts or is freed until start(). Detaches every pending job from its
  // hardware fence; those whose fence has signalled finish first. Pending jobs keep their order.
  void stop(base::Nanos now);
  // Visits the pending jobs, oldest first. The visitor may not pump; while stopped it may reattach
  // and fail them.
  template <typename F>
  void for_each_pending(F&& visit) {
    for (Job* job = pending_.front(); job; job = pending_.next(*job)) visit(*job);
  }
  // Between stop() and start(): gives the pending job a new hardware fence (it was emitted again),
  // or an error (negative errno) to finish with. Both take effect in start().
  void reattach(Job& job, fence::FenceRef parent) { set_parent(job, std::move(parent)); }
  void fail_pending(Job& job, int error);
  // drm_sched_start: pending jobs without a hardware fence finish with `error` (negative errno)
  // unless fail_pending() gave them their own; timers start anew. Nothing if not stopped.
  void start(base::Nanos now, int error);

  // drm_sched_fini, total: no job starts any more; queued jobs of entities that still exist finish
  // with -ESRCH (their entities are killed), pending ones with `error`; everything is signalled and
  // freed whatever state it was in, foreign dependencies included. A later push is refused at once.
  void fini(base::Nanos now, int error);

  // Orders by another policy from now on, whatever is queued or running. Nothing is lost or started
  // by this; jobs in flight are settled with nobody.
  void set_policy(std::unique_ptr<Policy> policy);

  // Tells `observer` from now on; borrowed, null: nobody.
  void set_observer(Observer* observer) { run_queue_.set_observer(observer); }
  Observer* observer() const { return run_queue_.observer(); }
  // What it knows now, between two pumps. Entities and jobs of it are borrowed, but for the jobs of
  // entities that are gone nobody else keeps them. Allocates.
  SchedulerMemory save() const;
  // Goes on from there in place of the scheduler that told it; both orders by the same policy,
  // unless `from.policy` is empty: then this one's begins anew. Nothing was pushed here so far;
  // `from` names new entities of this one, and jobs of them that are armed, and of those that
  // execute it sets `parents` (by job in `from`; else null) as run_job() would. With another policy
  // or fewer credits more may be in flight than would be started. Allocates. False: no scheduler
  // can have told that; nothing but fini() will do then.
  bool restore(const SchedulerMemory& from, std::span<const fence::FenceRef> parents);

  // Visits the entities that are attached here, in the order in which they came.
  template <typename F>
  void for_each_entity(F&& visit) const {
    run_queue_.for_each_attached(visit);
  }

  void increase_karma(Job& job) { ++job.karma_; }
  const std::string& name() const { return options_.name; }
  const SchedulerOptions& options() const { return options_; }
  uint32_t credits_in_flight() const { return credits_in_flight_; }
  // Expected execution of what is in flight.
  base::Nanos depth_in_flight(base::Nanos now) const;
  // Execution up to now of jobs of `account`, or of one within it, that have not ended.
  base::Nanos executing(const Account& account, base::Nanos now) const;
  // Totals of all jobs that were pushed here.
  const Usage& usage() const { return run_queue_.totals().usage(); }
  // Load for balancing: jobs queued and in flight.
  uint32_t score() const { return score_; }
  bool ready() const { return ready_; }
  void set_ready(bool ready) { ready_ = ready; }
  bool stopped() const { return stopped_; }
  const Policy& policy() const { return run_queue_.policy(); }
  base::Tracer& tracer() { return tracer_; }
  fence::Contexts& contexts() { return contexts_; }

 private:
  friend class Entity;
  friend class Job;
  using JobList = base::List<Job, PendingHook>;

  // From entities and jobs.
  void queued(Entity& entity, Job& job, base::Nanos now);
  void refused(Job& job);
  void wake(Entity& entity);
  void waiter_fired(Job& job, fence::Fence& fence);
  void kick();

  // Starting.
  bool run_next(base::Nanos now);
  bool fits(const Job& head, base::Nanos now) const;
  void run(Job& job, base::Nanos now);
  void set_parent(Job& job, fence::FenceRef parent);
  void watch_parent(Job& job);

  // Ending. A job is settled when its outcome is known, and finishes once the entity's job before
  // it and, unless the ring executed it, its dependencies have. finish_unblocked() and reap() loop
  // rather than recurse, however long the chain.
  void parent_signaled(Job& job);
  bool poll_parent(Job& job);
  void detach_parent(Job& job);
  void settle(Job& job, base::Nanos when);
  void advance(Job& job, base::Nanos when);
  bool blocked_by_dependency(Job& job);
  void finish(Job& job, base::Nanos when);
  void finish_unblocked(base::Nanos now);
  void reap();

  base::Nanos deadline_of(const Job& job) const;
  Job* expired(base::Nanos now) const;
  void abandon_device(base::Nanos now);
  void fail(Job& job, int error);
  void charge_hung(Job& job, base::Nanos now);
  void save(Job& job, JobMemory::Place place, SchedulerMemory& to) const;
  void leave_entity(const JobMemory& memory);
  void place(const JobMemory& memory, const fence::FenceRef& parent);
  void count(const JobMemory& memory);
  void take_credits(Job& job);
  void give_back_credits(Job& job);

  SchedulerOptions options_;
  Backend& backend_;
  fence::Contexts& contexts_;
  base::Tracer& tracer_;
  uint64_t id_;  // names this scheduler in fences that outlive it
  base::Ref<TimelineName> timeline_;
  RunQueue run_queue_;
  JobList pending_;    // on the ring, oldest first
  JobList settled_;    // waiting for what must finish before them
  JobList unblocked_;  // settled, and that has finished
  JobList done_;       // to be freed
  uint32_t credits_in_flight_ = 0;
  uint32_t score_ = 0;
  base::Nanos expected_in_flight_ = 0;
  base::Nanos idle_since_ = 0;  // nothing in flight since
  bool ready_ = true;
  bool stopped_ = false;
  bool kicked_ = false;
  bool pumping_ = false;
  bool no_device_ = false;
  bool finished_ = false;
};

}  // namespace fakegpu::sched
