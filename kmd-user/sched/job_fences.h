// SPDX-License-Identifier: MIT
// drm_sched_fence: the `scheduled` and `finished` fences of a job in one allocation. They outlive
// the job, the entity and the scheduler, so they copy what they need of those (upstream's pointer
// to the scheduler's name is a known use after free).
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "fence/fence.h"

namespace fakegpu::sched {

class Job;

class TimelineName final : public base::RefCounted {
 public:
  explicit TimelineName(std::string text) : text_(std::move(text)) {}
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// The object itself is the scheduled fence; it lives until both fences are unreferenced.
class JobFences final : public fence::Fence {
 public:
  class Finished final : public fence::Fence {
   public:
    // Its first reference is the job's; while it lasts it keeps the scheduled fence.
    explicit Finished(JobFences& owner) : Fence(0, 0), owner_(owner) {}
    ~Finished() override = default;
    std::string_view driver_name() const override { return kDriverName; }
    std::string_view timeline_name() const override { return owner_.timeline_name(); }

   protected:
    void do_set_deadline(base::Nanos when) override;
    void do_urge(fence::Urgency& urgency) override { owner_.do_urge(urgency); }
    void dispose() const override { owner_.release(); }

   private:
    friend class JobFences;
    JobFences& owner_;
  };

  JobFences() : Fence(0, 0), finished_(*this) {}
  ~JobFences() override = default;

  // Both fences become real. `scheduler_id` tells schedulers apart, alive or not.
  void arm(uint64_t context, uint64_t seqno, uint64_t scheduler_id,
           base::Ref<TimelineName> timeline);
  // The hardware fence that gets the finished fence's deadline, present and future; null: none.
  // Borrowed: the job holds it until it takes it back here.
  void set_parent(fence::Fence* parent);

  // Whom to tell that a fence is wanted; null: there is nothing to be done about it any more.
  // Borrowed, from arm() until the job goes.
  void set_job(Job* job) { job_ = job; }
  Job* job() const { return job_; }

  Finished& finished() { return finished_; }
  uint64_t scheduler_id() const { return scheduler_id_; }

  std::string_view driver_name() const override { return kDriverName; }
  std::string_view timeline_name() const override {
    return timeline_ ? std::string_view(timeline_->text()) : std::string_view("unarmed");
  }

  // to_drm_sched_fence: the pair that `fence` is half of, or null.
  static JobFences* from(fence::Fence& fence);
  bool is_scheduled(const fence::Fence& fence) const { return this == &fence; }

 protected:
  void do_urge(fence::Urgency& urgency) override;

 private:
  static constexpr std::string_view kDriverName = "drm_sched";

  base::Ref<TimelineName> timeline_;
  uint64_t scheduler_id_ = 0;
  fence::Fence* parent_ = nullptr;
  Job* job_ = nullptr;
  Finished finished_;
};

}  // namespace fakegpu::sched
