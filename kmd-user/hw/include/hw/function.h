// SPDX-License-Identifier: MIT
// The hardware boundary: what a driver sees of one PCI function. The driver binds to this and to
// nothing else of the chip; bare metal is function 0, a virtual function is another, and a test may
// put a bare array behind it.
#pragma once

#include <cstdint>

#include "base/unique_function.h"
#include "hw/memory.h"

namespace fakegpu::hw {

class Function {
 public:
  virtual ~Function() = default;

  // MMIO; offsets in hw/registers.h, multiples of 4. Any thread. Never blocks and never raises an
  // interrupt from inside the call.
  virtual uint32_t read32(uint32_t offset) = 0;
  virtual void write32(uint32_t offset, uint32_t value) = 0;

  // Sets a ring's write pointer (dwords, counts up) and wakes its engine. Any thread; lock free.
  virtual void ring_doorbell(unsigned ring, uint64_t wptr) = 0;

  // VRAM and system memory; the same object for every function of the chip.
  virtual Memory& memory() = 0;

  // Called from an engine's task, with no lock of the chip held, after entries were put on the
  // interrupt ring; and from this function, if that happened during it. One handler; nullptr masks.
  // Returns only when no call of the old handler is running.
  virtual void set_interrupt_handler(base::UniqueFunction<void()> handler) = 0;

  void write64(uint32_t offset_lo, uint64_t value) {
    write32(offset_lo, static_cast<uint32_t>(value));
    write32(offset_lo + 4, static_cast<uint32_t>(value >> 32));
  }
  uint64_t read64(uint32_t offset_lo) {
    const uint64_t low = read32(offset_lo);
    return low | static_cast<uint64_t>(read32(offset_lo + 4)) << 32;
  }
};

}  // namespace fakegpu::hw
