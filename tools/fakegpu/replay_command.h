// SPDX-License-Identifier: MIT
// `fakegpu sim --replay`: a recording played again, and how it went.
#pragma once

#include <string>
#include <vector>

namespace fakegpu::tools {

struct ReplayOptions {
  std::string file;
  std::vector<std::string> policies;  // one after the other; empty: as recorded
  std::vector<std::string> rings;     // "gfx=2"
  unsigned credits = 0;               // 0: as recorded
  double queue_time_us = -1;          // negative: as recorded
  bool closed_loop = false;
  bool verify = false;
};

// Exit status; 1 too if it should be as recorded and is not.
int run_replay(const ReplayOptions& options);

}  // namespace fakegpu::tools
