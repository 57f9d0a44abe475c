// SPDX-License-Identifier: MIT
// What registers show of a ring: written by its engine or by the driver, read by anybody.
#pragma once

#include <atomic>
#include <cstdint>

#include "hw/registers.h"

namespace fakegpu::hw {

struct RingState {
  std::atomic<uint32_t> base_lo{0};
  std::atomic<uint32_t> base_hi{0};
  std::atomic<uint32_t> size{0};
  std::atomic<uint32_t> cntl{0};
  // Dwords, counting up. rptr moves when a packet has retired, an IB's when the IB has ended: the
  // packet at rptr is the one to blame. wptr - rptr is at most the size; equal means empty.
  std::atomic<uint64_t> rptr{0};
  std::atomic<uint64_t> wptr{0};
  std::atomic<uint32_t> status{0};  // RingStatus without kRingBusy
  std::atomic<uint32_t> fault{reg::kFaultNone};
  std::atomic<uint32_t> fault_packet{0};
  std::atomic<uint32_t> resets_pending{0};  // a bit for each ResetLevel
  std::atomic<uint32_t> redirect{0};

  // Published at the end of each step.
  std::atomic<uint32_t> ib_level{0};
  std::atomic<uint64_t> ib_base{0};
  std::atomic<uint32_t> ib_offset{0};
  std::atomic<uint32_t> workgroup{0};

  // As after power on.
  void power_up();
  // `offset` within the ring's registers.
  uint32_t read(uint32_t offset) const;
  uint64_t base() const { return base_lo.load() | static_cast<uint64_t>(base_hi.load()) << 32; }
  bool enabled() const { return cntl.load(std::memory_order_acquire) & 1; }
  // Bytes from a fence's first slot to the one that writebacks go to now (amdgpu's four slots).
  uint64_t redirection() const {
    return uint64_t{8} * (redirect.load(std::memory_order_acquire) & 3);
  }
};

}  // namespace fakegpu::hw
