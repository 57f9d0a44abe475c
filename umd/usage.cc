// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstring>
#include <vector>

#include <fakegpu/usage.h>

#include "context.h"
#include "device.h"
#include "ioctl/drm_core.h"
#include "ioctl/table.h"

using namespace fakegpu::umd;

extern "C" {

int fakegpu_query_usage(struct fakegpu_device* dev, uint32_t ring,
                        struct drm_fakegpu_usage* usage) {
  return guarded([&] {
    drm_fakegpu_usage answer = {};
    const int result = dev->core->query(DRM_FAKEGPU_QUERY_USAGE, ring, &answer, sizeof(answer));
    if (result == 0) *usage = answer;
    return result;
  });
}

int fakegpu_context_usage(struct fakegpu_context* ctx, uint32_t ring,
                          struct drm_fakegpu_usage* usage) {
  return guarded([&] {
    drm_fakegpu_ctx_usage arg = {};
    arg.ctx_id = ctx->id;
    arg.ring = ring;
    const int result = ctx->device->call(DRM_IOCTL_FAKEGPU_CTX_USAGE, &arg);
    if (result == 0) *usage = arg.usage;
    return result;
  });
}

int fakegpu_visit_clients(struct fakegpu_device* dev,
                          int (*visit)(const struct drm_fakegpu_client*, void* data), void* data) {
  return guarded([&] {
    std::vector<drm_fakegpu_client> part(fakegpu::ioctl::kMaxClients);
    for (uint64_t last = 0;;) {
      drm_fakegpu_clients arg = {};
      arg.after = last;
      arg.data = reinterpret_cast<uintptr_t>(part.data());
      arg.count = static_cast<uint32_t>(part.size());
      const int result = dev->core->call(DRM_IOCTL_FAKEGPU_CLIENTS, &arg);
      if (result != 0 || arg.count == 0) return result;
      if (arg.count > part.size()) return -ENODEV;
      for (const drm_fakegpu_client& client : std::span(part).first(arg.count)) {
        // A tour that does not get on would have no end.
        if (client.client_id <= last) return -ENODEV;
        last = client.client_id;
        if (const int ended = visit(&client, data)) return ended;
      }
    }
  });
}

int fakegpu_fdinfo(struct fakegpu_device* dev, uint64_t client_id, char* text, uint32_t size) {
  return guarded([&] {
    std::vector<char> room(size);
    drm_fakegpu_fdinfo arg = {};
    arg.client_id = client_id;
    arg.data = reinterpret_cast<uintptr_t>(room.data());
    arg.size = size;
    const int result = dev->core->call(DRM_IOCTL_FAKEGPU_FDINFO, &arg);
    if (result != 0) return result;
    if (size != 0) {
      const size_t length = std::min(arg.size, size - 1);
      std::memcpy(text, room.data(), length);
      text[length] = 0;
    }
    return static_cast<int>(arg.size);
  });
}

int fakegpu_set_client_name(struct fakegpu_device* dev, const char* name) {
  return guarded([&] {
    fakegpu::ioctl::SetClientName arg = {};
    arg.name = reinterpret_cast<uintptr_t>(name);
    arg.name_len = name ? std::strlen(name) : 0;
    return dev->core->call(fakegpu::ioctl::kSetClientNameCommand, &arg);
  });
}

}  // extern "C"
