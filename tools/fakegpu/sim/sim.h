// SPDX-License-Identifier: MIT
// `fakegpu sim`: a scenario under several policies, side by side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fakegpu::sim {

struct SimOptions {
  std::string scenario;  // a file, or the name of one that ships
  bool list = false;     // those that ship, instead
  // What is not given is as the scenario has it.
  std::vector<std::string> policies;
  std::vector<uint64_t> seeds;
  std::string duration;
  unsigned credits = 0;
  // Where output goes; "-": stdout, instead of the table; empty: nowhere. The trace is of the first
  // policy and seed.
  std::string json;
  std::string csv;
  std::string trace;
};

// Exit status; 2: the scenario or an option is wrong, which is told on stderr.
int run_sim(const SimOptions& options);

}  // namespace fakegpu::sim
