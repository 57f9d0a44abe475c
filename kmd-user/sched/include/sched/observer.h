// SPDX-License-Identifier: MIT
// What a scheduler tells of itself to whoever wants to do the same again: all that comes to it from
// outside, and how it went on with that. In the order in which it happens; what follows from
// something told before (that a lift travels, that a job's end lets another begin) is not told.
// Linux has the gpu_scheduler tracepoints for such a purpose, which leave out what is no job's.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "fence/fence.h"

namespace fakegpu::sched {

class Entity;
class Job;

// Which job a fence tells of: that it was scheduled, or has finished.
struct JobFence {
  uint64_t context = 0;  // Entity::fence_context()
  uint64_t seqno = 0;
  bool finished = false;
};
// Nothing: it is no job's.
std::optional<JobFence> job_fence(fence::Fence& fence);

// One scheduler's; without one, what is told costs a branch. Under the device lock, often between
// the arming of a job and its signal: it may not fail, not call back, and only where it is said
// may it allocate.
class Observer {
 public:
  virtual ~Observer() = default;

  // The entity is there, and attached here / is about to go. May allocate.
  virtual void created(const Entity&) {}
  virtual void destroyed(const Entity&) {}

  // The job was pushed, with all its dependencies; nothing has come of it yet. May allocate.
  virtual void queued(const Entity&, const Job&) {}
  // Somebody outside wants the job `seqno` of that fence context (Entity::fence_context()) soon. It
  // may be executing already, or be armed and not yet pushed.
  virtual void urged([[maybe_unused]] uint64_t context, [[maybe_unused]] uint64_t seqno,
                     const fence::Urgency&) {}
  virtual void reprioritized(const Entity&) {}
  // Its queued jobs are about to be refused.
  virtual void killed(const Entity&) {}
  // By name, what the scheduler orders by from now on.
  virtual void policy_changed() {}

  // The job leaves its entity; `outcome`: kExecutes, kNothing, or the error (negative errno).
  static constexpr int kExecutes = 0;
  static constexpr int kNothing = 1;
  virtual void run(const Job&, [[maybe_unused]] int outcome) {}
  // Backend::prepare_job() has the entity's head job wait / it may be asked again.
  virtual void blocked(const Entity&, const Job&) {}
  virtual void unblocked(const Entity&) {}
  // The hardware fence of the job has signalled, at that time and with that error.
  virtual void completed(const Job&, [[maybe_unused]] base::Nanos when,
                         [[maybe_unused]] int error) {}
  // A dependency that is no job's, as Job::dependencies() has it, was found signalled, or signals
  // now; told at least once before that makes a difference.
  virtual void signaled(const fence::Fence&) {}

  // Scheduler::stop() begins / a job is going to finish with `error` although no hardware fence
  // said so / Scheduler::start() begins.
  virtual void stopped() {}
  virtual void failed(const Job&, [[maybe_unused]] int error) {}
  virtual void restarted() {}
};

}  // namespace fakegpu::sched
