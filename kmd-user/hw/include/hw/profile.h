// SPDX-License-Identifier: MIT
// What kind of chip this is: every number that a device profile can set.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"

namespace fakegpu::hw {

// How long things take. In the real shell packets and kernels take the time that they take, so only
// WORK and injected delays cost anything (measured()). In the virtual shell the clock stands still
// while code runs, so every packet and workgroup has a modelled cost (modelled()).
struct CostModel {
  base::Nanos packet = 0;        // per packet
  base::Nanos workgroup = 0;     // per workgroup of a dispatch, times the kernel's own weight
  base::Nanos per_kilobyte = 0;  // copies and fills
  base::Nanos gpu_reset = base::kNanosPerMilli;  // how long the chip is gone

  static CostModel measured() { return {}; }
  static CostModel modelled() { return {50, 2'000, 100}; }
};

struct Profile {
  std::string name = "fakegpu-edu";
  uint32_t device_id = 0x744c;
  uint32_t revision = 1;
  unsigned gfx_rings = 1;      // 0 to 4
  unsigned compute_rings = 4;  // 0 to 8
  unsigned sdma_rings = 2;     // 0 to 4
  uint64_t vram_bytes = 1ull << 30;
  uint64_t system_bytes = 1ull << 30;
  CostModel cost = CostModel::measured();
  // Longest run of an engine in one executor task before it yields, in packets or workgroups.
  unsigned slice = 64;
  bool edu_packets = true;  // 0xe0 to 0xef; false is "strict"
};

}  // namespace fakegpu::hw
