// SPDX-License-Identifier: MIT
#include "chip_reset.h"

#include <algorithm>

#include "hw/registers.h"

namespace fakegpu::hw {

ChipReset::ChipReset(const Profile& profile, const base::Clock& clock, base::Executor& executor,
                     FaultInjector& faults, base::UniqueFunction<void(bool)> power_up)
    : profile_(profile),
      clock_(clock),
      faults_(faults),
      power_up_(std::move(power_up)),
      task_(executor, [this] { look(); }) {}

template <typename F>
void ChipReset::for_each_block(F&& visit) const {
  visit(Block{reg::kSoftResetGfx, 0, profile_.gfx_rings});
  visit(Block{reg::kSoftResetCompute, profile_.gfx_rings, profile_.compute_rings});
  const unsigned first = profile_.gfx_rings + profile_.compute_rings;
  for (unsigned i = 0; i < profile_.sdma_rings; ++i)
    visit(Block{reg::kSoftResetSdma0 << i, first + i, 1});
}

uint32_t ChipReset::read(uint32_t offset) const {
  if (offset != reg::kSoftReset) return 0;
  uint32_t pending = 0;
  for_each_block([&](const Block& block) {
    for (unsigned ring = block.first; ring < block.first + block.count; ++ring)
      if (engines_[ring]->resetting(ResetLevel::kBlock)) pending |= block.bit;
  });
  return pending;
}

void ChipReset::write(uint32_t offset, uint32_t value) {
  if (offset == reg::kSoftReset) soft_reset(value);
  if (offset == reg::kGpuReset && (value & reg::kGpuResetMode1))
    whole_reset((value & reg::kGpuResetLoseVram) != 0);
}

void ChipReset::soft_reset(uint32_t blocks) {
  for_each_block([&](const Block& block) {
    if (!(blocks & block.bit)) return;
    for (unsigned ring = block.first; ring < block.first + block.count; ++ring)
      engines_[ring]->request_reset(ResetLevel::kBlock);
  });
}

void ChipReset::whole_reset(bool lose_vram) {
  if (active_.exchange(true, std::memory_order_acq_rel)) return;
  lose_vram_.store(lose_vram || faults_.fires(FaultKind::kVramLoss, FaultInjector::kNoRing));
  base::Nanos longer = 0;
  faults_.fires(FaultKind::kSlowReset, FaultInjector::kNoRing, &longer);
  until_.store(faults_.fires(FaultKind::kMuteGpuReset, FaultInjector::kNoRing)
                   ? SerialTask::kNever
                   : clock_.now() + profile_.cost.gpu_reset + longer);
  for (const auto& engine : engines_) engine->request_reset(ResetLevel::kChip);
  task_.kick();
}

bool ChipReset::engines_reset() const {
  return std::none_of(engines_.begin(), engines_.end(),
                      [](const auto& engine) { return engine->resetting(ResetLevel::kChip); });
}

void ChipReset::look() {
  const base::Nanos now = clock_.now();
  base::Nanos next = SerialTask::kNever;
  if (active()) {
    if (now < until_.load()) {
      next = until_.load();
    } else if (!engines_reset()) {
      next = now + kLook;
    } else {
      power_up_(lose_vram_.load());
      active_.store(false, std::memory_order_release);
    }
  }
  task_.set_timer(next);
  task_.leave(false);
}

}  // namespace fakegpu::hw
