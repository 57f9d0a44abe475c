// SPDX-License-Identifier: MIT
#include "job_fences.h"

#include <typeinfo>

#include "sched/job.h"
#include "sched/observer.h"

namespace fakegpu::sched {

void JobFences::Finished::do_set_deadline(base::Nanos when) {
  if (owner_.parent_) owner_.parent_->set_deadline(when);
  fence::Urgency urgency{.deadline = when};
  owner_.do_urge(urgency);
}

void JobFences::do_urge(fence::Urgency& urgency) {
  if (job_) job_->urge(urgency);
}

void JobFences::arm(uint64_t context, uint64_t seqno, uint64_t scheduler_id,
                    base::Ref<TimelineName> timeline) {
  set_identity(context, seqno);
  finished_.set_identity(context + 1, seqno);
  scheduler_id_ = scheduler_id;
  timeline_ = std::move(timeline);
}

void JobFences::set_parent(fence::Fence* parent) {
  parent_ = parent;
  if (parent_ && finished_.deadline() != 0) parent_->set_deadline(finished_.deadline());
}

JobFences* JobFences::from(fence::Fence& fence) {
  if (typeid(fence) == typeid(Finished)) return &static_cast<Finished&>(fence).owner_;
  if (typeid(fence) == typeid(JobFences)) return static_cast<JobFences*>(&fence);
  return nullptr;
}

std::optional<JobFence> job_fence(fence::Fence& fence) {
  const JobFences* fences = JobFences::from(fence);
  if (!fences) return std::nullopt;
  return JobFence{fences->context(), fences->seqno(), !fences->is_scheduled(fence)};
}

}  // namespace fakegpu::sched
