// SPDX-License-Identifier: MIT
// Dumb buffers: drivers/gpu/drm/drm_dumb_buffers.c, drm_gem.c.
#include "handlers.h"

namespace fakegpu::drv {

namespace {

constexpr uint64_t kPitchAlignment = 64;

uint64_t pitch_of(const drm_mode_create_dumb& dumb) {
  const uint64_t bytes = (uint64_t{dumb.bpp} + 7) / 8 * dumb.width;
  return (bytes + kPitchAlignment - 1) & ~(kPitchAlignment - 1);
}

Outcome create(Call& call) {
  auto& arg = call.as<drm_mode_create_dumb>();
  arg.handle = 0;
  arg.pitch = 0;
  arg.size = 0;
  const uint64_t pitch = pitch_of(arg);
  // Either mmap() of the device shows it, or it can be exported. Who makes one wants to map it.
  const mm::BoRequest request{.size = pitch * arg.height,
                              .heap = mm::Heap::kVram,
                              .shareable = !call.file.device().options().mmap};
  if (const int error = create_bo(call.file, request, &arg.handle, &arg.size)) return error;
  arg.pitch = static_cast<uint32_t>(pitch);
  return 0;
}
int check_create(std::span<const std::byte> arg) {
  const auto& dumb = view<drm_mode_create_dumb>(arg);
  if (dumb.width == 0 || dumb.height == 0 || dumb.bpp == 0 || dumb.flags != 0) return -EINVAL;
  // Its size in whole pages must fit 32 bits. No product here overflows 64.
  if (dumb.bpp > UINT32_MAX - 8) return -EINVAL;
  constexpr uint64_t kMost = UINT32_MAX - (hw::kPageSize - 1);
  const uint64_t pitch = pitch_of(dumb);
  return pitch <= kMost && pitch * dumb.height <= kMost ? 0 : -EINVAL;
}

Outcome map(Call& call) {
  auto& arg = call.as<drm_mode_map_dumb>();
  const mm::BoRef bo = call.file.bos().find(arg.handle);
  if (!bo) return -ENOENT;
  // As the kernel refuses what was imported: it is not for this device to map.
  if (call.file.device().options().mmap && bo->shareable()) return -EINVAL;
  arg.offset = bo->map_offset();
  return 0;
}

Outcome destroy(Call& call) {
  const auto& arg = call.as<drm_mode_destroy_dumb>();
  return call.file.bos().remove(arg.handle) ? 0 : -EINVAL;
}

constexpr HandlerRow kRows[] = {
    {_IOC_NR(DRM_IOCTL_MODE_CREATE_DUMB), locked<create>, check_create, kFeatureDumb},
    {_IOC_NR(DRM_IOCTL_MODE_MAP_DUMB), locked<map>, nullptr, kFeatureDumb},
    {_IOC_NR(DRM_IOCTL_MODE_DESTROY_DUMB), locked<destroy>, nullptr, kFeatureDumb},
};

}  // namespace

std::span<const HandlerRow> dumb_handlers() {
  return kRows;
}

}  // namespace fakegpu::drv
