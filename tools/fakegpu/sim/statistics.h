// SPDX-License-Identifier: MIT
// What came of a run.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "histogram.h"

namespace fakegpu::sim {

using base::Nanos;

// All instances of one client of the scenario.
struct ClientStatistics {
  std::string name;
  uint64_t submitted = 0;  // jobs
  uint64_t finished = 0;
  uint64_t failed = 0;
  uint64_t open = 0;  // neither at the end
  uint64_t deadlines = 0;
  uint64_t missed = 0;
  Nanos gpu_time = 0;      // of finished jobs
  Nanos longest_open = 0;  // since the oldest batch was wanted that is not done at the end
  Histogram latency;       // of a batch, ns: wanted to finished
  Histogram wait;          // of a batch, ns: wanted to started
  Histogram slowdown;      // of a batch, in thousandths: latency by its jobs' lengths
};

struct RingStatistics {
  std::string name;
  double utilisation = 0;  // 0 to 1
};

struct RunStatistics {
  std::vector<ClientStatistics> clients;
  std::vector<RingStatistics> rings;
  double fairness = 1;  // Jain's index over all instances' weighted GPU times
  uint64_t finished = 0;
};

// 1: all alike, 1/n: one has all. 1 if nobody has anything.
double jain(std::span<const double> shares);

// Over the seeds.
struct Spread {
  double mean = 0, min = 0, max = 0;
};
Spread spread(std::span<const double> values);

// One figure of a client, as every output has it.
struct Metric {
  const char* key;
  const char* title;
  enum class Unit { kCount, kNanos, kPercent, kRatio } unit;
  double (*of)(const ClientStatistics& client, const RunStatistics& run);
  bool rare = false;  // left out where nobody has any
};
std::span<const Metric> metrics();

}  // namespace fakegpu::sim
