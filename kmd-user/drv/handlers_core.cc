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
constexpr std::string_view kUnique = "platform:fakegpu.0";
constexpr int kMajor = 1;
constexpr int kMinor = 0;
// The interface version of SET_VERSION (DRM_IF_VERSION).
constexpr int kInterfaceMajor = 1;
constexpr int kInterfaceMinor = 4;

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
  arg.version_major = kMajor;
  arg.version_minor = kMinor;
  arg.version_patchlevel = 0;
  const bool copied = copy_text(call, kName, arg.name, arg.name_len) &&
                      copy_text(call, kDate, arg.date, arg.date_len) &&
                      copy_text(call, kDescription, arg.desc, arg.desc_len);
  return copied ? 0 : -EFAULT;
}

Outcome get_unique(Call& call) {
  auto& arg = call.as<drm_unique>();
  // Unlike VERSION's, a text that does not fit is not copied at all.
  if (arg.unique_len >= kUnique.size()) {
    if (!copy_text(call, kUnique, arg.unique, arg.unique_len)) return -EFAULT;
  }
  arg.unique_len = kUnique.size();
  return 0;
}

Outcome set_version(Call& call) {
  auto& arg = call.as<drm_set_version>();
  int result = 0;
  if (arg.drm_di_major != -1 && (arg.drm_di_major != kInterfaceMajor || arg.drm_di_minor < 0 ||
                                 arg.drm_di_minor > kInterfaceMinor)) {
    result = -EINVAL;
  } else if (arg.drm_dd_major != -1 &&
             (arg.drm_dd_major != kMajor || arg.drm_dd_minor < 0 || arg.drm_dd_minor > kMinor)) {
    result = -EINVAL;
  }
  arg = {kInterfaceMajor, kInterfaceMinor, kMajor, kMinor};
  return result;
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
      return 0;
    default:
      return -EOPNOTSUPP;  // a driver without KMS
  }
}

// All client capabilities are about KMS.
Outcome set_client_cap(Call&) {
  return -EOPNOTSUPP;
}

Outcome get_client(Call& call) {
  auto& arg = call.as<drm_client>();
  if (arg.idx != 0) return -EINVAL;
  arg.auth = 1;
  arg.pid = static_cast<unsigned long>(call.file.opener().pid);
  arg.uid = call.file.opener().uid;
  arg.magic = 0;
  arg.iocs = 0;
  return 0;
}

// The kernel's too has nothing to tell since its legacy drivers are gone.
Outcome get_stats(Call& call) {
  call.as<drm_stats>() = {};
  return 0;
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
    {_IOC_NR(DRM_IOCTL_GET_UNIQUE), get_unique, nullptr},
    {_IOC_NR(DRM_IOCTL_GET_CLIENT), get_client, nullptr},
    {_IOC_NR(DRM_IOCTL_GET_STATS), get_stats, nullptr},
    {_IOC_NR(DRM_IOCTL_SET_VERSION), set_version, nullptr},
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
