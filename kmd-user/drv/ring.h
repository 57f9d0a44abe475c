// SPDX-License-Identifier: MIT
// A hardware ring as the driver keeps it (amdgpu_ring and its fence driver): the buffer, the write
// pointer, the emissions in flight, and the scheduler that feeds it.
//
// wptr and rptr count dwords and never wrap; the place in the buffer is their low part. Empty:
// equal. Nobody looks at rptr before writing: the scheduler's credits, one for each job in flight,
// bound what is unread to what the buffer holds (kMaxJobs).
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "frame.h"
#include "hw/function.h"
#include "hw_fence.h"
#include "ioctl/table.h"
#include "job.h"
#include "mm/vmid.h"
#include "sched/scheduler.h"

namespace fakegpu::drv {

class Ring;

// What a ring tells its device.
class RingOwner {
 public:
  virtual void ring_kicked(Ring& ring) = 0;
  // `job` executes too long.
  virtual sched::TimeoutVerdict ring_timed_out(Ring& ring, SubmitJob& job) = 0;
  virtual RecoveryCounts recoveries() const = 0;
  // Jobs are in flight: completion interrupts may get lost from here on.
  virtual void ring_busy(Ring& ring) = 0;

 protected:
  ~RingOwner() = default;
};

struct RingInfo {
  unsigned index = 0;  // in the register file
  uint32_t type = 0;   // DRM_FAKEGPU_RING_*
  unsigned instance = 0;
  std::string name;  // amdgpu's
};

class Ring final : public sched::Backend {
 public:
  static constexpr uint32_t kDwords = 8192;
  static constexpr unsigned kMaxIbs = ioctl::kMaxSubmitIbs;
  // Jobs that fit, whatever their size. One frame stays free: of a job that has completed, the
  // packets behind its fence may be unread yet.
  static constexpr unsigned kMaxJobs = kDwords / max_frame_dwords(kMaxIbs) - 1;

  // `first_emission`: not 0.
  Ring(RingInfo info, RingOwner& owner, hw::Function& function, mm::VmidManager& vmids,
       fence::Contexts& contexts, const base::Clock& clock, uint64_t first_emission);
  // Stops the hardware.
  ~Ring() override;

  // Allocates buffer and writeback, programs the registers, enables fetching.
  base::Result<> start(mm::MemoryManager& manager, base::Ref<mm::Arena> arena,
                       base::Ref<mm::Usage> usage);
  void make_scheduler(sched::SchedulerOptions options, std::unique_ptr<sched::Policy> policy,
                      base::Tracer& tracer, fence::Contexts& contexts);

  // The ring test in two halves: emits a packet that stores a value; has it arrived?
  void emit_test();
  bool test_passed() const;

  const RingInfo& info() const { return info_; }
  sched::Scheduler& scheduler() { return *scheduler_; }
  bool ready() const { return ready_; }
  void set_ready(bool ready);

  // Signals the fences of every emission that the hardware has completed.
  void process_fences(base::Nanos when);
  bool busy() const { return !emissions_.empty(); }

  // Dwords written since the last reset; what the buffer holds.
  uint64_t wptr() const { return wptr_; }
  std::span<const uint32_t> contents() const;

  uint64_t emitted() const { return last_emission_; }
  uint64_t completed() const { return completed_; }
  base::Nanos busy_time(base::Nanos now) const;

  // True: the hardware had missed the last doorbell, and hears it now.
  bool repeat_doorbell();

  // Whether the hardware has stopped the queue with a fault.
  bool faulted() const;
  // Queue reset in two halves, since an engine may be in the middle of a packet: asks for it; is it
  // done? Then restart() clears the queue and enables fetching again.
  void request_reset();
  bool reset_done() const;
  void restart();
  // Drops the emissions in flight; their fences can no longer complete a job.
  void forget_emissions();
  // Emits a pending job again, with a new fence.
  fence::FenceRef emit_again(SubmitJob& job);

  // sched::Backend.
  fence::FenceRef prepare_job(sched::Job& job) override;
  base::Result<fence::FenceRef> run_job(sched::Job& job) override;
  void free_job(sched::Job& job) override;
  sched::TimeoutVerdict timed_out(sched::Job& job) override;
  void kick(sched::Scheduler& scheduler) override;

 private:
  fence::FenceRef emit(SubmitJob& job, mm::VmidManager::Grant grant);
  // 0, or the negative errno with which its job does not run.
  int refusal(const SubmitJob& job) const;
  bool is_sdma() const { return info_.type == DRM_FAKEGPU_RING_SDMA; }
  void program();
  // Copies `words` to the write pointer and rings the doorbell.
  void commit();

  RingInfo info_;
  RingOwner& owner_;
  hw::Function& function_;
  mm::VmidManager& vmids_;
  const base::Clock& clock_;
  std::shared_ptr<const std::string> timeline_;
  uint64_t fence_context_;
  mm::BoRef buffer_;
  mm::BoRef writeback_;
  std::unique_ptr<sched::Scheduler> scheduler_;
  packets::Words words_;  // the frame being built
  uint64_t wptr_ = 0;
  std::deque<base::Ref<HwFence>> emissions_;
  uint64_t last_emission_;
  uint64_t completed_;
  base::Nanos busy_since_ = 0;
  base::Nanos busy_total_ = 0;
  bool ready_ = false;
};

}  // namespace fakegpu::drv
