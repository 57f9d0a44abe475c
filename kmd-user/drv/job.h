// SPDX-License-Identifier: MIT
// A submission as the scheduler sees it (amdgpu_job).
#pragma once

#include <span>

#include <fakegpu_drm.h>

#include "base/small_array.h"
#include "context.h"
#include "events.h"
#include "sched/job.h"
#include "task.h"

namespace fakegpu::drv {

// Bounds what one open file has submitted and not finished; outlives the file with its jobs.
struct JobCount final : base::RefCounted {
  explicit JobCount(uint64_t& of_device) : device(of_device) {}
  uint64_t& device;
  unsigned live = 0;
};

class SubmitJob final : public sched::Job {
 public:
  SubmitJob(sched::Entity& entity, ContextRef context, unsigned ring, base::Ref<JobCount> count,
            base::Ref<Task> task, base::SmallArray<drm_fakegpu_ib, 2> ibs)
      : Job(entity, 1),
        context_(std::move(context)),
        report_(context_->progress(ring)),
        count_(std::move(count)),
        task_(std::move(task)),
        ibs_(std::move(ibs)) {
    ++count_->live;
    ++count_->device;
  }

  std::span<const drm_fakegpu_ib> ibs() const { return ibs_; }
  Context& context() const { return *context_; }
  // Who submitted it.
  const base::Ref<Task>& task() const { return task_; }
  // The hardware fence of its newest emission: the only one that can complete it. Null before the
  // first.
  const fence::FenceRef& emission() const { return emission_; }
  // Those of the same emission: its VMID, and the wptr behind its frame.
  unsigned vmid() const { return vmid_; }
  uint64_t frame_end() const { return frame_end_; }
  void set_emission(fence::FenceRef fence, unsigned vmid, uint64_t frame_end) {
    emission_ = std::move(fence);
    vmid_ = vmid;
    frame_end_ = frame_end;
    ++emissions_;
  }
  // How often it was emitted.
  unsigned emissions() const { return emissions_; }
  // After arm(), before anybody else can listen to the finished fence: whoever is told by it finds
  // it in the fence page.
  void report_progress() {
    report_.progress().submit(finished()->seqno());
    finished()->add_callback(report_);
  }
  // Asks for an event; room in `queue` is reserved.
  void set_event(base::Ref<EventQueue> queue, const drm_fakegpu_event_fence& event) {
    queue_ = std::move(queue);
    event_ = event;
  }
  // The job is finished: sends its event.
  void complete() {
    if (!queue_) return;
    event_.seqno = finished()->seqno();
    event_.error = finished()->error();
    queue_->send(event_);
  }

 private:
  ~SubmitJob() override {
    --count_->live;
    --count_->device;
  }

  ContextRef context_;
  ProgressReport report_;
  base::Ref<JobCount> count_;
  base::Ref<Task> task_;
  base::SmallArray<drm_fakegpu_ib, 2> ibs_;
  fence::FenceRef emission_;
  uint64_t frame_end_ = 0;
  unsigned vmid_ = 0;
  unsigned emissions_ = 0;
  base::Ref<EventQueue> queue_;
  drm_fakegpu_event_fence event_ = {};
};

}  // namespace fakegpu::drv
