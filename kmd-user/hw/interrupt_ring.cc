// SPDX-License-Identifier: MIT
#include "interrupt_ring.h"

#include <bit>
#include <cstring>

#include "hw/registers.h"

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
  if (!enabled_ || !std::has_single_bit(size_) || size_ < 2 * sizeof(IhEntry)) return false;
  const uint32_t next = (wptr_ + sizeof(IhEntry)) & (size_ - 1);
  const PhysAddr base = base_[0] | static_cast<PhysAddr>(base_[1]) << 32;
  const std::span<std::byte> slot = memory_.at(base + wptr_, sizeof(IhEntry));
  if (next == rptr_ || slot.empty()) {
    overflow_ = true;
    return true;
  }
  std::memcpy(slot.data(), &entry, sizeof(entry));
  wptr_ = next;
  return true;
}

void InterruptRing::deliver() {
  {
    base::MutexLock lock(handler_mutex_);
    if (calling_) {
      again_ = true;
      return;
    }
    if (!handler_) return;
    calling_ = true;
  }
  for (;;) {
    handler_();
    base::MutexLock lock(handler_mutex_);
    if (again_) {
      again_ = false;
      continue;
    }
    calling_ = false;
    break;
  }
  handler_done_.notify_all();
}

void InterruptRing::set_handler(base::UniqueFunction<void()> handler) NO_THREAD_SAFETY_ANALYSIS {
  // Declared before the lock, so that what the old handler owns is freed without it.
  base::UniqueFunction<void()> old;
  std::unique_lock lock(handler_mutex_.native());
  while (calling_) handler_done_.wait(lock);
  old = std::move(handler_);
  handler_ = std::move(handler);
}

void InterruptRing::power_up() {
  base::MutexLock lock(mutex_);
  base_[0] = base_[1] = size_ = rptr_ = wptr_ = 0;
  enabled_ = overflow_ = false;
}

uint32_t InterruptRing::read(uint32_t offset) const {
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
      return rptr_;
    case reg::kIhWptr:
      return wptr_ | (overflow_ ? reg::kIhOverflow : 0);
    default:
      return 0;
  }
}

void InterruptRing::write(uint32_t offset, uint32_t value) {
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
      rptr_ = wptr_ = 0;
      break;
    case reg::kIhCntl:
      enabled_ = value & 1;
      break;
    case reg::kIhRptr:
      // A pointer outside of the ring is cut to it, as the chip's register has no more bits.
      rptr_ =
          std::has_single_bit(size_) ? value & (size_ - 1) & ~(uint32_t{sizeof(IhEntry)} - 1) : 0;
      break;
    case reg::kIhWptr:
      if (value & reg::kIhOverflow) overflow_ = false;
      break;
    default:
      break;
  }
}

}  // namespace fakegpu::hw
