// SPDX-License-Identifier: MIT
#include "ring_state.h"

namespace fakegpu::hw {
namespace {

uint32_t half(uint64_t value, bool high) {
  return static_cast<uint32_t>(high ? value >> 32 : value);
}

}  // namespace

void RingState::power_up() {
  base_lo.store(0);
  base_hi.store(0);
  size.store(0);
  redirect.store(0);
  wptr.store(0);
  rptr.store(0);
}

uint32_t RingState::read(uint32_t offset) const {
  switch (offset) {
    case reg::kRingBaseLo:
      return base_lo.load();
    case reg::kRingBaseHi:
      return base_hi.load();
    case reg::kRingSize:
      return size.load();
    case reg::kRingCntl:
      return cntl.load();
    case reg::kRingRptrLo:
    case reg::kRingRptrHi:
      return half(rptr.load(std::memory_order_acquire), offset == reg::kRingRptrHi);
    case reg::kRingWptrLo:
    case reg::kRingWptrHi:
      return half(wptr.load(), offset == reg::kRingWptrHi);
    case reg::kRingStatus:
      return status.load(std::memory_order_acquire) |
             (rptr.load(std::memory_order_acquire) != wptr.load() ? uint32_t{reg::kRingBusy} : 0);
    case reg::kRingFault:
      return fault.load();
    case reg::kRingFaultPacket:
      return fault_packet.load();
    case reg::kRingReset:
      return resets_pending.load(std::memory_order_acquire) & 1;
    case reg::kRingRedirect:
      return redirect.load();
    case reg::kRingIbLevel:
      return ib_level.load();
    case reg::kRingIbBaseLo:
    case reg::kRingIbBaseHi:
      return half(ib_base.load(), offset == reg::kRingIbBaseHi);
    case reg::kRingIbOffset:
      return ib_offset.load();
    case reg::kRingWorkgroup:
      return workgroup.load();
    default:
      return 0;
  }
}

}  // namespace fakegpu::hw
