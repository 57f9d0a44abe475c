// SPDX-License-Identifier: MIT
#include "inject.h"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string_view>

#include <fmt/core.h>
#include <fakegpu/fakegpu.hpp>

#include "daemon.h"
#include "ioctl/fault_text.h"

namespace fakegpu::tools {

namespace {

std::vector<std::string> ring_names(const Device& device) {
  std::vector<std::string> names;
  for (uint32_t i = 0; i < device.info().ring_count; ++i) {
    drm_fakegpu_ring_info info = {};
    check(fakegpu_query_ring(device, i, &info), "query ring");
    names.emplace_back(info.name);
  }
  return names;
}

// How its options are written; what is needed has no brackets.
std::string usage_of(const drm_fakegpu_fault_kind& kind) {
  std::string text = kind.name;
  if (kind.takes & DRM_FAKEGPU_FAULT_TAKES_DURATION) text += " --duration T";
  if (kind.takes & DRM_FAKEGPU_FAULT_TAKES_IOCTL) text += " --errno E [--ioctl I]";
  if (kind.takes & DRM_FAKEGPU_FAULT_TAKES_RING) text += " [--ring R]";
  return text;
}

void print_list(const Device& device) {
  for (const drm_fakegpu_fault_kind& kind : device.fault_kinds())
    fmt::print("{}\n    trigger: {}\n    does:    {}\n    ends by: {}\n", usage_of(kind),
               kind.trigger, kind.what, kind.ends);
}

void print_status(const Device& device) {
  const std::vector<std::string> rings = ring_names(device);
  for (const drm_fakegpu_armed_fault& armed : device.armed_faults()) {
    const uint32_t ring = armed.fault.ring;
    fmt::print("armed {}: triggers {}, fired {}\n",
               ioctl::fault_text(armed.fault, ring < rings.size() ? rings[ring] : ""), armed.seen,
               armed.fired);
  }
  for (const drm_fakegpu_fault_kind& kind : device.fault_kinds())
    if (kind.fired != 0) fmt::print("fired {}: {}\n", kind.name, kind.fired);
}

drm_fakegpu_fault_kind find_kind(const Device& device, const std::string& name) {
  const auto kinds = device.fault_kinds();
  const auto found = std::ranges::find(
      kinds, std::string_view(name), [](const auto& kind) { return std::string_view(kind.name); });
  if (found == kinds.end())
    throw std::runtime_error(fmt::format("there is no fault {}; --list explains them", name));
  return *found;
}

void arm(const Device& device, const InjectOptions& options) {
  const drm_fakegpu_fault_kind kind = find_kind(device, options.name);
  std::string text = options.name;
  for (const std::string& item : options.items) text += "," + item;
  // For what it says of a mistake.
  const std::vector<std::string> rings = ring_names(device);
  const auto find_ring = [&rings](std::string_view name) -> std::optional<uint32_t> {
    const auto found = std::ranges::find(rings, name);
    if (found == rings.end()) return std::nullopt;
    return static_cast<uint32_t>(found - rings.begin());
  };
  drm_fakegpu_fault fault = {};
  std::string why;
  if (!ioctl::parse_fault(text, find_ring, &fault, &why)) throw std::runtime_error(why);
  const int result = fakegpu_inject_fault(device, text.c_str());
  if (result == -EINVAL)
    throw std::runtime_error(fmt::format("refused; it takes: {}", usage_of(kind)));
  check(result, "inject fault");
}

}  // namespace

int run_inject(const InjectOptions& options) {
  const Device device(options.device.empty() ? nullptr : options.device.c_str());
  if (!options.list) must_be_in_daemon(device);
  if (options.clear) {
    if (!options.name.empty()) find_kind(device, options.name);
    device.clear_faults(options.name.empty() ? nullptr : options.name.c_str());
  } else if (options.list) {
    print_list(device);
  } else if (options.status) {
    print_status(device);
  } else {
    arm(device, options);
  }
  return 0;
}

}  // namespace fakegpu::tools
