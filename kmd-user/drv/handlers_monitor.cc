// SPDX-License-Identifier: MIT
// Monitoring of the device. Linux multicasts uevents to every socket that listens; a file of the
// device hears of its own device only, and asks first.
#include "handlers.h"

namespace fakegpu::drv {

namespace {

Outcome monitor(Call& call) {
  const auto& arg = call.as<drm_fakegpu_monitor>();
  Device& device = call.file.device();
  if (device.options().as_6_12) return -EOPNOTSUPP;
  EventQueue& events = *call.file.events();
  events.monitor(arg.events);
  device.wedged_events().add(events);
  return 0;
}
int check_monitor(std::span<const std::byte> arg) {
  const auto& monitor = view<drm_fakegpu_monitor>(arg);
  return (monitor.events & ~DRM_FAKEGPU_MONITOR_WEDGED) || monitor.pad ? -EINVAL : 0;
}

constexpr HandlerRow kRows[] = {
    {_IOC_NR(DRM_IOCTL_FAKEGPU_MONITOR), locked<monitor>, check_monitor},
};

}  // namespace

std::span<const HandlerRow> monitor_handlers() {
  return kRows;
}

}  // namespace fakegpu::drv
