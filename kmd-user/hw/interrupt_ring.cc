// SPDX-License-Identifier: MIT
#include "interrupt_ring.h"

#include <cstring>

#include "hw/registers.h"
#include "power_of_two.h"

namespace fakegpu::hw {

bool InterruptRing::raise(IhEntry entry) {
  entry.timestamp = static_cast<uint64_t>(clock_.now());
  if (faults_.armed()) {
    if (faults_.fires(FaultKind::kLostInterrupt, entry.ring)) return false;
    base::Nanos delay = 0;
    if (faults_.fires(FaultKind::kLateInterrupt, entry.ring, &delay)) {
      executor_.post_at(clock_.now() + delay, [this, entry] {
        if (put(entry)) deliver();
      });
      return false;
    }
    if (faults_.fires(FaultKind::kDuplicateInterrupt, entry.ring)) put(entry);
  }
  return put(entry);
}

bool InterruptRing::put(const IhEntry& entry) {
  base::MutexLock lock(mutex_);
  if (!enabled_ || !is_power_of_two(size_) || size_ < 2 * sizeof(IhEntry)) return false;
  const uint32_t next = (wptr_ + sizeof(IhEntry)) & (size_ - 1);
  const PhysAddr base = base_[0] | static_cast<PhysAddr>(base_[1]) << 32;
  const std::span<std::byte> slot = memory_.at(base + wptr_, sizeof(IhEntry));
  if (next == rptr() || slot.empty()) {
    overflow_ = true;
  } else {
    std::memcpy(slot.data(), &entry, sizeof(entry));
    wptr_ = next;
  }
  show_wptr();
  return true;
}

void InterruptRing::deliver() {
  if (calls_.fetch_add(1, std::memory_order_acq_rel) == 0) call(1);
}

// `answered`: calls_ as it is answered by the first call. Until nobody has come during one.
void InterruptRing::call(uint32_t answered) {
  do {
    if (handler_) handler_();
  } while (!calls_.compare_exchange_strong(answered, 0, std::memory_order_acq_rel));
  calls_.notify_all();
}

void InterruptRing::set_handler(base::UniqueFunction<void()> handler) {
  uint32_t calls = 0;
  while (!calls_.compare_exchange_weak(calls, 1, std::memory_order_acq_rel)) {
    if (calls != 0) calls_.wait(calls, std::memory_order_acquire);
    calls = 0;
  }
  std::swap(handler_, handler);
  // Whoever came meanwhile has left it to this thread to call.
  calls = 1;
  if (calls_.compare_exchange_strong(calls, 0, std::memory_order_acq_rel)) {
    calls_.notify_all();
  } else {
    call(calls);
  }
}

void InterruptRing::power_up() {
  base::MutexLock lock(mutex_);
  base_[0] = base_[1] = size_ = wptr_ = 0;
  rptr_.store(0);
  enabled_ = overflow_ = false;
  show_wptr();
}

// A pointer outside of the ring is cut to it, as the chip's register has no more bits.
uint32_t InterruptRing::rptr() const {
  if (!is_power_of_two(size_)) return 0;
  return rptr_.load(std::memory_order_acquire) & (size_ - 1) & ~(uint32_t{sizeof(IhEntry)} - 1);
}

void InterruptRing::show_wptr() {
  shown_wptr_.store(wptr_ | (overflow_ ? reg::kIhOverflow : 0), std::memory_order_release);
}

uint32_t InterruptRing::read(uint32_t offset) const {
  if (offset == reg::kIhWptr) return shown_wptr_.load(std::memory_order_acquire);
  base::MutexLock lock(mutex_);
  switch (offset) {
    case reg::kIhBaseLo:
      return base_[0];
    case reg::kIhBaseHi:
      return base_[1];
    case reg::kIhSize:
      return size_;
    case reg::kIhCntl:
      return enabled_;
    case reg::kIhRptr:
      return rptr();
    default:
      return 0;
  }
}

void InterruptRing::write(uint32_t offset, uint32_t value) {
  if (offset == reg::kIhRptr) {
    rptr_.store(value, std::memory_order_release);
    return;
  }
  base::MutexLock lock(mutex_);
  switch (offset) {
    case reg::kIhBaseLo:
      base_[0] = value & ~0xffu;
      break;
    case reg::kIhBaseHi:
      base_[1] = value;
      break;
    case reg::kIhSize:
      // The pointers of a ring of another size mean nothing.
      size_ = value;
      wptr_ = 0;
      rptr_.store(0);
      show_wptr();
      break;
    case reg::kIhCntl:
      enabled_ = value & 1;
      break;
    case reg::kIhWptr:
      if (value & reg::kIhOverflow) overflow_ = false;
      show_wptr();
      break;
    default:
      break;
  }
}

}  // namespace fakegpu::hw
