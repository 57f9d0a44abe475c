// SPDX-License-Identifier: MIT
#include "sched/job.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/log.h"
#include "job_fences.h"
#include "sched/scheduler.h"
#include "trace.h"

namespace fakegpu::sched {
namespace {

constexpr uint8_t bit(JobState state) {
  return static_cast<uint8_t>(1u << static_cast<unsigned>(state));
}

// What a state may follow, by state.
constexpr uint8_t kBefore[] = {
    0,
    bit(JobState::kInit),
    bit(JobState::kArmed),
    bit(JobState::kQueued),
    bit(JobState::kQueued) | bit(JobState::kRunning),  // a killed job never runs
    bit(JobState::kDone),
};

}  // namespace

const char* job_state_name(JobState state) {
  switch (state) {
    case JobState::kInit:
      return "init";
    case JobState::kArmed:
      return "armed";
    case JobState::kQueued:
      return "queued";
    case JobState::kRunning:
      return "running";
    case JobState::kDone:
      return "done";
    case JobState::kFreed:
      return "freed";
  }
  return "unknown";
}

Job::Job(Entity& entity, uint32_t credits)
    : entity_(&entity), credits_(std::max(credits, 1u)), account_(entity.account_) {
  auto* fences = new JobFences;
  scheduled_ = fence::FenceRef(fences);
  finished_ = fence::FenceRef::adopt(&fences->finished());
}

Job::~Job() {
  fences().set_job(nullptr);
  // An armed job that is dropped would leave its waiters waiting for ever.
  if (state_ != JobState::kArmed) return;
  finished_->set_error(-ECANCELED);
  scheduled_->signal(pushed_at_);
  finished_->signal(pushed_at_);
}

JobFences& Job::fences() const {
  return static_cast<JobFences&>(*scheduled_);
}

void Job::set_state(JobState state) {
  assert(kBefore[static_cast<size_t>(state)] & bit(state_));
  if (base::log_enabled(base::LogLevel::kDebug))
    base::log(base::LogLevel::kDebug, "job {}:{} {} -> {}", finished_->context(),
              finished_->seqno(), job_state_name(state_), job_state_name(state));
  state_ = state;
}

void Job::add_dependency(fence::FenceRef fence) {
  assert(state_ == JobState::kInit);
  if (!fence) return;
  for (fence::FenceRef& known : dependencies_) {
    if (known->context() != fence->context()) continue;
    if (fence::Fence::is_later(*fence, *known)) known = std::move(fence);
    return;
  }
  dependencies_.push_back(std::move(fence));
}

void Job::arm() {
  entity_->balance();
  scheduler_ = entity_->scheduler_;
  const uint32_t limit = scheduler_->options().credit_limit;
  if (credits_ > limit) {
    base::log(base::LogLevel::kWarning,
              "{}: Jobs may not exceed the credit limit, truncate {} to {}", scheduler_->name(),
              credits_, limit);
    credits_ = limit;
  }
  fences().arm(entity_->fence_context_, ++entity_->last_seqno_, scheduler_->id_,
               scheduler_->timeline_);
  fences().set_job(this);
  ++entity_->armed_;
  set_state(JobState::kArmed);
}

void Job::push(base::Nanos now) {
  set_state(JobState::kQueued);
  add_ref();
  pushed_at_ = now;
  --entity_->armed_;
  account_->add_pushed();
  trace_queue(*scheduler_, *entity_, *this);
  for (const fence::FenceRef& dependency : dependencies_) {
    trace_add_dep(scheduler_->tracer(), *this, *dependency);
  }
  if (Observer* observer = scheduler_->observer()) observer->queued(*entity_, *this);
  scheduler_->queued(*entity_, *this, now);
}

Job* Job::of(fence::Fence& fence) {
  JobFences* fences = JobFences::from(fence);
  return fences ? fences->job() : nullptr;
}

void Job::urge(fence::Urgency& urgency) {
  if (entity_) {
    entity_->urge(finished_->seqno(), urgency);
  } else if (Observer* observer = scheduler_ ? scheduler_->observer() : nullptr;
             observer && !urgency.derived) {
    observer->urged(scheduled_->context(), finished_->seqno(), urgency);
  }
}

void Job::Waiter::fence_signaled(fence::Fence& fence) {
  job_.scheduler_->waiter_fired(job_, fence);
}

}  // namespace fakegpu::sched
