// SPDX-License-Identifier: MIT
// Masters, authentication, and what belongs to a master (drm_auth.c, drm_ioctl.c). All for the
// primary node; dispatch lets no file of a render node come here.
#include <cerrno>
#include <string_view>

#include "handlers.h"

namespace fakegpu::drv {

namespace {

constexpr std::string_view kUnique = "platform:fakegpu.0";
// The interface version of SET_VERSION (DRM_IF_VERSION).
constexpr int kInterfaceMajor = 1;
constexpr int kInterfaceMinor = 4;
// The kernel's overflowuid: it tells nobody's.
constexpr unsigned long kOverflowUid = 65534;

// Reads /proc, so before the lock.
MasterFile::Asker asker(const Call& call) {
  return {.opener = base::process_of(call.request.caller.pid) == call.file.master()->opener(),
          .privileged = is_privileged(call.request.caller)};
}

Outcome get_magic(Call& call) {
  call.as<drm_auth>().magic = call.file.master()->magic();
  return 0;
}

Outcome auth_magic(Call& call) {
  return call.file.master()->authenticate(call.as<drm_auth>().magic);
}

Outcome set_master(Call& call) {
  const MasterFile::Asker who = asker(call);
  return under_lock(call, [&] { return call.file.master()->set(who); });
}

Outcome drop_master(Call& call) {
  const MasterFile::Asker who = asker(call);
  return under_lock(call, [&] { return call.file.master()->drop(who); });
}

// All that is left of it in the kernel: who calls, and whether the file is authenticated.
Outcome get_client(Call& call) {
  auto& arg = call.as<drm_client>();
  if (arg.idx != 0) return -EINVAL;
  arg.auth = call.file.master()->authenticated();
  arg.pid = static_cast<unsigned long>(call.request.caller.pid);
  arg.uid = kOverflowUid;
  arg.magic = 0;
  arg.iocs = 0;
  return 0;
}

// The kernel's too has nothing to tell since its legacy drivers are gone.
Outcome get_stats(Call& call) {
  call.as<drm_stats>() = {};
  return 0;
}

Outcome get_unique(Call& call) {
  auto& arg = call.as<drm_unique>();
  std::string unique;
  {
    DeviceLock::Guard guard(call.file.device().lock());
    unique = call.file.master()->master().unique();
  }
  // Unlike VERSION's, a text that does not fit is not copied at all.
  const bool fits = arg.unique_len >= unique.size();
  arg.unique_len = unique.size();
  if (!fits || unique.empty() || !arg.unique) return 0;
  return call.memory.store(reinterpret_cast<uintptr_t>(arg.unique),
                           std::as_bytes(std::span(unique)))
             ? 0
             : -EFAULT;
}

Outcome set_version(Call& call) {
  auto& arg = call.as<drm_set_version>();
  const drm_set_version asked = arg;
  arg = {kInterfaceMajor, kInterfaceMinor, kDriverMajor, kDriverMinor};
  if (asked.drm_di_major != -1) {
    if (asked.drm_di_major != kInterfaceMajor || asked.drm_di_minor < 0 ||
        asked.drm_di_minor > kInterfaceMinor)
      return -EINVAL;
    // Version 1.1 ties the master to the device.
    DeviceLock::Guard guard(call.file.device().lock());
    if (asked.drm_di_minor >= 1) call.file.master()->master().set_unique(kUnique);
  }
  const bool driver =
      asked.drm_dd_major == -1 || (asked.drm_dd_major == kDriverMajor && asked.drm_dd_minor >= 0 &&
                                   asked.drm_dd_minor <= kDriverMinor);
  return driver ? 0 : -EINVAL;
}

constexpr HandlerRow kRows[] = {
    {_IOC_NR(DRM_IOCTL_GET_UNIQUE), get_unique, nullptr},
    {_IOC_NR(DRM_IOCTL_GET_MAGIC), locked<get_magic>, nullptr},
    {_IOC_NR(DRM_IOCTL_GET_CLIENT), locked<get_client>, nullptr},
    {_IOC_NR(DRM_IOCTL_GET_STATS), get_stats, nullptr},
    {_IOC_NR(DRM_IOCTL_SET_VERSION), set_version, nullptr},
    {_IOC_NR(DRM_IOCTL_AUTH_MAGIC), locked<auth_magic>, nullptr},
    {_IOC_NR(DRM_IOCTL_SET_MASTER), set_master, nullptr},
    {_IOC_NR(DRM_IOCTL_DROP_MASTER), drop_master, nullptr},
};

}  // namespace

std::span<const HandlerRow> auth_handlers() {
  return kRows;
}

}  // namespace fakegpu::drv
