// SPDX-License-Identifier: MIT
#include "device.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "bo.h"
#include "discover.h"
#include "vm.h"

namespace fakegpu::umd {

namespace {

// drmIoctl() repeats -EAGAIN at once. The only cause here is a full job queue, and the jobs need
// the CPU: so with growing pauses.
void pause_after(unsigned tries) {
  const timespec pause = {0, 10'000L << std::min(tries, 7u)};
  ::nanosleep(&pause, nullptr);
}

}  // namespace

int Device::open(std::unique_ptr<Transport> transport, std::shared_ptr<Device>* out) {
  std::shared_ptr<Device> device(new Device(std::move(transport)));
  const int result = device->identify();
  if (result == 0) *out = std::move(device);
  return result;
}

Device::Device(std::unique_ptr<Transport> transport)
    : transport_(std::move(transport)), shared_bos_(std::make_unique<BoTable>()) {}
Device::~Device() = default;

int Device::call(unsigned long command, void* arg, Pointers pointers) {
  for (unsigned tries = 0;; ++tries) {
    const int result = transport_->ioctl(static_cast<uint32_t>(command), arg, pointers);
    if (result == -EAGAIN)
      pause_after(tries);
    else if (result != -EINTR)
      return result;
  }
}

int Device::query(uint32_t item, uint32_t index, void* data, uint32_t size) {
  drm_fakegpu_query query = {};
  query.item = item;
  query.index = index;
  query.data = reinterpret_cast<uintptr_t>(data);
  query.size = size;
  return call(DRM_IOCTL_FAKEGPU_QUERY, &query);
}

int Device::identify() {
  // Nothing private is sent before the driver's name is known: the node may be anybody's.
  char name[16] = {};
  drm_version version = {};
  version.name = name;
  version.name_len = sizeof(name) - 1;
  int result = call(DRM_IOCTL_VERSION, &version);
  if (result == -ENOTTY || result == -EINVAL) return -ENXIO;
  if (result != 0) return result;
  if (std::string_view(name) != "fakegpu") return -ENXIO;

  result = query(DRM_FAKEGPU_QUERY_DEVICE, 0, &info_, sizeof(info_));
  if (result != 0) return result;
  info_.name[sizeof(info_.name) - 1] = 0;
  // What all sizes are computed with; a device that lacks sense here is no device of ours.
  if (info_.page_size == 0 || (info_.page_size & (info_.page_size - 1)) != 0) return -ENXIO;
  for (uint32_t i = 0; i < info_.ring_count; ++i) {
    drm_fakegpu_ring_info ring = {};
    result = query(DRM_FAKEGPU_QUERY_RING, i, &ring, sizeof(ring));
    if (result != 0) return result;
    rings_.push_back({ring.type, ring.instance});
  }
  return 0;
}

int Device::default_vm(std::shared_ptr<Vm>* out) {
  std::lock_guard lock(vm_mutex_);
  if (!default_vm_) {
    const int result = Vm::create(*this, &default_vm_);
    if (result != 0) return result;
  }
  *out = default_vm_;
  return 0;
}

const FencePage& Device::fence_page() {
  std::call_once(fence_page_once_, [this] { fence_page_.map(*transport_, info_.features); });
  return fence_page_;
}

int open_transport(std::unique_ptr<Transport> transport, struct fakegpu_device** out) {
  auto handle = std::make_unique<fakegpu_device>();
  const int result = Device::open(std::move(transport), &handle->core);
  if (result == 0) *out = handle.release();
  return result;
}

}  // namespace fakegpu::umd

using namespace fakegpu::umd;

extern "C" {

int fakegpu_device_open(const char* where, struct fakegpu_device** out) {
  return guarded([&] {
    if (where) return open_at(where, out);
    int result = -ENOENT;
    for (const Place& place : places(environment())) {
      result = open_at(place.where, out);
      if (result == 0) break;
    }
    return result;
  });
}

int fakegpu_device_open_fd(int fd, struct fakegpu_device** out) {
  return guarded([&] {
    OwnedFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!copy) return -errno;
    struct stat status;
    if (::fstat(copy.get(), &status) != 0) return -errno;
    std::unique_ptr<Transport> transport;
    const int result = S_ISSOCK(status.st_mode) ? open_socket(std::move(copy), &transport)
                                                : open_node(std::move(copy), &transport);
    return result == 0 ? open_transport(std::move(transport), out) : result;
  });
}

void fakegpu_device_close(struct fakegpu_device* dev) {
  delete dev;
}

const char* fakegpu_device_transport(const struct fakegpu_device* dev) {
  return dev->core->transport().name();
}

int fakegpu_device_fd(const struct fakegpu_device* dev) {
  return dev->core->transport().fd();
}

int64_t fakegpu_deadline_ns(const struct fakegpu_device* dev, int64_t from_now_ns) {
  int64_t deadline;
  if (!__builtin_add_overflow(dev->core->transport().now_ns(), from_now_ns, &deadline))
    return deadline;
  return from_now_ns > 0 ? std::numeric_limits<int64_t>::max()
                         : std::numeric_limits<int64_t>::min();
}

const struct drm_fakegpu_device_info* fakegpu_device_info(const struct fakegpu_device* dev) {
  return &dev->core->info();
}

int fakegpu_query_ring(struct fakegpu_device* dev, uint32_t ring,
                       struct drm_fakegpu_ring_info* info) {
  drm_fakegpu_ring_info answer = {};
  const int result = dev->core->query(DRM_FAKEGPU_QUERY_RING, ring, &answer, sizeof(answer));
  if (result == 0) *info = answer;
  return result;
}

int fakegpu_query_heap(struct fakegpu_device* dev, uint32_t heap,
                       struct drm_fakegpu_heap_info* info) {
  // Heaps are listed by index; which one is of which type is the device's choice.
  for (uint32_t i = 0; i < dev->core->info().heap_count; ++i) {
    drm_fakegpu_heap_info answer = {};
    const int result = dev->core->query(DRM_FAKEGPU_QUERY_HEAP, i, &answer, sizeof(answer));
    if (result != 0) return result;
    if (answer.type != heap) continue;
    *info = answer;
    return 0;
  }
  return -EINVAL;
}

int fakegpu_query_policy(struct fakegpu_device* dev, uint32_t index,
                         struct drm_fakegpu_policy_info* info) {
  drm_fakegpu_policy_info answer = {};
  const int result = dev->core->query(DRM_FAKEGPU_QUERY_POLICY, index, &answer, sizeof(answer));
  if (result == 0) *info = answer;
  return result;
}

int fakegpu_device_set_policy(struct fakegpu_device* dev, const char* name, uint32_t ring) {
  return guarded([&] {
    drm_fakegpu_set_policy request = {};
    const std::string_view text(name);
    if (text.size() >= sizeof(request.name)) return -EINVAL;
    text.copy(request.name, text.size());
    request.ring = ring;
    return dev->core->call(DRM_IOCTL_FAKEGPU_SET_POLICY, &request);
  });
}

int fakegpu_find_ring(const struct fakegpu_device* dev, uint32_t type, uint32_t instance) {
  const auto& rings = dev->core->rings();
  const auto found = std::find_if(rings.begin(), rings.end(), [&](const Device::Ring& ring) {
    return ring.type == type && ring.instance == instance;
  });
  return found == rings.end() ? -ENOENT : static_cast<int>(found - rings.begin());
}

int fakegpu_device_ioctl(struct fakegpu_device* dev, unsigned long request, void* arg) {
  return guarded([&] { return dev->core->call(request, arg, Pointers::kChecked); });
}

int fakegpu_device_ioctl_once(struct fakegpu_device* dev, unsigned long request, void* arg) {
  return guarded([&] {
    return dev->core->transport().ioctl(static_cast<uint32_t>(request), arg, Pointers::kChecked);
  });
}

int fakegpu_fd_ioctl(struct fakegpu_device* dev, int fd, unsigned long request, void* arg) {
  return guarded([&] {
    return dev->core->transport().fd_ioctl(fd, static_cast<uint32_t>(request), arg,
                                           Pointers::kChecked);
  });
}

}  // extern "C"
