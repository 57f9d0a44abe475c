// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace fakegpu::tools {

struct InjectOptions {
  std::string device;
  std::string name;  // of a fault; with `clear` empty is all of them
  // "nth=3", as fakegpu_inject_fault() takes them after the name.
  std::vector<std::string> items;
  bool list = false;
  bool clear = false;
  bool status = false;
};

// `fakegpu inject`: arms faults, disarms them, tells which there are and what they have done. Exit
// status.
int run_inject(const InjectOptions& options);

}  // namespace fakegpu::tools
