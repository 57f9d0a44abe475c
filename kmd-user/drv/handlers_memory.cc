// SPDX-License-Identifier: MIT
// Buffer objects and address spaces.
#include "base/log.h"
#include "handlers.h"

namespace fakegpu::drv {

namespace {

// Page tables count as the file's memory, but there may be no limit to that.
constexpr uint32_t kMaxVms = 256;

int refuse(const base::Error& error) {
  base::log(base::LogLevel::kDebug, "refused: {}", error.message());
  return error.negated();
}

Outcome bo_create(Call& call) {
  auto& arg = call.as<drm_fakegpu_bo_create>();
  return create_bo(call.file,
                   {arg.size, arg.alignment, static_cast<mm::Heap>(arg.heap),
                    (arg.flags & DRM_FAKEGPU_BO_SHAREABLE) != 0},
                   &arg.handle, &arg.size);
}
int check_bo_create(std::span<const std::byte> arg) {
  const auto& bo = view<drm_fakegpu_bo_create>(arg);
  const bool known = bo.heap <= DRM_FAKEGPU_HEAP_SYSTEM && !(bo.flags & ~DRM_FAKEGPU_BO_SHAREABLE);
  return known && bo.size != 0 && bo.pad == 0 ? 0 : -EINVAL;
}

Outcome bo_info(Call& call) {
  auto& arg = call.as<drm_fakegpu_bo_info>();
  const mm::BoRef bo = call.file.bos().find(arg.handle);
  if (!bo) return -ENOENT;
  arg.size = bo->size();
  arg.alignment = bo->alignment();
  arg.heap = static_cast<uint32_t>(bo->heap());
  arg.flags = bo->shareable() ? DRM_FAKEGPU_BO_SHAREABLE : 0;
  return 0;
}
int check_bo_info(std::span<const std::byte> arg) {
  return view<drm_fakegpu_bo_info>(arg).pad ? -EINVAL : 0;
}

Outcome bo_mmap(Call& call) {
  auto& arg = call.as<drm_fakegpu_bo_mmap>();
  const mm::BoRef bo = call.file.bos().find(arg.handle);
  if (!bo) return -ENOENT;
  arg.offset = bo->map_offset();
  arg.size = bo->size();
  return 0;
}
int check_bo_mmap(std::span<const std::byte> arg) {
  return view<drm_fakegpu_bo_mmap>(arg).flags ? -EINVAL : 0;
}

Outcome vm_create(Call& call) {
  auto& arg = call.as<drm_fakegpu_vm_create>();
  FileImpl& file = call.file;
  Device& device = file.device();
  if (file.vms().size() >= kMaxVms) return -EMFILE;
  if (out_of_memory(file)) return -ENOMEM;
  auto space = mm::AddressSpace::create(device.memory(), device.kernel_arena(), file.usage());
  if (!space) return refuse(space.error());
  arg.vm_id =
      file.vms().insert(device.add_vm(base::make_ref<Vm>(std::move(*space), device.vmids())));
  return 0;
}
int check_vm_create(std::span<const std::byte> arg) {
  return view<drm_fakegpu_vm_create>(arg).flags ? -EINVAL : 0;
}

// Contexts that use it keep it alive.
Outcome vm_destroy(Call& call) {
  const auto& arg = call.as<drm_fakegpu_vm_destroy>();
  return call.file.vms().remove(arg.vm_id) ? 0 : -ENOENT;
}
int check_vm_destroy(std::span<const std::byte> arg) {
  return view<drm_fakegpu_vm_destroy>(arg).pad ? -EINVAL : 0;
}

Outcome vm_bind(Call& call) {
  const auto& arg = call.as<drm_fakegpu_vm_bind>();
  FileImpl& file = call.file;
  const VmRef vm = file.vms().find(arg.vm_id);
  mm::BoRef bo = file.bos().find(arg.handle);
  if (!vm || !bo) return -ENOENT;
  // Not -ENOSPC, which asks the client for memory, where only an unbind helps. (The kernel's
  // -ENOMEM for too many mappings would ask for it too.)
  if (file.usage()->binds >= file.device().options().file_binds) return -EMFILE;
  const auto bound = vm->space().bind(arg.va, std::move(bo), arg.bo_offset, arg.size,
                                      (arg.flags & DRM_FAKEGPU_VM_BIND_READONLY) != 0);
  return bound ? 0 : refuse(bound.error());
}
int check_vm_bind(std::span<const std::byte> arg) {
  const auto& bind = view<drm_fakegpu_vm_bind>(arg);
  return bind.pad != 0 || (bind.flags & ~DRM_FAKEGPU_VM_BIND_READONLY) ? -EINVAL : 0;
}

Outcome vm_unbind(Call& call) {
  const auto& arg = call.as<drm_fakegpu_vm_unbind>();
  const VmRef vm = call.file.vms().find(arg.vm_id);
  if (!vm) return -ENOENT;
  const auto unbound = vm->unbind(arg.va);
  return unbound ? 0 : refuse(unbound.error());
}
int check_vm_unbind(std::span<const std::byte> arg) {
  return view<drm_fakegpu_vm_unbind>(arg).pad ? -EINVAL : 0;
}

constexpr HandlerRow kRows[] = {
    {_IOC_NR(DRM_IOCTL_FAKEGPU_BO_CREATE), locked<bo_create>, check_bo_create},
    {_IOC_NR(DRM_IOCTL_FAKEGPU_BO_INFO), locked<bo_info>, check_bo_info},
    {_IOC_NR(DRM_IOCTL_FAKEGPU_BO_MMAP), locked<bo_mmap>, check_bo_mmap},
    {_IOC_NR(DRM_IOCTL_FAKEGPU_VM_CREATE), locked<vm_create>, check_vm_create},
    {_IOC_NR(DRM_IOCTL_FAKEGPU_VM_DESTROY), locked<vm_destroy>, check_vm_destroy},
    {_IOC_NR(DRM_IOCTL_FAKEGPU_VM_BIND), locked<vm_bind>, check_vm_bind},
    {_IOC_NR(DRM_IOCTL_FAKEGPU_VM_UNBIND), locked<vm_unbind>, check_vm_unbind},
};

}  // namespace

int create_bo(FileImpl& file, const mm::BoRequest& request, __u32* handle, __u64* size) {
  Device& device = file.device();
  if (file.bos().size() >= device.options().file_objects) return -EMFILE;
  if (out_of_memory(file)) return -ENOMEM;
  auto arena = file.arena();
  if (!arena) return refuse(arena.error());
  (*arena)->drop_strays();
  auto bo = device.memory().create(request, std::move(*arena), file.usage());
  if (!bo) return refuse(bo.error());
  *size = (*bo)->size();
  *handle = file.bos().insert(std::move(*bo));
  return 0;
}

std::span<const HandlerRow> memory_handlers() {
  return kRows;
}

}  // namespace fakegpu::drv
