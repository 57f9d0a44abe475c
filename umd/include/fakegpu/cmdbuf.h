// SPDX-License-Identifier: MIT
/** \file cmdbuf.h  Command buffers and what every engine can do. Rules for all: fakegpu.h. */
#ifndef FAKEGPU_CMDBUF_H
#define FAKEGPU_CMDBUF_H

#include <fakegpu/context.h>
#include <fakegpu/kernels.h>

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * A list of packets, the memory that they are submitted from, and the memory of their arguments.
 *
 * Every function that adds packets checks them as the command processor will. On -EINVAL (a value
 * out of range, a misaligned address, a packet of another engine) or -ENOMEM it adds nothing, and
 * the command buffer keeps the first such error: it is broken, takes no more packets, and cannot be
 * submitted until it is reset. So a caller may check every call or only the submission.
 *
 * One thread at a time. GPU addresses are of the context's address space.
 */
struct fakegpu_cmdbuf;

/**
 * Makes an empty command buffer.
 *
 * \param ctx        in, whose address space the packets use; it may be submitted on every context
 * of that address space \param ring_type  in, DRM_FAKEGPU_RING_*: GFX and COMPUTE take the packets
 * of pm4.h, and either's command buffers; SDMA those of sdma.h \param out        out, freed with
 * fakegpu_cmdbuf_destroy()
 *
 * Errors: -EINVAL: no such type.
 */
FAKEGPU_PUBLIC int fakegpu_cmdbuf_create(struct fakegpu_context *ctx, uint32_t ring_type,
                                         struct fakegpu_cmdbuf **out);

/** Frees it and its memory. Jobs submitted from it must be done. */
FAKEGPU_PUBLIC void fakegpu_cmdbuf_destroy(struct fakegpu_cmdbuf *cb);

/** Empties it, error included, and keeps its memory for reuse. Jobs submitted from it must be done.
 */
FAKEGPU_PUBLIC void fakegpu_cmdbuf_reset(struct fakegpu_cmdbuf *cb);

/** \return 0, or the first error since it was made or reset. */
FAKEGPU_PUBLIC int fakegpu_cmdbuf_error(const struct fakegpu_cmdbuf *cb);

/** \return the packets so far, in dwords, without padding. */
FAKEGPU_PUBLIC uint32_t fakegpu_cmdbuf_dwords(const struct fakegpu_cmdbuf *cb);

/**
 * Copies the packets into GPU memory, SDMA's padded to 8 dwords with a NOP. Submission does this by
 * itself. Packets may be added afterwards; the next finish then makes another copy, so an IB that
 * was given out stays as it is until the command buffer is reset or destroyed.
 *
 * \param ib  out: for fakegpu_submission.ibs, or to call by an INDIRECT_BUFFER; dwords is 0 if
 * there are no packets
 *
 * Errors: the latched one; -E2BIG: more than max_ib_dwords; those of fakegpu_bo_create(),
 * fakegpu_bo_map() and fakegpu_vm_bind().
 */
FAKEGPU_PUBLIC int fakegpu_cmdbuf_finish(struct fakegpu_cmdbuf *cb, struct drm_fakegpu_ib *ib);

/**
 * Takes memory that lives as long as the packets: arguments, or words that they write.
 *
 * \param size_bytes       in, > 0
 * \param alignment_bytes  in, a power of two up to the page size
 * \param cpu              out, zeroed, writable until reset or destroy; may be NULL
 * \param va               out, its GPU address
 *
 * Errors: -EINVAL; those of fakegpu_cmdbuf_finish(). They break the command buffer.
 */
FAKEGPU_PUBLIC int fakegpu_cmdbuf_data(struct fakegpu_cmdbuf *cb, uint64_t size_bytes,
                                       uint64_t alignment_bytes, void **cpu, uint64_t *va);

/**
 * Adds dwords as they are, unchecked: for tests, and for packets made elsewhere.
 *
 * \param dwords  in, `count` of them
 */
FAKEGPU_PUBLIC int fakegpu_cmd_raw(struct fakegpu_cmdbuf *cb, const uint32_t *dwords,
                                   uint32_t count);

/**
 * Skips dwords: NOP of either engine, header included.
 *
 * \param dwords  in, 1 to 0x4000
 */
FAKEGPU_PUBLIC int fakegpu_cmd_nop(struct fakegpu_cmdbuf *cb, uint32_t dwords);

/**
 * Copies memory: as many COPY_LINEAR (SDMA) or DMA_DATA (gfx, compute) as the size takes. The
 * ranges must not overlap. On gfx and compute later packets wait for the copy.
 *
 * \param dst_va      in, any alignment
 * \param src_va      in, any alignment
 * \param size_bytes  in; 0 adds nothing
 */
FAKEGPU_PUBLIC int fakegpu_cmd_copy(struct fakegpu_cmdbuf *cb, uint64_t dst_va, uint64_t src_va,
                                    uint64_t size_bytes);

/**
 * Fills memory with a dword: as many CONST_FILL (SDMA) or DMA_DATA (gfx, compute) as the size
 * takes.
 *
 * \param dst_va      in, a multiple of 4
 * \param value       in
 * \param size_bytes  in, a multiple of 4; 0 adds nothing
 */
FAKEGPU_PUBLIC int fakegpu_cmd_fill(struct fakegpu_cmdbuf *cb, uint64_t dst_va, uint32_t value,
                                    uint64_t size_bytes);

/**
 * Runs a built-in kernel over x * y * z workgroups (gfx, compute): stores the arguments, points
 * COMPUTE_PGM and COMPUTE_USER_DATA at kernel and arguments, and adds DISPATCH_DIRECT and a partial
 * flush, so that later packets see what the kernel wrote.
 *
 * \param kernel           in, FAKEGPU_KERNEL_*
 * \param arguments        in, the kernel's struct of kernels.h; copied
 * \param argument_bytes   in, its size
 * \param x, y, z          in, workgroups, x * y * z up to 2^24; fakegpu_groups() counts them
 *
 * Errors: -EINVAL also for an unknown kernel and for a wrong argument size.
 */
FAKEGPU_PUBLIC int fakegpu_cmd_dispatch(struct fakegpu_cmdbuf *cb, uint32_t kernel,
                                        const void *arguments, uint32_t argument_bytes, uint32_t x,
                                        uint32_t y, uint32_t z);

/** \return the workgroups that cover n elements, `per_group` (> 0) each. */
static inline uint32_t fakegpu_groups(uint32_t n, uint32_t per_group) {
  return n / per_group + (n % per_group != 0);
}

#if defined(__cplusplus)
}
#endif

#endif
