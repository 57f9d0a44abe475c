// SPDX-License-Identifier: MIT
// One run: a machine under virtual time, the scenario's clients on it, and what came of it.
#pragma once

#include <functional>
#include <string>

#include "base/trace.h"
#include "statistics.h"
#include "workload.h"

namespace fakegpu::sim {

struct RunSettings {
  std::string policy;
  uint64_t seed = 1;
  base::TraceSink* trace = nullptr;
  uint64_t max_jobs = 100'000'000;  // a scenario that submits more is taken for a mistake
};

// What a queue does, by client, instance and queue; empty: make_workload() by the run's seed.
using WorkloadSource =
    std::function<std::unique_ptr<Workload>(size_t client, unsigned instance, size_t queue)>;

// The same arguments give the same result and trace. Throws std::runtime_error: no such policy or
// ring, no memory, too many jobs.
RunStatistics run(const Scenario& scenario, const RunSettings& settings,
                  const WorkloadSource& source = {});

}  // namespace fakegpu::sim
