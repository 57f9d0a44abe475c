// SPDX-License-Identifier: MIT
// What of DRM core's optional calls the driver has (enum drm_driver_feature): all, unless it is
// told otherwise, for tests of clients that must do without.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace fakegpu::drv {

enum Feature : uint32_t {
  kFeatureSyncobj = 1,   // DRIVER_SYNCOBJ
  kFeatureTimeline = 2,  // DRIVER_SYNCOBJ_TIMELINE: points, QUERY, TRANSFER, EVENTFD
  kFeaturePrime = 4,     // dma-bufs out and in
  kFeatureDumb = 8,      // drm_driver::dumb_create
};
inline constexpr uint32_t kAllFeatures = 15;

// The features named in `names`, "syncobj,timeline,prime,dumb" in any choice, with ',' or '+'
// between them. Syncobjs bring timelines with them, which are nothing without. Nothing: an unknown
// or empty name.
std::optional<uint32_t> parse_features(std::string_view names);

}  // namespace fakegpu::drv
