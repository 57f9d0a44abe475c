// SPDX-License-Identifier: MIT
#include "bo.h"

namespace fakegpu::umd {

int Bo::create(Device& device, uint64_t size, uint64_t alignment, uint32_t heap, uint32_t flags,
               std::unique_ptr<Bo>* out) {
  std::unique_ptr<Bo> bo(new Bo(device));
  drm_fakegpu_bo_create create = {};
  create.size = size;
  create.alignment = alignment;
  create.heap = heap;
  create.flags = flags;
  const int result = device.call(DRM_IOCTL_FAKEGPU_BO_CREATE, &create);
  if (result != 0) return result;
  bo->handle_ = create.handle;
  bo->size_ = create.size;
  bo->alignment_ = alignment;
  bo->shareable_ = flags & DRM_FAKEGPU_BO_SHAREABLE;
  *out = std::move(bo);
  return 0;
}

Bo::~Bo() {
  if (vm_) vm_->unbind(va_);
  mapping_ = OwnedMapping();
  if (handle_ == 0) return;
  drm_gem_close close = {};
  close.handle = handle_;
  device_.call(DRM_IOCTL_GEM_CLOSE, &close);
}

int Bo::map_now() {
  drm_fakegpu_bo_mmap where = {};
  where.handle = handle_;
  int result = device_.call(DRM_IOCTL_FAKEGPU_BO_MMAP, &where);
  if (result != 0) return result;
  BoPages pages;
  result = device_.transport().bo_pages(
      {handle_, shareable_, where.offset, size_, device_.info().features}, &pages);
  if (result != 0) return result;
  return mapping_.map(pages.fd, pages.offset, size_);
}

int Bo::map(void** cpu) {
  std::lock_guard lock(mutex_);
  if (mapped_ == 0) {
    const int result = map_now();
    if (result != 0) return result;
  }
  ++mapped_;
  *cpu = mapping_.data();
  return 0;
}

int Bo::unmap() {
  std::lock_guard lock(mutex_);
  if (mapped_ == 0) return -EINVAL;
  if (--mapped_ == 0) mapping_ = OwnedMapping();
  return 0;
}

int Bo::address_in(const std::shared_ptr<Vm>& vm, uint64_t* va) {
  std::lock_guard lock(mutex_);
  if (!vm_) {
    const int result = vm->bind({handle_, 0, size_, alignment_, 0}, &va_);
    if (result != 0) return result;
    vm_ = vm;
  }
  *va = va_;
  return 0;
}

}  // namespace fakegpu::umd

using namespace fakegpu::umd;

extern "C" {

int fakegpu_bo_create(struct fakegpu_device* dev, uint64_t size_bytes, uint64_t alignment_bytes,
                      uint32_t heap, uint32_t flags, struct fakegpu_bo** out) {
  return guarded([&] {
    auto bo = std::make_unique<fakegpu_bo>();
    bo->device = dev->core;
    const int result = Bo::create(*dev->core, size_bytes, alignment_bytes, heap, flags, &bo->core);
    if (result == 0) *out = bo.release();
    return result;
  });
}

void fakegpu_bo_destroy(struct fakegpu_bo* bo) {
  delete bo;
}

uint32_t fakegpu_bo_handle(const struct fakegpu_bo* bo) {
  return bo->core->handle();
}

uint64_t fakegpu_bo_size(const struct fakegpu_bo* bo) {
  return bo->core->size();
}

int fakegpu_bo_info(struct fakegpu_bo* bo, struct drm_fakegpu_bo_info* info) {
  return guarded([&] {
    drm_fakegpu_bo_info answer = {};
    answer.handle = bo->core->handle();
    const int result = bo->device->call(DRM_IOCTL_FAKEGPU_BO_INFO, &answer);
    if (result == 0) *info = answer;
    return result;
  });
}

int fakegpu_bo_map(struct fakegpu_bo* bo, void** cpu) {
  return guarded([&] { return bo->core->map(cpu); });
}

int fakegpu_bo_unmap(struct fakegpu_bo* bo) {
  return bo->core->unmap();
}

int fakegpu_bo_va(struct fakegpu_bo* bo, uint64_t* va) {
  return guarded([&] {
    std::shared_ptr<Vm> vm;
    const int result = bo->device->default_vm(&vm);
    return result == 0 ? bo->core->address_in(vm, va) : result;
  });
}

}  // extern "C"
