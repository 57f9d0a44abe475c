// SPDX-License-Identifier: MIT
#include <cstring>
#include <optional>
#include <string>

#include <fakegpu/faults.h>

#include "device.h"
#include "ioctl/fault_text.h"

using namespace fakegpu::umd;

namespace {

std::optional<uint32_t> find_ring(fakegpu_device* dev, std::string_view name) {
  for (uint32_t i = 0; i < fakegpu_device_info(dev)->ring_count; ++i) {
    drm_fakegpu_ring_info info = {};
    if (fakegpu_query_ring(dev, i, &info) == 0 && name == info.name) return i;
  }
  return std::nullopt;
}

}  // namespace

extern "C" {

int fakegpu_inject_fault(struct fakegpu_device* dev, const char* fault) {
  return guarded([&] {
    drm_fakegpu_inject arg = {};
    arg.verb = DRM_FAKEGPU_FAULT_INJECT;
    std::string why;
    const auto ring = [dev](std::string_view name) { return find_ring(dev, name); };
    if (!fakegpu::ioctl::parse_fault(fault, ring, &arg.fault, &why)) return -EINVAL;
    return dev->core->call(DRM_IOCTL_FAKEGPU_INJECT, &arg);
  });
}

int fakegpu_clear_faults(struct fakegpu_device* dev, const char* name) {
  drm_fakegpu_inject arg = {};
  arg.verb = DRM_FAKEGPU_FAULT_CLEAR;
  if (name) {
    const size_t length = std::strlen(name);
    // An empty one would be all of them.
    if (length == 0 || length >= sizeof(arg.fault.name)) return -EINVAL;
    std::memcpy(arg.fault.name, name, length);
  }
  return dev->core->call(DRM_IOCTL_FAKEGPU_INJECT, &arg);
}

int fakegpu_fault_info(struct fakegpu_device* dev, uint32_t what, void* data, uint32_t* size) {
  if (what != DRM_FAKEGPU_FAULT_KINDS && what != DRM_FAKEGPU_FAULT_ARMED) return -EINVAL;
  drm_fakegpu_inject arg = {};
  arg.verb = what;
  arg.data = reinterpret_cast<uintptr_t>(data);
  arg.size = *size;
  const int result = dev->core->call(DRM_IOCTL_FAKEGPU_INJECT, &arg, Pointers::kChecked);
  if (result == 0) *size = arg.size;
  return result;
}

}  // extern "C"
