// SPDX-License-Identifier: MIT
// The physical chip: memory, GPUVM, the interrupt ring, and the engines that execute rings. It
// knows nothing of drivers. Engines run as tasks of the executor, one task at a time per ring, and
// outside every lock of the driver.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "base/result.h"
#include "base/trace.h"
#include "hw/fault_injector.h"
#include "hw/function.h"
#include "hw/profile.h"

namespace fakegpu::hw {

class Gpu {
 public:
  // `clock`, `executor` and `tracer` outlive the chip.
  static base::Result<std::unique_ptr<Gpu>> create(const Profile& profile, base::Clock& clock,
                                                   base::Executor& executor, base::Tracer& tracer);
  // Engines that run are waited for; their tasks that are left in the executor come to nothing. The
  // fault injector's late interrupts and slow resets must be over.
  virtual ~Gpu() = default;

  // 0 is bare metal. Virtual functions come with SR-IOV; until then 0 is the only one.
  virtual Function& function(unsigned index) = 0;
  virtual FaultInjector& faults() = 0;
  virtual const Profile& profile() const = 0;
  virtual unsigned ring_count() const = 0;
};

}  // namespace fakegpu::hw
