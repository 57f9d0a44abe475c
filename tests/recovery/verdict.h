// SPDX-License-Identifier: MIT
// What must have become of each job of a cell, by the policy, given which recoveries there were and
// when each job was started.
#pragma once

#include "cell.h"
#include "watch.h"

namespace fakegpu::tests {

enum class Role : uint8_t { kCulprit, kSameContext, kInnocent };

// The error that `job` must have finished with. `hit`: other jobs of its context on its ring were
// in flight there in a recovery that was not theirs to survive.
struct Verdict {
  int error = 0;
  // It may have completed before the reset took hold, on a ring that did not hang: then 0.
  bool or_complete = false;
};
Verdict judge(const Cell& cell, const std::vector<Episode>& episodes, const Tracked& job, Role role,
              bool hit);

// Whether the job was in flight on a ring that `episode` reset.
bool was_reset(const Episode& episode, const Tracked& job);

}  // namespace fakegpu::tests
