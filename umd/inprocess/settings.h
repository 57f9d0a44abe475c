// SPDX-License-Identifier: MIT
// "gfx=1,vram=64M,workers=1,without=prime+dumb": what follows "inprocess:".
#pragma once

#include <optional>
#include <string_view>

#include "drv/features.h"
#include "hw/profile.h"

namespace fakegpu::umd {

struct Settings {
  hw::Profile profile;
  uint32_t features = drv::kAllFeatures;
  unsigned workers = 1;  // threads that run tasks, besides the clients' own
};

// Nothing: an unknown key, a value out of its range, or one that is missing.
std::optional<Settings> parse_settings(std::string_view text);

}  // namespace fakegpu::umd
