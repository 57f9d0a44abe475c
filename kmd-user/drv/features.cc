// SPDX-License-Identifier: MIT
#include "drv/features.h"

#include <algorithm>
#include <utility>

namespace fakegpu::drv {

std::optional<uint32_t> parse_features(std::string_view names) {
  constexpr std::pair<std::string_view, uint32_t> kNames[] = {
      {"syncobj", kFeatureSyncobj | kFeatureTimeline},
      {"timeline", kFeatureTimeline},
      {"prime", kFeaturePrime},
      {"dumb", kFeatureDumb},
  };
  uint32_t features = 0;
  for (;;) {
    const size_t end = names.find_first_of(",+");
    const auto found = std::ranges::find(kNames, names.substr(0, end),
                                         &std::pair<std::string_view, uint32_t>::first);
    if (found == std::end(kNames)) return std::nullopt;
    features |= found->second;
    if (end == std::string_view::npos) return features;
    names.remove_prefix(end + 1);
  }
}

}  // namespace fakegpu::drv
