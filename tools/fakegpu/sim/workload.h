// SPDX-License-Identifier: MIT
// Where a queue's batches and their jobs' lengths come from. Knows nothing of the driver, so that a
// recording can stand behind it as well as a pattern of a scenario.
#pragma once

#include <memory>
#include <optional>

#include "random.h"
#include "scenario.h"

namespace fakegpu::sim {

struct Batch {
  Nanos wanted;        // from the run's begin; not submitted before
  uint32_t jobs;       // at least 1
  Nanos deadline = 0;  // from the run's begin; 0: none
  bool waits = false;  // its client does, for its end, before it is ready for the next
};

class Workload {
 public:
  virtual ~Workload() = default;
  // The next batch, if there is one. `ready`: when its client is ready for it, which for one that
  // waits is after the batch before. `wanted` may lie before it: then the client is late.
  virtual std::optional<Batch> next(Nanos ready) = 0;
  // Of the next job of the batch that was asked for last, 0 to kMaxLength.
  virtual Nanos length() = 0;
};

// The patterns that `spec`, which outlives it, describes.
std::unique_ptr<Workload> make_workload(const QueueSpec& spec, uint64_t seed);

}  // namespace fakegpu::sim
