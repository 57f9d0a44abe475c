// SPDX-License-Identifier: MIT
// `fakegpu monitor`: what happens to the device, as `udevadm monitor --property` prints it.
#pragma once

#include <string>

namespace fakegpu::tools {

struct MonitorOptions {
  std::string device;
  bool json = false;
  unsigned count = 0;  // so many events, and then it ends; 0: any number
  double timeout = 0;  // ends after so many seconds; 0: never
};

// Exit status: 0 also when it was interrupted; 1: the timeout came before `count` events.
int run_monitor(const MonitorOptions& options);

}  // namespace fakegpu::tools
