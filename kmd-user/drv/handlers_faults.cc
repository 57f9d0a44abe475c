// SPDX-License-Identifier: MIT
// INJECT: faults of the chip and the driver, armed while they work. In Linux this is debugfs
// (Documentation/fault-injection) and amdgpu's ras_ctrl.
#include <algorithm>
#include <cstring>

#include "handlers.h"
#include "ioctl/table.h"

namespace fakegpu::drv {

namespace {

bool is_zero(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

template <typename T>
int tell(Call& call, const std::vector<T>& all) {
  auto& arg = call.as<drm_fakegpu_inject>();
  const auto bytes = std::as_bytes(std::span(all));
  const size_t room = std::min<size_t>(arg.size, bytes.size());
  arg.size = static_cast<uint32_t>(bytes.size());
  return room == 0 || call.memory.store(arg.data, bytes.first(room)) ? 0 : -EFAULT;
}

int errno_of(const base::Result<>& result) {
  return result ? 0 : result.error().negated();
}

// Without the device lock: faults have their own, and their triggers may hold it.
Outcome inject(Call& call) {
  const auto& arg = call.as<drm_fakegpu_inject>();
  if (!is_owner(call)) return -EACCES;
  Faults& faults = call.file.device().faults();
  switch (arg.verb) {
    case DRM_FAKEGPU_FAULT_INJECT:
      return errno_of(faults.arm(arg.fault));
    case DRM_FAKEGPU_FAULT_CLEAR:
      return errno_of(faults.clear(arg.fault.name));
    case DRM_FAKEGPU_FAULT_KINDS:
      return tell(call, faults.kinds());
    default:
      return tell(call, faults.armed());
  }
}
int check_inject(std::span<const std::byte> arg) {
  const auto& inject = view<drm_fakegpu_inject>(arg);
  if (inject.pad || inject.pad2 || inject.fault.pad) return -EINVAL;
  if (inject.verb > DRM_FAKEGPU_FAULT_ARMED || inject.size > ioctl::kMaxReportBytes) return -EINVAL;
  if (std::memchr(inject.fault.name, 0, sizeof(inject.fault.name)) == nullptr) return -EINVAL;
  const auto fault = std::as_bytes(std::span(&inject.fault, 1));
  const bool asks = inject.verb >= DRM_FAKEGPU_FAULT_KINDS;
  if (asks) return is_zero(fault) ? 0 : -EINVAL;
  if (inject.data != 0 || inject.size != 0) return -EINVAL;
  const bool clears = inject.verb == DRM_FAKEGPU_FAULT_CLEAR;
  return clears && !is_zero(fault.subspan(sizeof(inject.fault.name))) ? -EINVAL : 0;
}

constexpr HandlerRow kRows[] = {
    {_IOC_NR(DRM_IOCTL_FAKEGPU_INJECT), inject, check_inject},
};

}  // namespace

std::span<const HandlerRow> fault_handlers() {
  return kRows;
}

}  // namespace fakegpu::drv
