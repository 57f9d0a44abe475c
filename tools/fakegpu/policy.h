// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace fakegpu::tools {

struct PolicyOptions {
  std::string device;
  std::string name;  // empty: prints what there is
  std::string ring;  // index or name; empty: all
};

// `fakegpu policy`: tells or changes by which policy the rings' jobs are ordered. Exit status.
int run_policy(const PolicyOptions& options);

}  // namespace fakegpu::tools
