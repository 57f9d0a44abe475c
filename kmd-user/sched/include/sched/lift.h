// SPDX-License-Identifier: MIT
// What makes an entity more urgent than its own priority says: somebody sleeps until one of its
// jobs is done, or a more important job depends on it. It lasts until that job has left the queue;
// since an entity's jobs run in order, those ahead of it are lifted too.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"
#include "fence/urgency.h"

namespace fakegpu::sched {

// Smaller is more important, as in drm_sched.
enum class Priority : uint8_t { kKernel, kHigh, kNormal, kLow };
inline constexpr size_t kPriorities = 4;
const char* priority_name(Priority priority);

struct Lift {
  uint64_t until = 0;  // seqno of the last job that is wanted; 0: not lifted
  bool waited = false;
  base::Nanos deadline = 0;            // the earliest; 0: none
  Priority priority = Priority::kLow;  // inherited, if better than the entity's own
  uint64_t client = 0;                 // whose job it was inherited from

  bool lifted() const { return until != 0; }

  // The job `seqno` of an entity whose own priority is `own` is wanted. True if that changes
  // anything for the entity's place.
  bool merge(const fence::Urgency& urgency, Priority own, uint64_t seqno) {
    const bool inherits = urgency.priority < static_cast<uint8_t>(own);
    if (!urgency.waited && urgency.deadline == 0 && !inherits) return false;
    until = std::max(until, seqno);
    bool better = false;
    if (urgency.waited && !waited) better = waited = true;
    if (urgency.deadline != 0 && (deadline == 0 || urgency.deadline < deadline)) {
      deadline = urgency.deadline;
      better = true;
    }
    if (inherits && urgency.priority < static_cast<uint8_t>(priority)) {
      priority = static_cast<Priority>(urgency.priority);
      client = urgency.client;
      better = true;
    }
    return better;
  }
};

}  // namespace fakegpu::sched
