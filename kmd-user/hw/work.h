// SPDX-License-Identifier: MIT
// WORK and HANG: packets that take time, or for ever.
#pragma once

#include <cstdint>

#include "operation.h"
#include "packets/pm4.h"
#include "packets/sdma.h"

namespace fakegpu::hw {

// Takes units * unit_ns from the engine's cursor on; more than SerialTask::kNever is for ever.
class WorkOperation final : public Operation {
 public:
  // Waves.
  void begin(const packets::pm4::Work& work, base::Nanos cursor);
  // No waves: an SDMA engine has none.
  void begin(const packets::sdma::Work& work, base::Nanos cursor);

  Outcome advance(Engine& engine) override;
  bool killable() const override { return waves_; }
  uint32_t progress() const override { return done_; }

 private:
  void begin(uint32_t units, uint32_t unit_ns, uint64_t progress_address, base::Nanos cursor);

  uint32_t units_ = 0;
  uint32_t unit_ns_ = 0;
  uint64_t progress_address_ = 0;
  bool waves_ = false;
  base::Nanos start_ = 0;
  uint32_t done_ = 0;
};

class HangOperation final : public Operation {
 public:
  // `until`: of kTimed.
  void begin(packets::pm4::Hang::Mode mode, base::Nanos until);

  Outcome advance(Engine& engine) override;
  // The endless waves; a processor that halts has none.
  bool killable() const override;
  bool ends_with(ResetLevel level) const override;
  uint32_t status() const override { return reg::kRingHung; }

 private:
  packets::pm4::Hang::Mode mode_ = packets::pm4::Hang::Mode::kWave;
  base::Nanos until_ = 0;
};

}  // namespace fakegpu::hw
