// SPDX-License-Identifier: MIT
// What may help a wedged device, as a uevent's WEDGED= has it. For the driver's trace and the tool.
#pragma once

#include <cstdint>
#include <string>

namespace fakegpu::ioctl {

// `recovery`: DRM_FAKEGPU_WEDGE_RECOVERY_*. "none", "rebind,bus-reset"; "unknown" for 0.
std::string wedged_text(uint32_t recovery);

}  // namespace fakegpu::ioctl
