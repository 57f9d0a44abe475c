// SPDX-License-Identifier: MIT
// DRM core's own calls (drm_ioctl.c), as a render-capable driver without KMS answers them.
#include <algorithm>
#include <string_view>

#include "handlers.h"

namespace fakegpu::drv {

namespace {

constexpr std::string_view kName = "fakegpu";
constexpr std::string_view kDate = "20261123";
constexpr std::string_view kDescription = "Fake GPU with a userspace driver";

// drm_copy_field(): copies what fits and tells the whole length.
bool copy_text(Call& call, std::string_view text, const void* to, __kernel_size_t& length) {
  const size_t room = std::min<size_t>(length, text.size());
  length = text.size();
  if (room == 0 || !to) return true;
  return call.memory.store(reinterpret_cast<uintptr_t>(to),
                           std::as_bytes(std::span(text.data(), room)));
}

Outcome version(Call& call) {
  auto& arg = call.as<drm_version>();
  arg.version_major = kDriverMajor;
  arg.version_minor = kDriverMinor;
  arg.version_patchlevel = 0;
  const bool copied = copy_text(call, kName, arg.name, arg.name_len) &&
                      copy_text(call, kDate, arg.date, arg.date_len) &&
                      copy_text(call, kDescription, arg.desc, arg.desc_len);
  return copied ? 0 : -EFAULT;
}

Outcome get_cap(Call& call) {
  auto& arg = call.as<drm_get_cap>();
  arg.value = 0;
  switch (arg.capability) {
    case DRM_CAP_TIMESTAMP_MONOTONIC:
      arg.value = 1;
      return 0;
    case DRM_CAP_SYNCOBJ:
      arg.value = call.file.device().has(kFeatureSyncobj);
      return 0;
    case DRM_CAP_SYNCOBJ_TIMELINE:
      arg.value = call.file.device().has(kFeatureTimeline);
      return 0;
    case DRM_CAP_PRIME:
      if (call.file.device().has(kFeaturePrime))
        arg.value = DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT;
      return 0;
    // The kernel tells of them only with KMS, though vgem has them without: who asks before it
    // tries would never try.
    case DRM_CAP_DUMB_BUFFER:
      arg.value = call.file.device().has(kFeatureDumb);
      return 0;
    default:
      return -EOPNOTSUPP;  // a driver without KMS
  }
}

// All client capabilities are about KMS.
Outcome set_client_cap(Call&) {
  return -EOPNOTSUPP;
}

Outcome gem_close(Call& call) {
  const auto& arg = call.as<drm_gem_close>();
  return call.file.bos().remove(arg.handle) ? 0 : -EINVAL;
}

// What a descriptor is, is for the transport to know that has descriptors.
Outcome absent_here(Call&) {
  return -EOPNOTSUPP;
}

constexpr HandlerRow kRows[] = {
    {_IOC_NR(DRM_IOCTL_VERSION), version, nullptr},
    {_IOC_NR(DRM_IOCTL_GEM_CLOSE), locked<gem_close>, nullptr},
    {_IOC_NR(DRM_IOCTL_GET_CAP), get_cap, nullptr},
    {_IOC_NR(DRM_IOCTL_SET_CLIENT_CAP), set_client_cap, nullptr},
    {_IOC_NR(DRM_IOCTL_FAKEGPU_ATTACH), absent_here, nullptr},
    {_IOC_NR(DRM_IOCTL_FAKEGPU_IDENTIFY), absent_here, nullptr},
};

}  // namespace

std::span<const HandlerRow> core_handlers() {
  return kRows;
}

}  // namespace fakegpu::drv
