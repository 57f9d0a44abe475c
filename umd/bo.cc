// SPDX-License-Identifier: MIT
#include "bo.h"

#include <fcntl.h>

namespace fakegpu::umd {

int Bo::create(Device& device, uint64_t size, uint64_t alignment, uint32_t heap, uint32_t flags,
               std::shared_ptr<Bo>* out) {
  std::shared_ptr<Bo> bo(new Bo(device));
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
  if (bo->shareable_) {
    // Before anybody can export it, by a raw ioctl too.
    BoTable& table = device.shared_bos();
    std::lock_guard lock(table.mutex);
    table.bos[bo->handle_] = bo.get();
    bo->shared_ = true;
  }
  *out = std::move(bo);
  return 0;
}

Bo::~Bo() {
  if (vm_) vm_->unbind(va_);
  mapping_ = OwnedMapping();
  if (handle_ != 0) close_handle();
}

void Bo::close_handle() {
  drm_gem_close close = {};
  close.handle = handle_;
  if (!shared_) {
    device_.call(DRM_IOCTL_GEM_CLOSE, &close);
    return;
  }
  BoTable& table = device_.shared_bos();
  std::lock_guard lock(table.mutex);
  // An import that came meanwhile has taken the handle over.
  const auto found = table.bos.find(handle_);
  if (found == table.bos.end() || found->second != this) return;
  table.bos.erase(found);
  device_.call(DRM_IOCTL_GEM_CLOSE, &close);
}

int Bo::export_fd(int* fd) {
  drm_prime_handle prime = {};
  prime.handle = handle_;
  prime.flags = DRM_CLOEXEC | DRM_RDWR;
  const int result = device_.call(DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);
  if (result == 0) *fd = prime.fd;
  return result;
}

int Bo::import_fd(Device& device, int fd, std::shared_ptr<Bo>* out) {
  std::shared_ptr<Bo> bo(new Bo(device));
  BoTable& table = device.shared_bos();
  std::unique_lock lock(table.mutex);
  drm_prime_handle prime = {};
  prime.fd = fd;
  int result = device.call(DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);
  if (result != 0) return result;
  Bo*& known = table.bos[prime.handle];
  if (known != nullptr) {
    *out = known->weak_from_this().lock();
    if (*out) return 0;
  }
  known = bo.get();
  bo->shared_ = true;
  bo->handle_ = prime.handle;
  lock.unlock();
  result = bo->describe();
  if (result == 0) *out = std::move(bo);
  return result;
}

int Bo::describe() {
  drm_fakegpu_bo_info info = {};
  info.handle = handle_;
  const int result = device_.call(DRM_IOCTL_FAKEGPU_BO_INFO, &info);
  size_ = info.size;
  alignment_ = info.alignment;
  shareable_ = info.flags & DRM_FAKEGPU_BO_SHAREABLE;
  return result;
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

int fakegpu_bo_export(struct fakegpu_bo* bo, int* fd) {
  return guarded([&] { return bo->core->export_fd(fd); });
}

int fakegpu_bo_import(struct fakegpu_device* dev, int fd, struct fakegpu_bo** out) {
  return guarded([&] {
    auto bo = std::make_unique<fakegpu_bo>();
    bo->device = dev->core;
    const int result = Bo::import_fd(*dev->core, fd, &bo->core);
    if (result == 0) *out = bo.release();
    return result;
  });
}

}  // extern "C"
