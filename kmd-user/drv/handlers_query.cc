// SPDX-License-Identifier: MIT
// What a client can ask of the device, and the channel token.
#include <algorithm>
#include <variant>

#include "client_usage.h"
#include "handlers.h"
#include "ioctl/table.h"
#include "mm/address_space.h"
#include "packets/pm4.h"

namespace fakegpu::drv {

namespace {

constexpr uint32_t kHeaps = 2;

drm_fakegpu_device_info device_info(const Device& device) {
  drm_fakegpu_device_info info = {};
  device.chip_name().copy(info.name, sizeof(info.name) - 1);
  info.device_id = device.device_id();
  info.revision = device.revision();
  info.ring_count = static_cast<uint32_t>(device.rings().size());
  info.heap_count = kHeaps;
  info.va_start = mm::kVaStart;
  info.va_end = mm::kVaEnd;
  info.page_size = hw::kPageSize;
  info.max_ibs = Ring::kMaxIbs;
  info.max_syncobjs = ioctl::kMaxSubmitSyncobjs;
  info.max_ib_dwords = packets::pm4::IndirectBuffer::kMaxDwords;
  if (device.options().mmap) info.features |= DRM_FAKEGPU_FEATURE_MMAP;
  if (!device.options().channel_path.empty()) info.features |= DRM_FAKEGPU_FEATURE_CHANNEL;
  if (device.edu_packets()) info.features |= DRM_FAKEGPU_FEATURE_EDU;
  info.timestamp_frequency_hz = base::kNanosPerSecond;
  return info;
}

drm_fakegpu_ring_info ring_info(const Device& device, Ring& ring) {
  drm_fakegpu_ring_info info = {};
  ring.info().name.copy(info.name, sizeof(info.name) - 1);
  info.type = ring.info().type;
  info.instance = ring.info().instance;
  info.size_dwords = Ring::kDwords;
  info.ready = ring.ready();
  info.emitted = ring.emitted();
  info.completed = ring.completed();
  info.busy_ns = static_cast<uint64_t>(ring.busy_time(device.now()));
  ring.scheduler().policy().name().copy(info.policy, sizeof(info.policy) - 1);
  const sched::Scheduler& scheduler = ring.scheduler();
  info.queued = scheduler.usage().queued();
  info.in_flight = scheduler.usage().in_flight();
  info.depth_ns = static_cast<uint64_t>(scheduler.depth_in_flight(device.now()));
  info.wait_time_ns = static_cast<uint64_t>(scheduler.usage().wait_time);
  return info;
}

drm_fakegpu_heap_info heap_info(FileImpl& file, uint32_t index) {
  const auto heap = static_cast<mm::Heap>(index);
  drm_fakegpu_heap_info info = {};
  info.type = index;
  info.size_bytes = file.device().memory().heap_size(heap);
  info.used_bytes = file.device().memory().heap_used(heap);
  info.client_bytes = file.usage()->bytes[index];
  return info;
}

drm_fakegpu_policy_info policy_info(uint32_t index) {
  drm_fakegpu_policy_info info = {};
  sched::policy_names()[index].copy(info.name, sizeof(info.name) - 1);
  return info;
}

using Info = std::variant<drm_fakegpu_device_info, drm_fakegpu_ring_info, drm_fakegpu_heap_info,
                          drm_fakegpu_policy_info, drm_fakegpu_usage>;

Outcome look_up(FileImpl& file, const drm_fakegpu_query& arg, Info& info) {
  const Device& device = file.device();
  switch (arg.item) {
    case DRM_FAKEGPU_QUERY_DEVICE:
      if (arg.index != 0) return -EINVAL;
      info = device_info(device);
      return 0;
    case DRM_FAKEGPU_QUERY_RING:
      if (arg.index >= device.rings().size()) return -EINVAL;
      info = ring_info(device, *device.rings()[arg.index]);
      return 0;
    case DRM_FAKEGPU_QUERY_HEAP:
      if (arg.index >= kHeaps) return -EINVAL;
      info = heap_info(file, arg.index);
      return 0;
    case DRM_FAKEGPU_QUERY_POLICY:
      if (arg.index >= sched::policy_names().size()) return -EINVAL;
      info = policy_info(arg.index);
      return 0;
    case DRM_FAKEGPU_QUERY_USAGE:
      if (arg.index >= device.rings().size()) return -EINVAL;
      info = usage_of(device, arg.index, *file.accounts()[arg.index]);
      return 0;
    default:
      return -EINVAL;
  }
}

Outcome query(Call& call) {
  auto& arg = call.as<drm_fakegpu_query>();
  Info info;
  const Outcome found = under_lock(call, [&] { return look_up(call.file, arg, info); });
  if (*found != 0) return found;
  return std::visit(
      [&](const auto& answer) -> Outcome {
        const size_t room = std::min<size_t>(arg.size, sizeof(answer));
        arg.size = sizeof(answer);
        if (room == 0) return 0;
        const auto bytes = std::as_bytes(std::span(&answer, 1)).first(room);
        return call.memory.store(arg.data, bytes) ? 0 : -EFAULT;
      },
      info);
}
int check_query(std::span<const std::byte> arg) {
  return reinterpret_cast<const drm_fakegpu_query*>(arg.data())->pad ? -EINVAL : 0;
}

Outcome channel(Call& call) {
  auto& arg = call.as<drm_fakegpu_channel>();
  Device& device = call.file.device();
  const std::string& path = device.options().channel_path;
  if (path.empty() || path.size() >= sizeof(arg.path)) return -EOPNOTSUPP;
  const auto token = device.tokens().issue(call.file, call.request.caller.uid, device.now());
  if (!token) return token.error().negated();
  arg = {};
  std::copy(token->begin(), token->end(), arg.token);
  path.copy(arg.path, sizeof(arg.path) - 1);
  return 0;
}

constexpr HandlerRow kRows[] = {
    {_IOC_NR(DRM_IOCTL_FAKEGPU_QUERY), query, check_query},
    {_IOC_NR(DRM_IOCTL_FAKEGPU_CHANNEL), locked<channel>, nullptr},
};

}  // namespace

std::span<const HandlerRow> query_handlers() {
  return kRows;
}

}  // namespace fakegpu::drv
