// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <vector>

#include <fakegpu/sync.h>

#include "device.h"

using namespace fakegpu::umd;

namespace {

constexpr size_t kReadBytes = 4096;

// Calls `visit` with the type and bytes of each event. How many there were; -ENODEV: that was none.
template <typename Visit>
int for_each_event(std::span<const std::byte> rest, Visit visit) {
  int count = 0;
  drm_event head;
  for (; rest.size() >= sizeof(head); rest = rest.subspan(head.length), ++count) {
    std::memcpy(&head, rest.data(), sizeof(head));
    if (head.length < sizeof(head) || head.length > rest.size()) return -ENODEV;
    visit(head.type, rest.first(head.length));
  }
  return count;
}

// A later driver's event may be longer, an older one's is none of ours.
template <typename Event>
void handle(void* data, void (*handler)(void*, const Event*), std::span<const std::byte> bytes) {
  Event event;
  if (handler == nullptr || bytes.size() < sizeof(event)) return;
  std::memcpy(&event, bytes.data(), sizeof(event));
  handler(data, &event);
}

}  // namespace

extern "C" {

int fakegpu_device_read_events(struct fakegpu_device* dev, struct drm_fakegpu_event_fence* events,
                               uint32_t max, int block) {
  return guarded([&] {
    if (max == 0) return -EINVAL;
    std::vector<std::byte> buffer(size_t{std::min(max, 1024u)} * sizeof(*events));
    for (;;) {
      const int got = dev->core->transport().read_events(buffer, block != 0);
      if (got < 0) return got;
      int count = 0;
      const int all =
          for_each_event(std::span(buffer).first(static_cast<size_t>(got)),
                         [&](uint32_t type, std::span<const std::byte> bytes) {
                           if (type != DRM_FAKEGPU_EVENT_FENCE || bytes.size() < sizeof(*events))
                             return;
                           std::memcpy(&events[count++], bytes.data(), sizeof(*events));
                         });
      if (all < 0) return all;
      if (count > 0) return count;
    }
  });
}

int fakegpu_device_monitor(struct fakegpu_device* dev, uint32_t events) {
  drm_fakegpu_monitor arg = {events, 0};
  return dev->core->call(DRM_IOCTL_FAKEGPU_MONITOR, &arg);
}

int fakegpu_device_handle_events(struct fakegpu_device* dev,
                                 const struct fakegpu_event_handlers* handlers, int block) {
  return guarded([&] {
    if (handlers->size < sizeof(*handlers) || handlers->pad != 0) return -EINVAL;
    std::vector<std::byte> buffer(kReadBytes);
    const int got = dev->core->transport().read_events(buffer, block != 0);
    if (got < 0) return got;
    return for_each_event(std::span(buffer).first(static_cast<size_t>(got)),
                          [&](uint32_t type, std::span<const std::byte> bytes) {
                            if (type == DRM_FAKEGPU_EVENT_FENCE)
                              handle(handlers->data, handlers->fence, bytes);
                            else if (type == DRM_FAKEGPU_EVENT_WEDGED)
                              handle(handlers->data, handlers->wedged, bytes);
                          });
  });
}

}  // extern "C"
