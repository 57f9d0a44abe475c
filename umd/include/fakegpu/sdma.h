// SPDX-License-Identifier: MIT
/**
 * \file sdma.h
 * Single packets of the SDMA rings, one function each. They add to a command buffer as cmdbuf.h
 * says (latched -EINVAL); comparisons, atomic operations and flags are those of pm4.h. Addresses
 * are GPU virtual, 48 bits. Counterpart: amdgpu's vega10_sdma_pkt_open.h. NOP: fakegpu_cmd_nop().
 */
#ifndef FAKEGPU_SDMA_H
#define FAKEGPU_SDMA_H

#include <fakegpu/pm4.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** COPY_LINEAR. size_bytes: in, 1 to 2^22; any alignment. fakegpu_cmd_copy() takes every size. */
FAKEGPU_PUBLIC int fakegpu_sdma_copy_linear(struct fakegpu_cmdbuf *cb, uint64_t dst_va,
                                            uint64_t src_va, uint32_t size_bytes);

/** WRITE_LINEAR. dst_va: in, a multiple of 4; data: in, `count` dwords, 1 to 2^20. */
FAKEGPU_PUBLIC int fakegpu_sdma_write_linear(struct fakegpu_cmdbuf *cb, uint64_t dst_va,
                                             const uint32_t *data, uint32_t count);

/** CONST_FILL. dst_va: in, a multiple of 4; size_bytes: in, 4 to 2^22, a multiple of 4. */
FAKEGPU_PUBLIC int fakegpu_sdma_const_fill(struct fakegpu_cmdbuf *cb, uint64_t dst_va,
                                           uint32_t value, uint32_t size_bytes);

/**
 * INDIRECT: calls other packets. The chip takes it on the ring only; within an IB it is a fault, so
 * this is for tests.
 *
 * \param va            in, a multiple of 32
 * \param dwords        in, 1 to 2^20 - 1
 * \param save_area_va  in, a multiple of 4; 0: cannot be preempted
 */
FAKEGPU_PUBLIC int fakegpu_sdma_indirect(struct fakegpu_cmdbuf *cb, uint64_t va, uint32_t dwords,
                                         uint64_t save_area_va);

/** FENCE: stores a dword when all before it is done. va: in, a multiple of 4. */
FAKEGPU_PUBLIC int fakegpu_sdma_fence(struct fakegpu_cmdbuf *cb, uint64_t va, uint32_t data);

/** TRAP: raises an interrupt. context_id: in, 28 bits. */
FAKEGPU_PUBLIC int fakegpu_sdma_trap(struct fakegpu_cmdbuf *cb, uint32_t context_id);

#define FAKEGPU_RETRY_FOREVER 0xfff

/**
 * POLL_REGMEM. flags: REGISTER.
 *
 * \param function  in, FAKEGPU_COMPARE_*
 * \param address   in, a multiple of 4, or a register
 * \param interval  in, GPU clocks between polls
 * \param retries   in, 0 to 0xfff; the engine goes on after them. FAKEGPU_RETRY_FOREVER: never
 */
FAKEGPU_PUBLIC int fakegpu_sdma_poll_regmem(struct fakegpu_cmdbuf *cb, uint32_t function,
                                            uint32_t flags, uint64_t address, uint32_t reference,
                                            uint32_t mask, uint16_t interval, uint16_t retries);

/**
 * COND_EXE: if the dword at `va` is not `reference`, skips the next packets.
 *
 * \param va      in, a multiple of 4
 * \param dwords  in, 0 to 0x3fff
 */
FAKEGPU_PUBLIC int fakegpu_sdma_cond_exec(struct fakegpu_cmdbuf *cb, uint64_t va,
                                          uint32_t reference, uint16_t dwords);

/** ATOMIC. Parameters as fakegpu_cmd_atomic_mem(), but interval: in GPU clocks. */
FAKEGPU_PUBLIC int fakegpu_sdma_atomic(struct fakegpu_cmdbuf *cb, uint32_t op, uint32_t flags,
                                       uint64_t va, uint64_t data, uint64_t compare,
                                       uint16_t interval);

/** TIMESTAMP_GET_GLOBAL: stores the GPU clock, 64 bits. va: in, a multiple of 8. */
FAKEGPU_PUBLIC int fakegpu_sdma_timestamp(struct fakegpu_cmdbuf *cb, uint64_t va);

/** SRBM_WRITE: writes a register, which a client may not: for tests. */
FAKEGPU_PUBLIC int fakegpu_sdma_srbm_write(struct fakegpu_cmdbuf *cb, uint32_t reg, uint32_t data);

/**
 * WORK: keeps the ring busy. For teaching and tests (DRM_FAKEGPU_FEATURE_EDU); no chip has it.
 * Parameters as fakegpu_cmd_work(), which has flags besides.
 */
FAKEGPU_PUBLIC int fakegpu_sdma_work(struct fakegpu_cmdbuf *cb, uint32_t units, uint32_t unit_ns,
                                     uint64_t progress_va);

#if defined(__cplusplus)
}
#endif

#endif
