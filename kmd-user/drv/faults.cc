// SPDX-License-Identifier: MIT
#include "drv/faults.h"

#include <algorithm>
#include <cstring>

#include "ioctl/fault_text.h"
#include "ioctl/table.h"

namespace fakegpu::drv {

namespace {

using base::FaultDescription;

static_assert(DRM_FAKEGPU_FAULT_TAKES_RING == base::kFaultTakesRing);
static_assert(DRM_FAKEGPU_FAULT_TAKES_DURATION == base::kFaultTakesDuration);
static_assert(DRM_FAKEGPU_FAULT_TAKES_IOCTL == base::kFaultTakesCall);

constexpr FaultDescription kDescriptions[] = {
    {"no-memory", "it fails with -ENOMEM, and makes nothing",
     "the creation of a BO, VM, context or syncobj", "itself, at once", 0},
    {"ioctl-error", "it fails with the errno, and does nothing",
     "an ioctl that --ioctl names, or any but those to open a device", "itself, at once",
     base::kFaultTakesCall},
    {"unplug", "the device goes away: calls fail with -ENODEV, jobs are cancelled",
     "the end of an ioctl, also of the INJECT that armed it",
     "nothing; a daemon that starts anew has a new device", 0},
};
static_assert(std::size(kDescriptions) == static_cast<size_t>(DriverFault::kCount));

// What it takes to open a device so that faults can be taken back. Refused only if it is named.
constexpr unsigned kToOpen[] = {_IOC_NR(DRM_IOCTL_VERSION), _IOC_NR(DRM_IOCTL_FAKEGPU_QUERY),
                                _IOC_NR(DRM_IOCTL_FAKEGPU_CHANNEL),
                                _IOC_NR(DRM_IOCTL_FAKEGPU_IDENTIFY)};

template <size_t size>
void copy(std::string_view text, char (&to)[size]) {
  text.copy(to, size - 1);
}

drm_fakegpu_fault_kind told(const base::FaultInjector& injector, size_t kind) {
  const FaultDescription& description = injector.kinds()[kind];
  drm_fakegpu_fault_kind told = {};
  copy(description.name, told.name);
  copy(description.what, told.what);
  copy(description.trigger, told.trigger);
  copy(description.ends, told.ends);
  told.takes = description.takes;
  told.fired = injector.fired(kind);
  return told;
}

drm_fakegpu_armed_fault told(const base::FaultInjector::Armed& armed) {
  const base::FaultSpec& spec = armed.spec;
  drm_fakegpu_armed_fault told = {};
  copy(spec.name, told.fault.name);
  told.fault.ring = spec.ring < 0 ? DRM_FAKEGPU_ALL_RINGS : static_cast<uint32_t>(spec.ring);
  told.fault.ioctl = spec.call < 0 ? DRM_FAKEGPU_ANY_IOCTL : static_cast<uint32_t>(spec.call);
  told.fault.nth = spec.nth;
  told.fault.probability = spec.probability;
  told.fault.seed = spec.seed;
  told.fault.duration_ns = static_cast<uint64_t>(spec.duration);
  told.fault.for_ns = static_cast<uint64_t>(spec.lasts);
  told.fault.error = static_cast<uint32_t>(spec.error);
  told.seen = armed.seen;
  told.fired = armed.fired;
  return told;
}

// What a Nanos cannot hold is longer than anything that is taken.
base::Nanos to_nanos(uint64_t value) {
  return static_cast<base::Nanos>(std::min<uint64_t>(value, INT64_MAX));
}

}  // namespace

DriverFaultInjector::DriverFaultInjector(const base::Clock& clock)
    : base::FaultInjector(clock, kDescriptions) {}

int DriverFaultInjector::find_refusal(unsigned call) {
  if (call == _IOC_NR(DRM_IOCTL_FAKEGPU_INJECT)) return 0;
  const Counts counts = std::ranges::count(kToOpen, call) ? Counts::kNamed : Counts::kAlways;
  Shot shot;
  base::FaultInjector::fires(static_cast<size_t>(DriverFault::kIoctlError), call, &shot, counts);
  return shot.error;
}

base::Result<> Faults::inject(const base::FaultSpec& spec) {
  if (spec.ring >= 0 && static_cast<size_t>(spec.ring) >= rings_.size())
    return base::fail(EINVAL, "fault {}: there is no ring {}", spec.name, spec.ring);
  if (driver_.knows(spec.name)) return driver_.inject(spec);
  return chip_.inject(spec);
}

base::Result<> Faults::arm(const drm_fakegpu_fault& fault) {
  base::FaultSpec spec;
  spec.name.assign(fault.name, ::strnlen(fault.name, sizeof(fault.name)));
  if (fault.ring != DRM_FAKEGPU_ALL_RINGS) {
    if (fault.ring >= rings_.size())
      return base::fail(EINVAL, "fault {}: there is no ring {}", spec.name, fault.ring);
    spec.ring = static_cast<int>(fault.ring);
  }
  if (fault.ioctl != DRM_FAKEGPU_ANY_IOCTL) {
    // One that is not there, or never fails by this, would be waited for in vain.
    if (fault.ioctl > 0xff || fault.ioctl == _IOC_NR(DRM_IOCTL_FAKEGPU_INJECT) ||
        !ioctl::find_row(DRM_IO(fault.ioctl)))
      return base::fail(EINVAL, "fault {}: ioctl {:#x}", spec.name, fault.ioctl);
    spec.call = static_cast<int>(fault.ioctl);
  }
  if (fault.error > static_cast<uint32_t>(base::FaultInjector::kLargestErrno))
    return base::fail(EINVAL, "fault {}: errno {}", spec.name, fault.error);
  spec.nth = fault.nth;
  spec.probability = fault.probability;
  spec.seed = fault.seed;
  spec.duration = to_nanos(fault.duration_ns);
  spec.lasts = to_nanos(fault.for_ns);
  spec.error = static_cast<int>(fault.error);
  return inject(spec);
}

base::Result<> Faults::arm_text(std::string_view text) {
  drm_fakegpu_fault fault;
  std::string why;
  const auto find_ring = [this](std::string_view name) -> std::optional<uint32_t> {
    const auto found = std::ranges::find(rings_, name);
    if (found == rings_.end()) return std::nullopt;
    return static_cast<uint32_t>(found - rings_.begin());
  };
  if (!ioctl::parse_fault(text, find_ring, &fault, &why)) return base::fail(EINVAL, "{}", why);
  return arm(fault);
}

base::Result<> Faults::clear(std::string_view name) {
  if (!name.empty() && !chip_.knows(name) && !driver_.knows(name))
    return base::fail(EINVAL, "no fault named '{}'", name);
  chip_.clear(name);
  driver_.clear(name);
  return {};
}

std::vector<drm_fakegpu_fault_kind> Faults::kinds() const {
  std::vector<drm_fakegpu_fault_kind> all;
  const auto add = [&all](const base::FaultInjector& room) {
    for (size_t kind = 0; kind < room.kinds().size(); ++kind) all.push_back(told(room, kind));
  };
  add(chip_);
  add(driver_);
  return all;
}

std::vector<drm_fakegpu_armed_fault> Faults::armed() const {
  std::vector<drm_fakegpu_armed_fault> all;
  for (const auto& armed : chip_.list()) all.push_back(told(armed));
  for (const auto& armed : driver_.list()) all.push_back(told(armed));
  return all;
}

}  // namespace fakegpu::drv
