// SPDX-License-Identifier: MIT
// BOs by descriptor. Order of checks and errnos: drivers/gpu/drm/drm_prime.c.
#include <fcntl.h>

#include "dma_buf_file.h"
#include "handlers.h"

namespace fakegpu::drv {

namespace {

Outcome handle_to_fd(Call& call) {
  auto& arg = call.as<drm_prime_handle>();
  Device& device = call.file.device();
  if (const int error = reserve_fd(call.request, (arg.flags & DRM_CLOEXEC) != 0)) return error;
  mm::BoRef bo;
  const Outcome found = under_lock(call, [&] {
    mm::BoRef named = call.file.bos().find(arg.handle);
    if (!named) return -ENOENT;
    // Its pages are in the arena, and whoever got that would see the file's other BOs too. amdgpu
    // refuses so what is bound to one address space (AMDGPU_GEM_CREATE_VM_ALWAYS_VALID).
    if (!named->shareable()) return -EPERM;
    bo = std::move(named);
    return 0;
  });
  if (*found != 0) return found;
  arg.fd = call.request.descriptors->install(
      std::make_unique<DmaBufFile>(device, std::move(bo), (arg.flags & DRM_RDWR) != 0));
  return 0;
}
int check_handle_to_fd(std::span<const std::byte> arg) {
  return view<drm_prime_handle>(arg).flags & ~(DRM_CLOEXEC | DRM_RDWR) ? -EINVAL : 0;
}

// The kernel looks at no flags here.
Outcome fd_to_handle(Call& call) {
  auto& arg = call.as<drm_prime_handle>();
  FileImpl& file = call.file;
  Device& device = file.device();
  const TakenFd taken = take_fd(call.request, arg.fd);
  if (taken.error != 0) return taken.error;
  const auto* dma_buf = object_of<DmaBufFile>(taken, device);
  if (dma_buf == nullptr) return -EINVAL;
  return under_lock(call, [&] {
    arg.handle = file.bos().handle_of(*dma_buf->bo());
    if (arg.handle != 0) return 0;
    if (file.bos().size() >= device.options().file_objects) return -EMFILE;
    arg.handle = file.bos().insert(dma_buf->bo());
    return 0;
  });
}

constexpr HandlerRow kRows[] = {
    {_IOC_NR(DRM_IOCTL_PRIME_HANDLE_TO_FD), handle_to_fd, check_handle_to_fd, kFeaturePrime},
    {_IOC_NR(DRM_IOCTL_PRIME_FD_TO_HANDLE), fd_to_handle, nullptr, kFeaturePrime},
};

}  // namespace

std::span<const HandlerRow> prime_handlers() {
  return kRows;
}

}  // namespace fakegpu::drv
