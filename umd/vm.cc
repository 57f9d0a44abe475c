// SPDX-License-Identifier: MIT
#include "vm.h"

#include <algorithm>

#include "bo.h"

namespace fakegpu::umd {

int Vm::create(Device& device, std::shared_ptr<Vm>* out) {
  drm_fakegpu_vm_create create = {};
  const int result = device.call(DRM_IOCTL_FAKEGPU_VM_CREATE, &create);
  if (result == 0) out->reset(new Vm(device, create.vm_id));
  return result;
}

// Address 0 stays free even if the device has it: here it stands for "choose one", and in the
// packets for "none".
Vm::Vm(Device& device, uint32_t id)
    : device_(device),
      id_(id),
      addresses_(std::max<uint64_t>(device.info().va_start, device.info().page_size),
                 device.info().va_end) {}

Vm::~Vm() {
  drm_fakegpu_vm_destroy destroy = {};
  destroy.vm_id = id_;
  device_.call(DRM_IOCTL_FAKEGPU_VM_DESTROY, &destroy);
}

int Vm::bind(const Bind& bind, uint64_t* va) {
  const uint64_t page = device_.info().page_size;
  if (bind.size == 0 || (bind.size | bind.offset | *va) % page != 0) return -EINVAL;
  uint64_t at = *va;
  {
    std::lock_guard lock(mutex_);
    if (at == 0) {
      const auto range = addresses_.allocate(bind.size, std::max(bind.alignment, page));
      if (!range) return -ENOSPC;
      at = *range;
    } else {
      const auto reserved = addresses_.reserve(at, bind.size);
      if (reserved == VaAllocator::Reserved::kOutside) return -EINVAL;
      if (reserved == VaAllocator::Reserved::kInUse) return -EEXIST;
    }
  }
  drm_fakegpu_vm_bind request = {};
  request.vm_id = id_;
  request.handle = bind.handle;
  request.flags = bind.flags;
  request.bo_offset = bind.offset;
  request.va = at;
  request.size = bind.size;
  const int result = device_.call(DRM_IOCTL_FAKEGPU_VM_BIND, &request);
  if (result != 0) {
    std::lock_guard lock(mutex_);
    addresses_.release(at);
    return result;
  }
  *va = at;
  return 0;
}

int Vm::unbind(uint64_t va) {
  drm_fakegpu_vm_unbind request = {};
  request.vm_id = id_;
  request.va = va;
  const int result = device_.call(DRM_IOCTL_FAKEGPU_VM_UNBIND, &request);
  // The driver first: only what it has let go may be handed out again.
  if (result == 0) {
    std::lock_guard lock(mutex_);
    addresses_.release(va);
  }
  return result;
}

}  // namespace fakegpu::umd

using namespace fakegpu::umd;

namespace {

int vm_or_default(fakegpu_device* dev, fakegpu_vm* vm, std::shared_ptr<Vm>* out) {
  if (!vm) return dev->core->default_vm(out);
  if (vm->device != dev->core) return -EINVAL;
  *out = vm->core;
  return 0;
}

}  // namespace

extern "C" {

int fakegpu_vm_create(struct fakegpu_device* dev, struct fakegpu_vm** out) {
  return guarded([&] {
    auto vm = std::make_unique<fakegpu_vm>();
    vm->device = dev->core;
    const int result = Vm::create(*dev->core, &vm->core);
    if (result == 0) *out = vm.release();
    return result;
  });
}

void fakegpu_vm_destroy(struct fakegpu_vm* vm) {
  delete vm;
}

int fakegpu_vm_bind(struct fakegpu_device* dev, struct fakegpu_vm* vm, struct fakegpu_bo* bo,
                    uint64_t offset_bytes, uint64_t size_bytes, uint32_t flags, uint64_t* va) {
  return guarded([&] {
    if (bo->device != dev->core) return -EINVAL;
    std::shared_ptr<Vm> space;
    const int result = vm_or_default(dev, vm, &space);
    if (result != 0) return result;
    return space->bind({bo->core->handle(), offset_bytes, size_bytes, bo->core->alignment(), flags},
                       va);
  });
}

int fakegpu_vm_unbind(struct fakegpu_device* dev, struct fakegpu_vm* vm, uint64_t va) {
  return guarded([&] {
    std::shared_ptr<Vm> space;
    const int result = vm_or_default(dev, vm, &space);
    return result == 0 ? space->unbind(va) : result;
  });
}

}  // extern "C"
