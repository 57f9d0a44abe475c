// SPDX-License-Identifier: MIT
// The engine as others reach it: registers, doorbell, reset and kill; and what leaves it: fences
// and interrupts.
#include <bit>

#include "engine.h"

namespace fakegpu::hw {

void Engine::doorbell(uint64_t wptr) {
  if (chip_.faults.fires(FaultKind::kStuckDoorbell, ring_)) return;
  if (chip_.tracer.enabled())
    chip_.tracer.emit("gpu_ring_doorbell", {{"ring", ring_}, {"wptr", wptr}});
  state_.wptr.store(wptr, std::memory_order_release);
  task_.kick();
}

void Engine::write(uint32_t offset, uint32_t value) {
  switch (offset) {
    case reg::kRingBaseLo:
      state_.base_lo.store(value & ~0xffu);
      break;
    case reg::kRingBaseHi:
      state_.base_hi.store(value);
      break;
    case reg::kRingSize:
      state_.size.store(value);
      break;
    case reg::kRingCntl:
      state_.cntl.store(value & 1, std::memory_order_release);
      task_.kick();
      break;
    case reg::kRingWptrLo:
      // The engine looks when the high half is written, so that it never sees half a pointer.
      wptr_low_.store(value);
      break;
    case reg::kRingWptrHi:
      state_.wptr.store(wptr_low_.load() | static_cast<uint64_t>(value) << 32,
                        std::memory_order_release);
      task_.kick();
      break;
    case reg::kRingReset:
      if (value & 1) request_reset(ResetLevel::kQueue);
      break;
    case reg::kRingRedirect:
      state_.redirect.store(value & 3, std::memory_order_release);
      break;
    case reg::kRingKillWaves:
      if (!(value & reg::kKillBefore) && value > reg::kKillVmid) break;
      // The driver asks again and again; one that is lost would not be missed.
      if (chip_.faults.fires(FaultKind::kMuteKill, ring_)) mute_kill_.store(true);
      if (mute_kill_.load()) break;
      kill_request_.store(value);
      control(kKill);
      break;
    default:
      break;
  }
}

// At once if the engine is not in a step, else at the step's next packet, workgroup or chunk.
void Engine::control(Control request) {
  controls_.fetch_or(request, std::memory_order_release);
  if (!task_.try_enter()) return;
  handle_controls();
  // What was killed may have others behind it.
  task_.leave(request == kKill);
}

void Engine::request_reset(ResetLevel level) {
  state_.resets_pending.fetch_or(bit(level));
  // Whoever asked then waits for ever.
  const bool lost =
      (level == ResetLevel::kQueue && chip_.faults.fires(FaultKind::kMuteQueueReset, ring_)) ||
      (level == ResetLevel::kBlock && chip_.faults.fires(FaultKind::kMuteEngineReset, ring_));
  if (lost) return;
  base::Nanos longer = 0;
  // That of the chip has a time of its own.
  if (level == ResetLevel::kChip || !chip_.faults.fires(FaultKind::kSlowReset, ring_, &longer)) {
    hear_reset(level);
    return;
  }
  // Another reset meanwhile was this one's too.
  chip_.executor.post_at(chip_.clock.now() + longer, [this, level, resets = resets_.load()] {
    if (resets_.load() == resets) hear_reset(level);
  });
}

void Engine::hear_reset(ResetLevel level) {
  heard_resets_.fetch_or(bit(level), std::memory_order_release);
  control(kReset);
}

void Engine::handle_controls() {
  const uint32_t requests = controls_.exchange(0, std::memory_order_acq_rel);
  if (requests & kKill) kill_waves();
  if (requests & kReset) reset();
}

void Engine::reset() {
  const uint32_t heard = heard_resets_.exchange(0, std::memory_order_acq_rel);
  if (heard == 0) return;
  const auto level = static_cast<ResetLevel>(std::bit_width(heard) - 1);
  // Then it stays pending, until a higher one.
  if (operation_ && level < ResetLevel::kChip && !operation_->ends_with(level)) return;
  operation_ = nullptr;
  inject_hang_ = inject_wait_ = false;
  mute_kill_.store(false);
  dead_ = chip_.faults.fires(FaultKind::kFailedRingTest, ring_);
  memory_.miss_all(false);
  lose_interrupt_ = repeat_interrupt_ = false;
  delay_fence_ = 0;
  hold_ = 0;
  idle_ = true;
  cursor_ = now_ = chip_.clock.now();
  queue_reset();
  stream_.reset();
  state_.cntl.store(0);
  state_.fault.store(reg::kFaultNone);
  state_.fault_packet.store(0);
  state_.status.store(0, std::memory_order_release);
  publish();
  task_.set_timer(SerialTask::kNever);
  if (level == ResetLevel::kChip) state_.power_up();
  ++resets_;
  // What was asked for meanwhile is heard next.
  state_.resets_pending.fetch_and(heard_resets_.load(std::memory_order_acquire),
                                  std::memory_order_acq_rel);
}

void Engine::kill_waves() {
  const uint32_t request = kill_request_.exchange(kNoKill);
  if (request == kNoKill || (request & reg::kKillVmid) != stream_.vmid()) return;
  if (!operation_ || !operation_->killable()) return;
  // The difference of the two, modulo 2^24, with a sign.
  const uint32_t left = request - (static_cast<uint32_t>(state_.rptr.load()) << 8);
  if ((request & reg::kKillBefore) && static_cast<int32_t>(left & ~0xffu) <= 0) return;
  if (state_.status.load() & reg::kRingFaulted) return;
  cursor_ = now();
  finish(0);
}

bool Engine::write_fence(uint64_t address, uint64_t value, bool wide) {
  // A client's own writes stay where it says; the four slots are the driver's.
  if (privileged()) address += state_.redirection();
  const bool written = wide ? memory_.store64(address, value)
                            : memory_.store32(address, static_cast<uint32_t>(value));
  if (written && chip_.tracer.enabled())
    chip_.tracer.emit("gpu_fence_write",
                      {{"ring", ring_}, {"vmid", stream_.vmid()}, {"value", value}});
  return written;
}

// A client could forge the driver's fence if its interrupts came through: those of VMIDs other than
// 0 are masked.
void Engine::raise(IrqSource source, uint32_t context_id, uint64_t value) {
  if (!privileged()) return;
  IhEntry entry{};
  entry.source = static_cast<uint8_t>(source);
  entry.context_id = context_id;
  entry.data[0] = value;
  put_interrupt(entry);
}

void Engine::put_interrupt(IhEntry entry) {
  entry.ring = static_cast<uint8_t>(ring_);
  entry.vmid = static_cast<uint8_t>(stream_.vmid());
  if (lose_interrupt_) {
    lose_interrupt_ = false;
    return;
  }
  if (repeat_interrupt_) raised_ |= chip_.interrupts.raise(entry);
  repeat_interrupt_ = false;
  raised_ |= chip_.interrupts.raise(entry);
}

}  // namespace fakegpu::hw
