// SPDX-License-Identifier: MIT
/** \file memory.h  Buffer objects and GPU address spaces. Rules for all: fakegpu.h. */
#ifndef FAKEGPU_MEMORY_H
#define FAKEGPU_MEMORY_H

#include <fakegpu/device.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** Memory that the GPU and the CPU can reach. */
struct fakegpu_bo;

/**
 * A GPU address space. Every device has a default one, made when it is first needed; NULL stands
 * for it wherever a function takes an address space.
 */
struct fakegpu_vm;

/**
 * Allocates zeroed memory.
 *
 * \param size_bytes       in, > 0; rounded up to pages
 * \param alignment_bytes  in, a power of two, or 0 for a page
 * \param heap             in, DRM_FAKEGPU_HEAP_*
 * \param flags            in, DRM_FAKEGPU_BO_*
 * \param out              out, freed with fakegpu_bo_destroy()
 *
 * Errors: -EINVAL: bad size, alignment, heap or flag; -ENOSPC: the heap or the client's share is
 * full; -EMFILE: too many handles. Counterpart: amdgpu_bo_alloc().
 */
FAKEGPU_PUBLIC int fakegpu_bo_create(struct fakegpu_device *dev, uint64_t size_bytes,
                                     uint64_t alignment_bytes, uint32_t heap, uint32_t flags,
                                     struct fakegpu_bo **out);

/**
 * Unmaps the BO from the CPU and from the default address space and frees its handle. Jobs that
 * still use an address of it fault: wait for them first. Pages bound by fakegpu_vm_bind() stay
 * until they are unbound. Counterpart: amdgpu_bo_free().
 */
FAKEGPU_PUBLIC void fakegpu_bo_destroy(struct fakegpu_bo *bo);

/** \return the GEM handle, for raw ioctls. Counterpart: amdgpu_bo_export(.., kms). */
FAKEGPU_PUBLIC uint32_t fakegpu_bo_handle(const struct fakegpu_bo *bo);

/** \return the size in bytes, a multiple of the page size. */
FAKEGPU_PUBLIC uint64_t fakegpu_bo_size(const struct fakegpu_bo *bo);

/**
 * What the driver knows of the BO.
 *
 * \param info  out. Counterpart: amdgpu_bo_query_info().
 */
FAKEGPU_PUBLIC int fakegpu_bo_info(struct fakegpu_bo *bo, struct drm_fakegpu_bo_info *info);

/**
 * Maps the BO for the CPU, read and write. The first call makes the mapping (over the socket or the
 * channel: blocks for a round trip), later ones count and give the same address.
 *
 * \param cpu  out, valid until as many fakegpu_bo_unmap() or fakegpu_bo_destroy(). The memory stays
 *             readable when the daemon dies
 *
 * Errors: -EOPNOTSUPP: the transport has neither mmap nor a channel; what mmap() or the channel's
 * connect() gave. Counterpart: amdgpu_bo_cpu_map().
 */
FAKEGPU_PUBLIC int fakegpu_bo_map(struct fakegpu_bo *bo, void **cpu);

/** Undoes one fakegpu_bo_map(). Errors: -EINVAL: not mapped. Counterpart: amdgpu_bo_cpu_unmap(). */
FAKEGPU_PUBLIC int fakegpu_bo_unmap(struct fakegpu_bo *bo);

/**
 * The BO's address in the default address space. The first call chooses a range and binds the whole
 * BO there, for reading and writing; it stays until the BO is destroyed.
 *
 * \param va  out, GPU virtual address in bytes, aligned as the BO
 *
 * Errors: -ENOSPC: no range is free. Counterpart: amdgpu_va_range_alloc() and amdgpu_bo_va_op().
 */
FAKEGPU_PUBLIC int fakegpu_bo_va(struct fakegpu_bo *bo, uint64_t *va);

/**
 * A dma-buf for a BO that was created with DRM_FAKEGPU_BO_SHAREABLE, or imported: a descriptor to
 * be given to others, which can be imported, polled, and asked with DMA_BUF_IOCTL_*
 * (fakegpu_fd_ioctl()), and mapped, over CUSE only by who imports it (fakegpu_bo_map()).
 *
 * \param fd  out, close-on-exec; the caller closes it. It keeps the memory
 *
 * Errors: -EPERM: the BO is not shareable; -EMFILE: no descriptor is left; -ENFILE: too many are
 * on the way to their callers; -EOPNOTSUPP: the device is without PRIME. `fd` is left alone then.
 * Counterpart: amdgpu_bo_export(.., amdgpu_bo_handle_type_dma_buf_fd), drmPrimeHandleToFD().
 */
FAKEGPU_PUBLIC int fakegpu_bo_export(struct fakegpu_bo *bo, int *fd);

/**
 * The memory of such a descriptor as a BO of this device. Importing what this device exported, or
 * imported before, gives a BO with the same DRM handle; the handle goes with the last of them.
 *
 * \param fd   in, borrowed
 * \param out  out, freed with fakegpu_bo_destroy()
 *
 * Errors: -EINVAL: not a dma-buf of this device's GPU; -EBADF: no descriptor; -EPERM: the daemon
 * may not look into this process; -EIO: it could not; -EMFILE: too many handles; -EOPNOTSUPP: the
 * device is without PRIME. Counterpart: amdgpu_bo_import(), drmPrimeFDToHandle().
 */
FAKEGPU_PUBLIC int fakegpu_bo_import(struct fakegpu_device *dev, int fd, struct fakegpu_bo **out);

/**
 * Makes an empty address space.
 *
 * \param out  out, freed with fakegpu_vm_destroy()
 *
 * Errors: -EMFILE: too many. Counterpart: what opening the node does in amdgpu.
 */
FAKEGPU_PUBLIC int fakegpu_vm_create(struct fakegpu_device *dev, struct fakegpu_vm **out);

/**
 * Drops the handle. The address space itself goes once the contexts and command buffers made for it
 * are destroyed too.
 */
FAKEGPU_PUBLIC void fakegpu_vm_destroy(struct fakegpu_vm *vm);

/**
 * Maps a part of a BO into an address space.
 *
 * \param dev           in, the BO's and the address space's
 * \param vm            in, or NULL: the default one
 * \param bo            in
 * \param offset_bytes  in, into the BO; a multiple of the page size
 * \param size_bytes    in, a multiple of the page size, > 0, within the BO
 * \param flags         in, DRM_FAKEGPU_VM_BIND_*
 * \param va            in and out: where, a multiple of the page size; 0 lets the library choose
 *
 * Errors: -EINVAL: misaligned, outside of the BO or of [va_start, va_end); -EEXIST: the range is in
 * use; -ENOSPC: no range is free; -EMFILE: too many binds. Counterpart:
 * amdgpu_bo_va_op(AMDGPU_VA_OP_MAP).
 */
FAKEGPU_PUBLIC int fakegpu_vm_bind(struct fakegpu_device *dev, struct fakegpu_vm *vm,
                                   struct fakegpu_bo *bo, uint64_t offset_bytes,
                                   uint64_t size_bytes, uint32_t flags, uint64_t *va);

/**
 * Undoes one fakegpu_vm_bind(). Jobs that still touch the range fault.
 *
 * \param va  in, the first address of the bind
 *
 * Errors: -ENOENT: no bind starts there. Counterpart: amdgpu_bo_va_op(AMDGPU_VA_OP_UNMAP).
 */
FAKEGPU_PUBLIC int fakegpu_vm_unbind(struct fakegpu_device *dev, struct fakegpu_vm *vm,
                                     uint64_t va);

#if defined(__cplusplus)
}
#endif

#endif
