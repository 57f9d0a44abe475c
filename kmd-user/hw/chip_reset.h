// SPDX-License-Identifier: MIT
// Resets of more than one ring: of a block (GRBM_SOFT_RESET), and of the whole chip, as mode 1 does
// it. During the latter the chip does not answer: registers read as all ones and ignore writes.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "base/clock.h"
#include "base/executor.h"
#include "base/unique_function.h"
#include "engine.h"
#include "hw/fault_injector.h"
#include "hw/profile.h"
#include "serial_task.h"

namespace fakegpu::hw {

class ChipReset {
 public:
  // `power_up` puts all registers to what they are after power on; it is called once every engine
  // stands still and the time has passed. `lose_vram` likewise, before that.
  ChipReset(const Profile& profile, const base::Clock& clock, base::Executor& executor,
            FaultInjector& faults, base::UniqueFunction<void(bool lose_vram)> power_up);
  ChipReset(const ChipReset&) = delete;

  // Before anything runs.
  void set_rings(std::span<const std::unique_ptr<Engine>> engines) { engines_ = engines; }
  // No task of it runs any more.
  void end() { task_.end(); }

  // The whole chip is in reset. Any thread.
  bool active() const { return active_.load(std::memory_order_acquire); }

  // kSoftReset and kGpuReset. Any thread.
  uint32_t read(uint32_t offset) const;
  void write(uint32_t offset, uint32_t value);

 private:
  // An engine that is in the middle of something long is looked at again after this.
  static constexpr base::Nanos kLook = 50 * base::kNanosPerMicro;

  // The rings of a block: [first, first + count).
  struct Block {
    uint32_t bit;
    unsigned first;
    unsigned count;
  };
  void soft_reset(uint32_t blocks);
  void whole_reset(bool lose_vram);
  void look();
  bool engines_reset() const;
  template <typename F>
  void for_each_block(F&& visit) const;

  const Profile& profile_;
  const base::Clock& clock_;
  FaultInjector& faults_;
  base::UniqueFunction<void(bool)> power_up_;
  std::span<const std::unique_ptr<Engine>> engines_;
  SerialTask task_;
  std::atomic<bool> active_{false};
  std::atomic<bool> lose_vram_{false};
  std::atomic<base::Nanos> until_{0};
};

}  // namespace fakegpu::hw
