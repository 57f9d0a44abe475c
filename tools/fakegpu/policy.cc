// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <fakegpu/fakegpu.hpp>

#include "policy.h"

namespace fakegpu::tools {

namespace {

std::string ring_name(const Device& device, uint32_t ring) {
  drm_fakegpu_ring_info info = {};
  check(fakegpu_query_ring(device, ring, &info), "query ring");
  return info.name;
}

int print_policies(const Device& device) {
  for (uint32_t i = 0; i < device.info().ring_count; ++i)
    fmt::print("{:10} {}\n", ring_name(device, i), device.policy(i));
  fmt::print("known: {}\n", fmt::join(device.policies(), ", "));
  return 0;
}

// Its index, by that or by its name.
uint32_t find_ring(const Device& device, const std::string& text) {
  for (uint32_t i = 0; i < device.info().ring_count; ++i)
    if (text == std::to_string(i) || text == ring_name(device, i)) return i;
  throw std::runtime_error(fmt::format("there is no ring {}", text));
}

}  // namespace

int run_policy(const PolicyOptions& options) {
  const Device device(options.device.empty() ? nullptr : options.device.c_str());
  if (options.name.empty()) return print_policies(device);
  const uint32_t ring =
      options.ring.empty() ? DRM_FAKEGPU_ALL_RINGS : find_ring(device, options.ring);
  device.set_policy(options.name, ring);
  return 0;
}

}  // namespace fakegpu::tools
