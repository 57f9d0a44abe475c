// SPDX-License-Identifier: MIT
// What is explored: every combination of what a small system can be.
#pragma once

#include <vector>

#include "explorer.h"
#include "small_system.h"

namespace fakegpu::sched {

inline Exploration explore(const SmallConfig& config, ExplorerOptions options = {}) {
  return Explorer([&] { return std::make_unique<SmallSystem>(config); }, options).run();
}

// With and without a dependency between the entities, on one ring and two, with one credit and two.
inline std::vector<SmallConfig> all_shapes(const SmallConfig& base) {
  std::vector<SmallConfig> shapes;
  for (const bool dependent : {false, true}) {
    for (const size_t rings : {1, 2}) {
      for (const uint32_t credits : {1, 2}) {
        SmallConfig shape = base;
        shape.dependent = dependent;
        shape.rings = rings;
        shape.credits = credits;
        shapes.push_back(shape);
      }
    }
  }
  return shapes;
}

inline std::string to_string(const SmallConfig& config) {
  return fmt::format("{}, 2 x {} jobs{}, {} ring(s), {} credit(s), {} disturbance(s)",
                     config.policy, config.jobs, config.dependent ? " (dependent)" : "",
                     config.rings, config.credits, config.disturbances);
}

inline std::string to_string(const Exploration& found) {
  std::string text =
      fmt::format("{} states, {} events, {} interleavings{}", found.states, found.events,
                  found.interleavings, found.complete ? "" : ", given up at the limit");
  if (found.broken.empty()) return text;
  text += "\n" + found.broken;
  for (const std::string& event : found.path) text += "\n  after " + event;
  return text;
}

}  // namespace fakegpu::sched
