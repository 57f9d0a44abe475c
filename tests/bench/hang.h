// SPDX-License-Identifier: MIT
// A hang on a busy device in real time, and how long each part of its recovery takes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace fakegpu::bench {

// The load besides the job that hangs, spread over contexts and rings.
constexpr unsigned kContexts = 64;
constexpr unsigned kJobs = 1000;

// Parts of one recovery, one after the other, in ns.
struct RecoveryTimes {
  base::Nanos detection = 0;  // the culprit's time was up, until that was seen
  base::Nanos core_dump = 0;
  base::Nanos earlier_steps = 0;  // that did not help: their bounds, mostly
  base::Nanos acting = 0;         // the step that did
  base::Nanos ring_tests = 0;
  base::Nanos aftermath = 0;  // culprits failed, innocents emitted again, their rings started
  base::Nanos to_start = 0;   // an innocent of the ring that hung executes
  base::Nanos to_done = 0;    // and has finished

  // From the begin of the step that helped until an innocent executes.
  base::Nanos step() const { return acting + ring_tests + aftermath + to_start; }
  // From the culprit's timeout until an innocent has finished.
  base::Nanos all() const { return detection + core_dump + earlier_steps + step() + to_done; }
};

// Hangs the gfx ring of a device whose other rings are busy; `step` (reset_steps.h has the names)
// is the one that ends it, as those before it are mute. `error`: why there are no times.
RecoveryTimes recover_by(std::string_view step, std::string* error);

}  // namespace fakegpu::bench
