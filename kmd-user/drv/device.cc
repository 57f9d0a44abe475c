// SPDX-License-Identifier: MIT
#include "device.h"

#include <algorithm>
#include <bit>

#include "base/log.h"
#include "dma_buf_file.h"
#include "file_impl.h"
#include "handlers.h"
#include "hw/registers.h"

namespace fakegpu::drv {

namespace {

// When an interrupt may be lost, fences are looked at this often (amdgpu's
// AMDGPU_FENCE_JIFFIES_TIMEOUT).
constexpr base::Nanos kFallback = 500 * base::kNanosPerMilli;

}  // namespace

Device::Device(hw::Function& function, Options options, base::Clock& clock,
               base::Executor& executor, base::Tracer& tracer, Faults& faults)
    : function_(function),
      options_(std::move(options)),
      clock_(clock),
      executor_(executor),
      tracer_(tracer),
      faults_(faults),
      lock_(clock, [this] { settle(); }),
      vmids_(function),
      reset_steps_(function, rings_, vmids_),
      recovery_(lock_, executor, tracer, *this, reset_steps_, quarantine_),
      recorder_(lock_, rings_),
      wedged_events_(tracer) {}

base::Result<std::unique_ptr<Device>> Device::create(hw::Function& function, Options options,
                                                     base::Clock& clock, base::Executor& executor,
                                                     base::Tracer& tracer, Faults& faults) {
  std::unique_ptr<Device> device(
      new Device(function, std::move(options), clock, executor, tracer, faults));
  FAKEGPU_TRY(device->bring_up());
  return device;
}

Device::~Device() {
  shutdown();
  function_.set_interrupt_handler(nullptr);
}

void Device::handle_interrupt() {
  DeviceLock::Guard guard(lock_);
  const bool complete = interrupts_->drain([this](const hw::IhEntry& entry) {
    if (entry.ring >= rings_.size()) return;
    Ring& ring = *rings_[entry.ring];
    switch (static_cast<hw::IrqSource>(entry.source)) {
      case hw::IrqSource::kEop:
      case hw::IrqSource::kSdmaTrap:
        ring.process_fences(std::min<base::Nanos>(entry.timestamp, now()));
        break;
      case hw::IrqSource::kVmFault:
        recover_faulted(ring,
                        fmt::format("[gfxhub] page fault (vmid:{} address:{:#x} status:{:#x})",
                                    entry.vmid, entry.data[0], entry.data[1]));
        break;
      case hw::IrqSource::kBadOpcode:
        recover_faulted(ring,
                        fmt::format("Illegal opcode in command stream (reason:{} packet:{:#x})",
                                    entry.data[0], entry.data[1]));
        break;
    }
  });
  if (!complete) {
    base::log(base::LogLevel::kWarning, "IH ring buffer overflow");
    for (const auto& ring : rings_) {
      ring->process_fences(now());
      recover_faulted(*ring, "the report of its fault was lost");
    }
  }
  recovery_.look();
}

void Device::hang_found(const Suspicion& suspicion) {
  if (core_dumps_.current(now())) return;
  dump_under_way_ = CoreDump::capture(*this, suspicion);
  core_dumps_.keep(dump_under_way_);
}

// Soft recovery ends the job and disturbs nobody else, so amdgpu sends nothing. What may help
// against a wedged device is what i915 and xe name, which send it for the same reason; here either
// is a new daemon, as the chip is in it too.
void Device::recovery_ended(ResetStep step, bool vram_lost, base::Ref<Task> task) {
  uint32_t recovery = DRM_FAKEGPU_WEDGE_RECOVERY_NONE;
  if (step == ResetStep::kWedged) {
    release_queued_ = true;
    recovery = DRM_FAKEGPU_WEDGE_RECOVERY_REBIND | DRM_FAKEGPU_WEDGE_RECOVERY_BUS_RESET;
  }
  if (step != ResetStep::kKillWaves && !options_.as_6_12)
    wedged_events_.announce(recovery, std::move(task));
  if (!dump_under_way_) return;
  dump_under_way_->set_outcome(
      fmt::format("{}{}", info(step).name, vram_lost ? "; VRAM is lost due to GPU reset!" : ""));
  dump_under_way_.reset();
}

FileImpl* Device::find_client(uint64_t client_id) const {
  const auto found = std::ranges::find(files_, client_id, &FileImpl::client_id);
  return found == files_.end() ? nullptr : *found;
}

// Only if the queue stands now: a report may arrive when the ring was reset for it already, and
// would then blame whoever executes next. A ring that was given up stays so.
void Device::recover_faulted(Ring& ring, std::string_view why) {
  if (!unplugged_ && ring.ready() && ring.faulted())
    recovery_.suspect({Suspicion::Cause::kFault, ring, nullptr, std::string(why)});
}

void Device::ring_kicked(Ring& ring) {
  kicked_ |= 1u << ring.info().index;
}

// Runs under the lock, before it is released.
void Device::settle() {
  do {
    if (kicked_) arm_watchdog(pump_kicked());
    recorder_.end_section();
  } while (let_in() || release_queued());
  if (wedged_events_.due()) wedged_events_.send(now());
}

// Of a device that was given up: what was ready has been refused by now, and the rest waits for
// something that may never come. True: there were such jobs, perhaps.
bool Device::release_queued() {
  if (!std::exchange(release_queued_, false)) return false;
  for (const auto& ring : rings_) ring->scheduler().fini(now(), -ENODEV);
  return true;
}

// By number, not in the order in which they were kicked: that is an order of callbacks, which
// depends on who else listens. Pumping one ring may kick another (a dependency across rings).
// Gives a bit for each ring that was pumped.
uint32_t Device::pump_kicked() {
  const base::Nanos now = this->now();
  uint32_t pumped = 0;
  while (kicked_) {
    const int ring = std::countr_zero(kicked_);
    kicked_ &= kicked_ - 1;
    pumped |= 1u << ring;
    rings_[ring]->scheduler().pump(now);
  }
  return pumped;
}

// Submissions that wait, now that there may be room for them. True: some were let in.
bool Device::let_in() {
  bool any = false;
  for (SubmitQueue* queue = full_queues_.front(); queue;) {
    SubmitQueue* const next = full_queues_.next(*queue);
    if (submit_waiting(*queue)) {
      any = true;
      // Of queues that share a file's jobs each has its turn.
      if (queue->linked()) {
        queue->unlink();
        full_queues_.push_back(*queue);
      }
    }
    queue = next;
  }
  return any;
}

sched::TimeoutVerdict Device::ring_timed_out(Ring& ring, SubmitJob& job) {
  ring.process_fences(now());
  if (job.state() != sched::JobState::kRunning) return sched::TimeoutVerdict::kNoHang;
  // That it was not heard is no fault of the job's.
  if (ring.repeat_doorbell()) return sched::TimeoutVerdict::kNoHang;
  recovery_.suspect({Suspicion::Cause::kTimeout, ring, &job, "job exceeded its time"});
  return sched::TimeoutVerdict::kReset;
}

// One timer for all rings. It is moved only when it would be late; when it is early, it looks and
// is set again, which costs less than moving it for every job. `rings`: a bit for each whose next
// deadline may be another than it was; whatever makes it so kicks the ring's scheduler.
void Device::arm_watchdog(uint32_t rings) {
  std::optional<base::Nanos> due;
  for (; rings; rings &= rings - 1) {
    const auto deadline = rings_[std::countr_zero(rings)]->scheduler().next_deadline();
    if (deadline && (!due || *deadline < *due)) due = deadline;
  }
  if (!due || unplugged_) return;
  if (watchdog_ && watchdog_at_ <= *due) return;
  if (watchdog_) executor_.cancel(watchdog_);
  watchdog_at_ = *due;
  watchdog_ = executor_.post_at(*due, [this] {
    DeviceLock::Guard guard(lock_);
    watchdog_ = 0;
    if (unplugged_) return;
    for (const auto& ring : rings_) ring->scheduler().check_timeouts(now());
    arm_watchdog((1u << rings_.size()) - 1);
  });
}

void Device::ring_busy(Ring&) {
  arm_fallback();
}

void Device::arm_fallback() {
  if (fallback_ || unplugged_) return;
  fallback_ = executor_.post_at(clock_.now() + kFallback, [this] {
    DeviceLock::Guard guard(lock_);
    fallback_ = 0;
    bool busy = false;
    for (const auto& ring : rings_) {
      ring->process_fences(now());
      if (ring->busy() && !recovery_.concerns(*ring)) ring->repeat_doorbell();
      busy |= ring->busy();
    }
    if (busy) arm_fallback();
  });
}

Machine::Census Device::census() {
  DeviceLock::Guard guard(lock_);
  Machine::Census census = counts_;
  census.files = files_.size();
  census.bos = memory_->bo_count();
  census.heap_bytes[0] = memory_->heap_used(mm::Heap::kVram);
  census.heap_bytes[1] = memory_->heap_used(mm::Heap::kSystem);
  return census;
}

void Device::shutdown() {
  DeviceLock::Guard guard(lock_);
  if (unplugged_) return;
  unplugged_ = true;
  for (FileImpl* file : files_) file->unplug();
  // Each takes itself out.
  while (!accessed_.empty()) (*accessed_.begin())->unplug();
  recovery_.stop();
  const base::Nanos now = this->now();
  for (const auto& ring : rings_) {
    ring->request_reset();
    quarantine_.hold(*ring);
    if (!ring->scheduler().stopped()) ring->scheduler().stop(now);
    ring->forget_emissions();
    ring->set_ready(false);
    ring->scheduler().fini(now, -ENODEV);
  }
  if (watchdog_) executor_.cancel(std::exchange(watchdog_, 0));
  if (fallback_) executor_.cancel(std::exchange(fallback_, 0));
}

}  // namespace fakegpu::drv
