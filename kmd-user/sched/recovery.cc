// SPDX-License-Identifier: MIT
// Timeouts, stop, start and the end of a scheduler.
#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

#include "sched/scheduler.h"

namespace fakegpu::sched {
namespace {

constexpr base::Nanos kNever = std::numeric_limits<base::Nanos>::max();

}  // namespace

base::Nanos Scheduler::deadline_of(const Job& job) const {
  const base::Nanos from = std::max(job.started_at_, job.timer_from_);
  return options_.timeout > kNever - from ? kNever : from + options_.timeout;
}

std::optional<base::Nanos> Scheduler::next_deadline() const {
  if (options_.timeout <= 0 || stopped_ || no_device_ || finished_) return std::nullopt;
  base::Nanos earliest = kNever;
  for (Job* job = pending_.front(); job; job = pending_.next(*job)) {
    earliest = std::min(earliest, deadline_of(*job));
    if (options_.in_order) break;  // only the head executes
  }
  if (earliest == kNever) return std::nullopt;
  return earliest;
}

Job* Scheduler::expired(base::Nanos now) const {
  const std::optional<base::Nanos> deadline = next_deadline();
  if (!deadline || *deadline > now) return nullptr;
  Job* job = pending_.front();
  while (deadline_of(*job) > now) job = pending_.next(*job);
  return job;
}

void Scheduler::check_timeouts(base::Nanos now) {
  while (Job* job = expired(now)) {
    // A lost interrupt is no hang.
    if (poll_parent(*job)) continue;
    const JobRef hold(job);
    const TimeoutVerdict verdict = backend_.timed_out(*job);
    if (verdict == TimeoutVerdict::kNoHang && options_.quirks.false_alarm_leaks_job) {
      job->waiter_.unlink();
      JobList::remove(*job);
      continue;
    }
    // Without this a handler that leaves the job where it was would be called for ever.
    job->timer_from_ = now;
    if (verdict == TimeoutVerdict::kNoDevice) abandon_device(now);
  }
}

void Scheduler::abandon_device(base::Nanos now) {
  no_device_ = true;
  stopped_ = false;
  while (Job* job = pending_.front()) {
    if (poll_parent(*job)) continue;
    detach_parent(*job);
    fail(*job, -ENODEV);
    settle(*job, now);
  }
  finish_unblocked(now);
  kick();
}

void Scheduler::detach_parent(Job& job) {
  if (!job.parent_) return;
  job.parent_->remove_callback(job.waiter_);
  set_parent(job, nullptr);
}

void Scheduler::stop(base::Nanos now) {
  if (finished_) return;
  if (observer()) observer()->stopped();
  stopped_ = true;
  // Polling one fence may complete any number of jobs: begin again then.
  for (Job* job = pending_.front(); job;) {
    job = poll_parent(*job) ? pending_.front() : pending_.next(*job);
  }
  finish_unblocked(now);
  for (Job* job = pending_.front(); job; job = pending_.next(*job)) {
    detach_parent(*job);
    give_back_credits(*job);
  }
}

void Scheduler::fail_pending(Job& job, int error) {
  assert(stopped_);
  detach_parent(job);
  fail(job, error);
}

void Scheduler::fail(Job& job, int error) {
  if (observer() && job.finished_->error() == 0) observer()->failed(job, error);
  job.finished_->set_error(error);
}

void Scheduler::charge_hung(Job& job, base::Nanos now) {
  const base::Nanos held = std::max<base::Nanos>(now - job.started_at_, 0);
  job.account_->add_hung(held);
  run_queue_.totals().add_hung(held);
}

void Scheduler::start(base::Nanos now, int error) {
  if (!stopped_ || finished_) return;
  if (observer()) observer()->restarted();
  stopped_ = false;
  JobList jobs;
  while (Job* job = pending_.pop_front()) {
    // What is run again is charged for that alone.
    const bool executed = jobs.empty() || !options_.in_order;
    if (executed && !job->parent_) charge_hung(*job, now);
    job->started_at_ = job->timer_from_ = now;
    if (job->parent_) take_credits(*job);
    jobs.push_back(*job);
  }
  while (Job* job = jobs.pop_front()) {
    pending_.push_back(*job);
    if (job->parent_) {
      watch_parent(*job);
    } else {
      fail(*job, error < 0 ? error : -ECANCELED);
      settle(*job, now);
    }
  }
  finish_unblocked(now);
  kick();
}

void Scheduler::fini(base::Nanos now, int error) {
  if (finished_) return;
  finished_ = true;
  stopped_ = false;
  ready_ = false;
  while (Entity* entity = run_queue_.any_attached()) entity->kill(now);
  while (Job* job = pending_.front()) {
    if (options_.quirks.fini_leaks_pending) {
      JobList::remove(*job);
      continue;
    }
    if (poll_parent(*job)) continue;
    detach_parent(*job);
    fail(*job, error < 0 ? error : -ECANCELED);
    settle(*job, now);
  }
  // What is left waits for foreign fences, or behind such a job.
  while (Job* job = settled_.pop_front()) {
    job->waiter_.unlink();
    unblocked_.push_back(*job);
  }
  finish_unblocked(now);
  reap();
}

}  // namespace fakegpu::sched
