// SPDX-License-Identifier: MIT
// The runs of a scenario side by side: a table for people, JSON and CSV for programs.
#pragma once

#include <string>
#include <vector>

#include "scenario.h"
#include "statistics.h"

namespace fakegpu::sim {

// Of one policy, one run for each of the scenario's seeds.
struct PolicyRuns {
  std::string policy;
  std::vector<RunStatistics> runs;
};

std::string to_table(const Scenario& scenario, const std::vector<PolicyRuns>& all);
std::string to_json(const Scenario& scenario, const std::vector<PolicyRuns>& all);
std::string to_csv(const std::vector<PolicyRuns>& all);

}  // namespace fakegpu::sim
