// SPDX-License-Identifier: MIT
// Plays a recording on real schedulers under virtual time: as it was, or with other settings.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/script.h"

namespace fakegpu::sim {

// What ReplaySettings::policy may be.
std::span<const std::string_view> policies();

struct ReplaySettings {
  std::string policy;                // empty: the recorded ones, with their changes
  std::optional<uint32_t> rings[3];  // by DRM_FAKEGPU_RING_*; else as many as there were
  std::optional<uint32_t> credits;
  std::optional<Nanos> depth;
  // Who in the recording went on when a job of his had finished does so here.
  bool closed_loop = false;
  // Ends with the recording, not when everything is done.
  bool stop_at_end = false;

  bool as_recorded() const {
    return policy.empty() && !rings[0] && !rings[1] && !rings[2] && !credits && !depth &&
           !closed_loop;
  }
};

struct ReplayedJob {
  Nanos queued = -1;  // -1: it did not come to that
  Nanos started = -1;
  Nanos ended = -1;  // that the ring had done it was noticed; -1 too: it did nothing
  Nanos finished = -1;
  uint32_t ring = 0;
  bool refused = false;  // it was killed in the queue
};

struct ReplayedRing {
  uint32_t type = 0;
  std::vector<RecordedRun> runs;
  Nanos busy = 0;
};

struct ReplayResult {
  std::vector<ReplayedJob> jobs;  // as in the script
  std::vector<ReplayedRing> rings;
  Nanos begin = 0;
  Nanos end = 0;  // when the last job was done
};

// Where the replay is not as recorded; empty: nowhere. Names the first job, by time, that a ring
// was given out of its order or at another time, or that ended at another time.
std::string first_difference(const Script& script, const ReplayResult& result);

// -EINVAL: no such policy, or a ring type that the recording needs has no ring.
base::Result<ReplayResult> replay(const Script& script, const ReplaySettings& settings);

}  // namespace fakegpu::sim
