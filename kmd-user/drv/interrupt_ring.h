// SPDX-License-Identifier: MIT
// The driver's end of the interrupt ring (amdgpu_ih).
#pragma once

#include "hw/function.h"
#include "hw/interrupt.h"
#include "mm/bo.h"

namespace fakegpu::drv {

class InterruptRing {
 public:
  static constexpr uint32_t kBytes = 64 * 1024;

  explicit InterruptRing(hw::Function& function) : function_(function) {}
  // Turns interrupts off.
  ~InterruptRing();

  base::Result<> allocate(mm::MemoryManager& manager, base::Ref<mm::Arena> arena,
                          base::Ref<mm::Usage> usage);
  // Programs it, empty, and turns interrupts on. Again after a reset of the chip.
  void start();

  // Visits every entry that has arrived, each copied before it is looked at. Returns false if
  // entries were lost since the last call: the caller must look at everything.
  template <typename F>
  bool drain(F&& visit) {
    bool complete = true;
    hw::IhEntry entry;
    while (next(entry, complete)) visit(entry);
    return complete;
  }

 private:
  bool next(hw::IhEntry& entry, bool& complete);

  hw::Function& function_;
  mm::BoRef buffer_;
  uint32_t rptr_ = 0;  // bytes
};

}  // namespace fakegpu::drv
