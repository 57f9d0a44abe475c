// SPDX-License-Identifier: MIT
// Why a fence is wanted soon. It travels from who waits, through containers, to who can do
// something about it: a scheduler, which lifts the fence's job and passes it on to what that job
// itself waits for. A hint only. Linux has the deadline of it (dma_fence_set_deadline) and stops
// at the hardware's fence.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace fakegpu::fence {

struct Urgency {
  // How many fences and jobs one wait may visit: what a client can make of dependencies is
  // unbounded, what is done under the device's lock must not be.
  static constexpr unsigned kMaxVisits = 64;
  static constexpr uint8_t kNoPriority = UINT8_MAX;

  bool waited = false;                // somebody sleeps until it signals
  base::Nanos deadline = 0;           // it is wanted by then; 0: no such time
  uint8_t priority = kNoPriority;     // of a job that depends on it; smaller is more important
  uint64_t client = 0;                // that job's client
  bool derived = false;               // a scheduler passes on what it was told
  unsigned visits_left = kMaxVisits;  // counts down as it travels

  bool visit() { return visits_left > 0 && visits_left-- > 0; }
};

}  // namespace fakegpu::fence
