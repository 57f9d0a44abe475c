// SPDX-License-Identifier: MIT
#include "reset_steps.h"

#include "hw/registers.h"

namespace fakegpu::drv {

namespace reg = hw::reg;

const ResetStepInfo& info(ResetStep step) {
  using base::kNanosPerMilli;
  static constexpr ResetStepInfo kSteps[] = {
      {"soft recovery", 10 * kNanosPerMilli},  // amdgpu's
      {"queue reset", 100 * kNanosPerMilli},  {"engine reset", 200 * kNanosPerMilli},
      {"GPU reset", 1000 * kNanosPerMilli},   {"wedged", 0},
  };
  return kSteps[static_cast<size_t>(step)];
}

std::vector<Ring*> ResetSteps::covered(ResetStep step, Ring& suspect) const {
  if (step == ResetStep::kKillWaves) return {};
  if (step == ResetStep::kQueueReset) return {&suspect};
  std::vector<Ring*> rings;
  for (const auto& ring : rings_)
    if (step != ResetStep::kEngineReset || block_of(*ring) == block_of(suspect))
      rings.push_back(ring.get());
  return rings;
}

uint32_t ResetSteps::block_of(const Ring& ring) const {
  switch (ring.info().type) {
    case DRM_FAKEGPU_RING_GFX:
      return reg::kSoftResetGfx;
    case DRM_FAKEGPU_RING_COMPUTE:
      return reg::kSoftResetCompute;
    default:
      return reg::kSoftResetSdma0 << ring.info().instance;
  }
}

void ResetSteps::begin(ResetStep step, Ring& suspect, SubmitJob* job) {
  switch (step) {
    case ResetStep::kKillWaves:
      if (job) job->emission()->set_error(-ENODATA);
      break;
    case ResetStep::kQueueReset:
      suspect.request_reset();
      break;
    case ResetStep::kEngineReset:
      function_.write32(reg::kSoftReset, block_of(suspect));
      break;
    case ResetStep::kGpuReset:
      function_.write32(reg::kGpuReset, reg::kGpuResetMode1);
      break;
    case ResetStep::kWedged:
      break;
  }
}

bool ResetSteps::done(ResetStep step, Ring& suspect, SubmitJob* job) {
  switch (step) {
    case ResetStep::kKillWaves:
      if (!job || job->emission()->test_signaled()) return true;
      function_.write32(reg::ring(suspect.info().index, reg::kRingKillWaves),
                        reg::kill_waves(job->vmid(), job->frame_end()));
      return false;
    case ResetStep::kQueueReset:
      return suspect.reset_done();
    case ResetStep::kEngineReset:
      return (function_.read32(reg::kSoftReset) & block_of(suspect)) == 0;
    case ResetStep::kGpuReset:
      return function_.read32(reg::kMagic) == reg::kMagicValue;
    case ResetStep::kWedged:
      break;
  }
  return true;
}

}  // namespace fakegpu::drv
