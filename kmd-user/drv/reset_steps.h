// SPDX-License-Identifier: MIT
// The steps of the recovery ladder against the hardware: each begins something and is then looked
// at until it is done. Who decides is Recovery. Real counterparts: amdgpu_ring_soft_recovery(),
// amdgpu_ring_reset(), the soft_reset of an IP block, amdgpu_device_mode1_reset().
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "hw/function.h"
#include "interrupt_ring.h"
#include "mm/vmid.h"
#include "ring.h"

namespace fakegpu::drv {

// Lowest first; each takes more with it.
enum class ResetStep : uint8_t { kKillWaves, kQueueReset, kEngineReset, kGpuReset, kWedged };

struct ResetStepInfo {
  std::string_view name;
  // How long it may take; also how long the ring tests after it may take together.
  base::Nanos bound;
};
const ResetStepInfo& info(ResetStep step);

class ResetSteps {
 public:
  ResetSteps(hw::Function& function, const std::vector<std::unique_ptr<Ring>>& rings,
             mm::VmidManager& vmids)
      : function_(function), rings_(rings), vmids_(vmids) {}

  // The rings that have to stand while the step is taken because of `suspect`.
  std::vector<Ring*> covered(ResetStep step, Ring& suspect) const;

  void begin(ResetStep step, Ring& suspect, SubmitJob* job);
  // Asks again for what may be asked for repeatedly. True: the hardware has done it.
  bool done(ResetStep step, Ring& suspect, SubmitJob* job);

 private:
  uint32_t block_of(const Ring& ring) const;

  hw::Function& function_;
  const std::vector<std::unique_ptr<Ring>>& rings_;
  mm::VmidManager& vmids_;
};

}  // namespace fakegpu::drv
