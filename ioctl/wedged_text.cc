// SPDX-License-Identifier: MIT
#include "ioctl/wedged_text.h"

#include <string_view>
#include <utility>

#include <fakegpu_drm.h>

namespace fakegpu::ioctl {

std::string wedged_text(uint32_t recovery) {
  constexpr std::pair<uint32_t, std::string_view> kMethods[] = {
      {DRM_FAKEGPU_WEDGE_RECOVERY_NONE, "none"},
      {DRM_FAKEGPU_WEDGE_RECOVERY_REBIND, "rebind"},
      {DRM_FAKEGPU_WEDGE_RECOVERY_BUS_RESET, "bus-reset"},
  };
  std::string text;
  for (const auto& [method, name] : kMethods)
    if (recovery & method) text.append(text.empty() ? "" : ",").append(name);
  return text.empty() ? "unknown" : text;
}

}  // namespace fakegpu::ioctl
