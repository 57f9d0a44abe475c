// SPDX-License-Identifier: MIT
#include "sched/scheduler.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "job_fences.h"
#include "trace.h"

namespace fakegpu::sched {

Scheduler::Scheduler(SchedulerOptions options, std::unique_ptr<Policy> policy, Backend& backend,
                     fence::Contexts& contexts, base::Tracer& tracer)
    : options_(std::move(options)),
      backend_(backend),
      contexts_(contexts),
      tracer_(tracer),
      id_(contexts.allocate()),
      timeline_(base::make_ref<TimelineName>(options_.name)),
      run_queue_(std::move(policy), id_, options_.in_order, tracer) {
  options_.credit_limit = std::max(options_.credit_limit, 1u);
}

Scheduler::~Scheduler() {
  assert(pending_.empty() && settled_.empty() && unblocked_.empty() && done_.empty());
  assert(!run_queue_.any_attached());
}

void Scheduler::kick() {
  if (kicked_ || pumping_ || finished_) return;
  kicked_ = true;
  backend_.kick(*this);
}

void Scheduler::queued(Entity& entity, Job& job, base::Nanos now) {
  ++score_;
  run_queue_.totals().add_pushed();
  job.order_ = run_queue_.totals().usage().pushed;
  if (entity.killed_ || finished_) {
    entity.refuse(job);
    finish_unblocked(now);
    if (finished_) reap();
    return;
  }
  const bool is_head = entity.queue_.empty();
  entity.queue_.push_back(job);
  ++entity.queued_;
  if (!is_head) return;
  run_queue_.filled(entity);
  kick();
}

void Scheduler::wake(Entity& entity) {
  run_queue_.wake(entity);
  kick();
}

void Scheduler::pump(base::Nanos now) {
  if (pumping_) return;
  pumping_ = true;
  bool more = true;
  while (more) {
    finish_unblocked(now);
    if (stopped_) break;
    reap();
    if (pending_.empty() && run_queue_.woken()) {
      run_queue_.idle(std::max<base::Nanos>(now - idle_since_, 0));
      idle_since_ = std::max(idle_since_, now);
    }
    run_queue_.look();
    more = run_next(now) || !unblocked_.empty() || !done_.empty() || run_queue_.woken();
  }
  pumping_ = false;
  kicked_ = false;
}

bool Scheduler::run_next(base::Nanos now) {
  if (finished_) return false;
  Entity* entity = run_queue_.pick();
  if (!entity) return false;
  Job& head = run_queue_.head(*entity);
  // Head of line: nobody overtakes the best, or a big job would starve behind small ones.
  if (!fits(head, now)) return false;
  if (!no_device_) {
    if (fence::FenceRef blocker = backend_.prepare_job(head)) {
      run_queue_.block(*entity, std::move(blocker));
      return true;
    }
  }
  Job& job = run_queue_.pop(*entity);
  take_credits(job);
  trace_run(*this, *entity, job);
  run(job, now);
  return true;
}

bool Scheduler::fits(const Job& head, base::Nanos now) const {
  if (credits_in_flight_ + uint64_t{head.credits_} > options_.credit_limit) return false;
  return options_.depth == 0 || pending_.empty() || depth_in_flight(now) < options_.depth;
}

base::Nanos Scheduler::depth_in_flight(base::Nanos now) const {
  const Job* oldest = pending_.front();
  if (!oldest) return 0;
  // One that takes longer than it was expected to is no sign that the ring is about to run dry.
  const base::Nanos overrun = now - oldest->started_at_ - oldest->charge_.expected;
  return expected_in_flight_ + std::max<base::Nanos>(overrun, 0);
}

base::Nanos Scheduler::executing(const Account& account, base::Nanos now) const {
  base::Nanos sum = 0;
  for (Job* job = pending_.front(); job; job = pending_.next(*job)) {
    if (job->account_->is_within(account)) sum += std::max<base::Nanos>(now - job->started_at_, 0);
    if (options_.in_order) break;  // only the head executes
  }
  return sum;
}

void Scheduler::set_policy(std::unique_ptr<Policy> policy) {
  run_queue_.set_policy(std::move(policy));
  if (observer()) observer()->policy_changed();
  kick();
}

void Scheduler::run(Job& job, base::Nanos now) {
  job.set_state(JobState::kRunning);
  job.started_at_ = job.timer_from_ = now;
  job.account_->add_started();
  run_queue_.totals().add_started();
  pending_.push_back(job);
  int error = -ENODEV;
  fence::FenceRef parent;
  if (!no_device_) {
    base::Result<fence::FenceRef> result = backend_.run_job(job);
    error = result ? 0 : result.error().negated();
    if (result) parent = std::move(*result);
  }
  if (error < 0) job.finished_->set_error(error);
  if (observer())
    observer()->run(job, error < 0 ? error : parent ? Observer::kExecutes : Observer::kNothing);
  if (parent) set_parent(job, std::move(parent));
  job.scheduled_->signal(now);
  if (job.parent_) {
    watch_parent(job);
  } else {
    settle(job, now);
  }
}

void Scheduler::set_parent(Job& job, fence::FenceRef parent) {
  job.fences().set_parent(parent.get());
  job.parent_ = std::move(parent);
}

void Scheduler::watch_parent(Job& job) {
  if (job.parent_->add_callback(job.waiter_) != 0) parent_signaled(job);
}

void Scheduler::waiter_fired(Job& job, fence::Fence& fence) {
  if (!job.settled_) {
    parent_signaled(job);
    return;
  }
  run_queue_.tell_signaled(fence);
  JobList::remove(job);
  unblocked_.push_back(job);
  kick();
}

void Scheduler::parent_signaled(Job& job) {
  if (job.settled_) return;
  const int error = job.parent_->error();
  if (observer()) observer()->completed(job, job.parent_->timestamp(), error);
  if (error < 0) job.finished_->set_error(error);
  settle(job, job.parent_->timestamp());
}

// Asks the hardware fence itself. True if the job is settled by now.
bool Scheduler::poll_parent(Job& job) {
  if (!job.parent_ || !job.parent_->is_signaled()) return job.settled_;
  job.waiter_.unlink();
  parent_signaled(job);
  return true;
}

void Scheduler::settle(Job& job, base::Nanos when) {
  const bool was_executing = pending_.front() == &job;
  JobList::remove(job);
  give_back_credits(job);
  --score_;
  job.settled_ = true;
  if (!job.parent_) job.next_dependency_ = 0;
  job.finished_at_ = std::max(when, job.started_at_);
  if (Job* next = pending_.front(); next && was_executing && options_.in_order) {
    next->started_at_ = std::max(next->started_at_, job.finished_at_);
  }
  if (pending_.empty()) idle_since_ = job.finished_at_;
  const base::Nanos gpu_time = job.finished_at_ - job.started_at_;
  const base::Nanos wait_time = job.started_at_ - job.pushed_at_;
  job.account_->add_completed(gpu_time, wait_time);
  run_queue_.totals().add_completed(gpu_time, wait_time);
  settled_.push_back(job);
  advance(job, job.finished_at_);
  // Its credits are free even if the job itself has to wait.
  kick();
}

void Scheduler::refused(Job& job) {
  if (!options_.quirks.score_leaks_on_kill) --score_;
  job.account_->add_refused();
  run_queue_.totals().add_refused();
  job.settled_ = true;
  job.next_dependency_ = 0;
  job.finished_->set_error(-ESRCH);
  unblocked_.push_back(job);
}

// Finishes the settled job unless it has to wait, and then waits.
void Scheduler::advance(Job& job, base::Nanos when) {
  if (job.previous_) {
    if (job.previous_->add_callback(job.waiter_) == 0) return;
    job.previous_.reset();
  }
  // What the ring did not execute has no place in the ring's order, so that a dependency that was
  // only scheduled when the job's turn came may still be under way.
  if (!job.parent_ && blocked_by_dependency(job)) return;
  if (job.state_ == JobState::kQueued) {
    job.finished_at_ = when;
    job.scheduled_->signal(when);
  }
  finish(job, when);
}

bool Scheduler::blocked_by_dependency(Job& job) {
  for (; !finished_ && job.next_dependency_ < job.dependencies_.size(); ++job.next_dependency_) {
    fence::Fence* needed = job.dependencies_[job.next_dependency_].get();
    // The data it stands for must be at rest, not only on its way. This takes no reference: the
    // finished fence may be unreferenced already, but then it has signalled.
    if (JobFences* fences = JobFences::from(*needed)) needed = &fences->finished();
    if (!needed->is_signaled() && needed->add_callback(job.waiter_) == 0) return true;
    run_queue_.tell_signaled(*needed);
  }
  return false;
}

void Scheduler::finish(Job& job, base::Nanos when) {
  if (job.state_ == JobState::kRunning) trace_done(tracer_, job);
  JobList::remove(job);
  job.set_state(JobState::kDone);
  job.fences().set_parent(nullptr);
  done_.push_back(job);
  job.finished_->signal(when);
  kick();
}

void Scheduler::finish_unblocked(base::Nanos now) {
  while (Job* job = unblocked_.pop_front()) {
    settled_.push_back(*job);
    advance(*job, now);
  }
}

void Scheduler::reap() {
  while (Job* job = done_.pop_front()) {
    run_queue_.job_finished(*job);
    job->set_state(JobState::kFreed);
    job->scheduler_ = nullptr;
    backend_.free_job(*job);
    job->release();
  }
}

void Scheduler::take_credits(Job& job) {
  credits_in_flight_ += job.credits_;
  expected_in_flight_ += job.charge_.expected;
  job.in_flight_ = true;
}

void Scheduler::give_back_credits(Job& job) {
  if (!job.in_flight_) return;
  credits_in_flight_ -= job.credits_;
  expected_in_flight_ -= job.charge_.expected;
  job.in_flight_ = false;
}

}  // namespace fakegpu::sched
