// SPDX-License-Identifier: MIT
// What is simulated: a scenario file as it was read and checked. docs/simulation.md has the format.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fakegpu_drm.h>

#include "base/clock.h"

namespace fakegpu::sim {

using base::Nanos;

// How long a job executes.
struct Length {
  enum class Kind { kConstant, kUniform, kNormal, kExponential, kMixed };
  struct Part {
    Nanos length;
    double weight;
  };
  Kind kind = Kind::kConstant;
  Nanos first = 0;          // the constant, the least, the mean
  Nanos second = 0;         // the greatest, the deviation
  std::vector<Part> parts;  // of kMixed
};

enum class Arrival { kSync, kAsync, kPeriodic, kPoisson, kBurst, kTrace };

// What a queue does from some time on.
struct Pattern {
  Nanos from = 0;  // its first batch is not before
  Arrival arrival = Arrival::kSync;
  uint32_t jobs = 1;         // submitted at a time: a batch
  Nanos wait = 0;            // sync, async: pause between batches
  Nanos period = 0;          // periodic, burst; the mean of poisson
  std::vector<Nanos> times;  // trace: after `from`
  Length length;
};

struct QueueSpec {
  std::string name;
  uint32_t ring_type = DRM_FAKEGPU_RING_GFX;
  unsigned ring_instance = 0;
  int32_t priority = DRM_FAKEGPU_PRIORITY_NORMAL;
  uint32_t window = 0;            // jobs that may be unfinished
  std::vector<Pattern> patterns;  // at least one, by time
  Nanos stop = INT64_MAX;
  struct After {
    size_t client;
    size_t queue;
  };
  std::vector<After> after;  // whose batch of the same index goes before

  // The period of one that has the same all the time; else 0.
  Nanos steady_period() const {
    const bool steady = patterns.size() == 1 && patterns[0].arrival == Arrival::kPeriodic;
    return steady ? patterns[0].period : 0;
  }
};

struct ClientSpec {
  std::string name;
  unsigned count = 1;
  std::vector<QueueSpec> queues;
};

// Something that breaks.
struct FaultSpec {
  Nanos at = 0;      // armed then
  std::string what;  // as ioctl/fault_text.h has it
};

struct Scenario {
  std::string title;
  Nanos duration = base::kNanosPerSecond;
  std::vector<uint64_t> seeds = {1};
  std::vector<std::string> policies;
  unsigned credits = 16;
  Nanos queue_time = 2 * base::kNanosPerMilli;
  Nanos wake = 5 * base::kNanosPerMicro;
  unsigned gfx_rings = 1;
  unsigned compute_rings = 4;
  unsigned sdma_rings = 2;
  Nanos packet_cost = 0;
  Nanos lockup_timeout = 0;  // of each ring; 0: none
  std::string recovery;      // what becomes of the others
  std::vector<FaultSpec> faults;
  std::vector<ClientSpec> clients;
};

inline constexpr Nanos kMaxLength = 4 * base::kNanosPerSecond;
inline constexpr uint32_t kMaxWindow = 4096;  // of all queues of one client

// `what()` starts with file:line.
class ScenarioError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// `file` names the text in errors. Throws ScenarioError.
Scenario parse_scenario(std::string_view text, std::string_view file);
// "250us", "16.67ms", "2s", "0s" to nanoseconds; -1: it is no duration.
Nanos parse_duration(std::string_view text);

}  // namespace fakegpu::sim
