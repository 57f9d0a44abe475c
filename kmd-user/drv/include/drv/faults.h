// SPDX-License-Identifier: MIT
// Faults of the chip and of its driver, as one list of names: those of the chip are its own
// (hw/fault_injector.h), those of the driver are here. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <fakegpu_drm.h>

#include "base/fault_injector.h"
#include "hw/fault_injector.h"

namespace fakegpu::drv {

enum class DriverFault : uint8_t {
  kNoMemory,    // failslab: a creation fails with -ENOMEM
  kIoctlError,  // a call is refused with an errno, before it does anything
  kUnplug,      // drm_dev_unplug()
  kCount,
};

class DriverFaultInjector final : public base::FaultInjector {
 public:
  explicit DriverFaultInjector(const base::Clock& clock);

  bool fires(DriverFault kind) { return base::FaultInjector::fires(static_cast<size_t>(kind), 0); }
  // kIoctlError of that call: the errno by which it is refused, positive, or 0.
  int refuses(unsigned call) { return armed() ? find_refusal(call) : 0; }

 private:
  int find_refusal(unsigned call);
};

class Faults {
 public:
  Faults(hw::FaultInjector& chip, const base::Clock& clock) : chip_(chip), driver_(clock) {}

  // The device's rings by index, so that faults may name them. Before anything can be injected.
  void set_rings(std::vector<std::string> names) { rings_ = std::move(names); }

  // Arms a fault. Errors: base::FaultInjector::inject(); -EINVAL for a ring that there is not.
  base::Result<> inject(const base::FaultSpec& spec);
  // The same as the uAPI has it.
  base::Result<> arm(const drm_fakegpu_fault& fault);
  // The same as text (ioctl/fault_text.h).
  base::Result<> arm_text(std::string_view text);

  // Disarms those of a kind; of all, if it has no name. -EINVAL: no such kind.
  base::Result<> clear(std::string_view name = {});

  // The kinds, the chip's first, and how often each has fired; and what is armed.
  std::vector<drm_fakegpu_fault_kind> kinds() const;
  std::vector<drm_fakegpu_armed_fault> armed() const;

  DriverFaultInjector& driver() { return driver_; }

 private:
  hw::FaultInjector& chip_;
  DriverFaultInjector driver_;
  std::vector<std::string> rings_;
};

}  // namespace fakegpu::drv
