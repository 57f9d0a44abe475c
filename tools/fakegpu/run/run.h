// SPDX-License-Identifier: MIT
// `fakegpu run`: an unmodified program with the device.
#pragma once

#include <string>
#include <vector>

namespace fakegpu::tools::run {

struct RunOptions {
  std::string device;              // as $FAKEGPU_DEVICE; empty: what is found
  bool dri = false;                // show the nodes and /sys as DRM devices have them
  std::vector<std::string> words;  // program and arguments
};

// Three processes take part. This one stays what its caller started: it passes signals on and ends
// as the program does. The agent, its child, starts the program, is the parent of whatever it
// leaves behind, as Yama lets only ancestors look into a process, and lives on while one of those
// lives. The program's exit status; does not return if that was a signal.
int run_app(const RunOptions& options);

}  // namespace fakegpu::tools::run
