// SPDX-License-Identifier: MIT
// A ring that takes as long as the recorded one did. It gives a job back when both it and the job
// before have been there for long enough: for the job's recorded occupancy, from its start or the
// end of the job before, the later. Where starts are as recorded, so are ends, by induction.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sched/scheduler.h"
#include "sim/script.h"

namespace fakegpu::sim {

class ReplayRing;

class ReplayJob final : public sched::Job {
 public:
  ReplayJob(sched::Entity& entity, const ScriptJob& script, uint32_t index)
      : Job(entity, script.credits), script_(script), index_(index) {}
  const ScriptJob& script() const { return script_; }
  uint32_t index() const { return index_; }

 private:
  ~ReplayJob() override = default;

  const ScriptJob& script_;
  uint32_t index_;
};

// As good as never, and still a number to reckon with.
inline constexpr Nanos kFar = Nanos{1} << 62;

// Who plays.
class ReplayStage {
 public:
  virtual Nanos now() const = 0;
  virtual fence::FenceRef make_fence() = 0;
  // How long the job occupies its ring.
  virtual Nanos occupancy_of(const ReplayJob& job) const = 0;
  // A fence that signals when the recording unblocks the job next; null: it does not.
  virtual fence::FenceRef blocker_of(const ReplayJob& job) = 0;
  // The ring was given the job / it has given it back / the job has finished, or was refused.
  virtual void job_started(ReplayRing& ring, const ReplayJob& job) = 0;
  virtual void job_ended(uint32_t job) = 0;
  virtual void job_freed(const ReplayJob& job) = 0;

 protected:
  ~ReplayStage() = default;
};

class ReplayRing final : public sched::Backend {
 public:
  ReplayRing(ReplayStage& stage, uint32_t index, sched::SchedulerOptions options,
             std::unique_ptr<sched::Policy> policy, fence::Contexts& contexts,
             base::Tracer& tracer);

  uint32_t index() const { return index_; }
  sched::Scheduler& scheduler() { return *scheduler_; }

  // When the job that executes ends, unless that is never or the ring is stopped.
  std::optional<Nanos> due() const;
  bool executes(uint32_t job) const { return !flights_.empty() && flights_.front().index == job; }
  // The job begins to occupy the ring now, or behind those that do; its hardware fence.
  fence::FenceRef begin(const ReplayJob& job);
  // Ends that job now.
  void complete();

  void stop();
  // As recovery does: what has failed by then in the recording fails, what has ended is done, and
  // the rest begins anew. `restart` counts this ring's.
  void restart(uint32_t restart);

  // Whether there is something for pump() to do.
  bool kicked() const { return kicked_; }
  void pump();

  Nanos busy() const { return busy_; }

  // sched::Backend.
  fence::FenceRef prepare_job(sched::Job& job) override;
  base::Result<fence::FenceRef> run_job(sched::Job& job) override;
  void free_job(sched::Job& job) override;
  sched::TimeoutVerdict timed_out(sched::Job&) override { return sched::TimeoutVerdict::kNoHang; }
  void kick(sched::Scheduler&) override { kicked_ = true; }

 private:
  struct Flight {
    uint32_t index;
    const ScriptJob* script;
    Nanos from;  // it occupies the ring
    Nanos due;
    fence::FenceRef fence;
  };

  void end(const Flight& flight, Nanos noticed);

  ReplayStage& stage_;
  uint32_t index_;
  std::deque<Flight> flights_;
  Nanos last_end_ = 0;
  Nanos busy_ = 0;
  bool kicked_ = false;
  std::unique_ptr<sched::Scheduler> scheduler_;
};

}  // namespace fakegpu::sim
