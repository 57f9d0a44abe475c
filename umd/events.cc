// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <vector>

#include <fakegpu/sync.h>

#include "device.h"

using namespace fakegpu::umd;

extern "C" int fakegpu_device_read_events(struct fakegpu_device* dev,
                                          struct drm_fakegpu_event_fence* events, uint32_t max,
                                          int block) {
  return guarded([&] {
    if (max == 0) return -EINVAL;
    std::vector<std::byte> buffer(size_t{std::min(max, 1024u)} * sizeof(*events));
    for (;;) {
      const int got = dev->core->transport().read_events(buffer, block != 0);
      if (got < 0) return got;
      std::span<const std::byte> rest = std::span(buffer).first(static_cast<size_t>(got));
      int count = 0;
      drm_event head;
      while (rest.size() >= sizeof(head)) {
        std::memcpy(&head, rest.data(), sizeof(head));
        if (head.length < sizeof(head) || head.length > rest.size()) return -ENODEV;
        // A later driver may have other events, or longer ones.
        if (head.type == DRM_FAKEGPU_EVENT_FENCE && head.length >= sizeof(*events))
          std::memcpy(&events[count++], rest.data(), sizeof(*events));
        rest = rest.subspan(head.length);
      }
      if (count > 0) return count;
    }
  });
}
