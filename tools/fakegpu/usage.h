// SPDX-License-Identifier: MIT
// `fakegpu usage`: who uses the device, and how much.
#pragma once

#include <string>

namespace fakegpu::tools {

struct UsageOptions {
  std::string device;
  bool json = false;
  bool fdinfo = false;  // the kernel's text instead
  bool watch = false;   // shares since the last look, again and again
  double interval = 1;  // seconds between two looks
  unsigned looks = 0;   // then it ends; 0: never
};

// Exit status.
int print_usage(const UsageOptions& options);

}  // namespace fakegpu::tools
