// SPDX-License-Identifier: MIT
/**
 * \file pm4.h
 * Single packets of the gfx and compute rings, one function each. They add to a command buffer as
 * cmdbuf.h says (latched -EINVAL). Addresses are GPU virtual, 48 bits; registers are dword
 * offsets, 18 bits. Counterpart: the PACKET3() macros of amdgpu's nvd.h.
 */
#ifndef FAKEGPU_PM4_H
#define FAKEGPU_PM4_H

#include <fakegpu/cmdbuf.h>

#if defined(__cplusplus)
extern "C" {
#endif

/* (value & mask) <function> reference */
#define FAKEGPU_COMPARE_ALWAYS 0
#define FAKEGPU_COMPARE_LESS 1
#define FAKEGPU_COMPARE_LESS_EQUAL 2
#define FAKEGPU_COMPARE_EQUAL 3
#define FAKEGPU_COMPARE_NOT_EQUAL 4
#define FAKEGPU_COMPARE_GREATER_EQUAL 5
#define FAKEGPU_COMPARE_GREATER 6

#define FAKEGPU_ATOMIC_SWAP32 0x07
#define FAKEGPU_ATOMIC_COMPARE_SWAP32 0x08
#define FAKEGPU_ATOMIC_ADD32 0x0f
#define FAKEGPU_ATOMIC_SWAP64 0x27
#define FAKEGPU_ATOMIC_COMPARE_SWAP64 0x28
#define FAKEGPU_ATOMIC_ADD64 0x2f

#define FAKEGPU_DST_REGISTER 0
#define FAKEGPU_DST_MEMORY_SYNC 1
#define FAKEGPU_DST_L2 2
#define FAKEGPU_DST_MEMORY 5

#define FAKEGPU_SRC_REGISTER 0
#define FAKEGPU_SRC_MEMORY 1
#define FAKEGPU_SRC_L2 2
#define FAKEGPU_SRC_IMMEDIATE 5
#define FAKEGPU_SRC_TIMESTAMP 9 /* value 0, with FAKEGPU_CMD_WIDE */

#define FAKEGPU_CMD_CONFIRM (1u << 0)     /* later packets see the write */
#define FAKEGPU_CMD_WIDE (1u << 1)        /* 64 bits */
#define FAKEGPU_CMD_ONE_ADDRESS (1u << 2) /* each dword to the same address */
#define FAKEGPU_CMD_REGISTER (1u << 3)    /* the address is a register */
#define FAKEGPU_CMD_LOOP (1u << 4)        /* repeat until the compare succeeds */
#define FAKEGPU_CMD_FILL (1u << 5)        /* the source is the dword to fill with */
#define FAKEGPU_CMD_SYNC (1u << 6)        /* later packets wait for the copy */
#define FAKEGPU_CMD_RAW_WAIT (1u << 7)    /* wait for earlier copies first */
#define FAKEGPU_CMD_CHAIN (1u << 8)       /* replaces the rest of this IB */
#define FAKEGPU_CMD_PREEMPT (1u << 9)     /* may be preempted in between */
#define FAKEGPU_CMD_PFP (1u << 10)        /* executed by the prefetch parser */

/**
 * WRITE_DATA. flags: CONFIRM, ONE_ADDRESS, PFP.
 *
 * \param dst      in, FAKEGPU_DST_*
 * \param address  in, a multiple of 4, or a register
 * \param data     in, `count` dwords
 * \param count    in, 1 to 0x3ffd
 */
FAKEGPU_PUBLIC int fakegpu_cmd_write_data(struct fakegpu_cmdbuf *cb, uint32_t dst, uint32_t flags,
                                          uint64_t address, const uint32_t *data, uint32_t count);

/**
 * COPY_DATA. flags: WIDE, CONFIRM, PFP.
 *
 * \param src      in, FAKEGPU_SRC_*
 * \param value    in, the source's address, register or value
 * \param dst      in, FAKEGPU_DST_*
 * \param address  in, the destination's; aligned to 4 bytes, with WIDE to 8
 */
FAKEGPU_PUBLIC int fakegpu_cmd_copy_data(struct fakegpu_cmdbuf *cb, uint32_t src, uint64_t value,
                                         uint32_t dst, uint64_t address, uint32_t flags);

/**
 * DMA_DATA. flags: FILL, SYNC, RAW_WAIT, PFP.
 *
 * \param dst_va         in; with FILL a multiple of 4
 * \param src            in, an address; with FILL a dword
 * \param size_bytes     in, 1 to 2^26 - 1; with FILL a multiple of 4
 */
FAKEGPU_PUBLIC int fakegpu_cmd_dma_data(struct fakegpu_cmdbuf *cb, uint64_t dst_va, uint64_t src,
                                        uint32_t size_bytes, uint32_t flags);

/**
 * WAIT_REG_MEM. flags: REGISTER, PFP.
 *
 * \param function  in, FAKEGPU_COMPARE_*
 * \param address   in, a multiple of 4, or a register
 * \param interval  in, between polls, in units of 16 GPU clocks
 */
FAKEGPU_PUBLIC int fakegpu_cmd_wait_reg_mem(struct fakegpu_cmdbuf *cb, uint32_t function,
                                            uint32_t flags, uint64_t address, uint32_t reference,
                                            uint32_t mask, uint16_t interval);

/**
 * ATOMIC_MEM. flags: LOOP (compare-swaps only).
 *
 * \param op        in, FAKEGPU_ATOMIC_*
 * \param va        in, aligned to the width
 * \param data      in; high half 0 for 32 bits
 * \param compare   in; 0 but for compare-swaps
 * \param interval  in, between tries, in units of 16 GPU clocks, 0 to 8191; 0 without LOOP
 */
FAKEGPU_PUBLIC int fakegpu_cmd_atomic_mem(struct fakegpu_cmdbuf *cb, uint32_t op, uint32_t flags,
                                          uint64_t va, uint64_t data, uint64_t compare,
                                          uint16_t interval);

/**
 * COND_EXEC: if the dword at `va` is 0, skips the next packets.
 *
 * \param va      in, a multiple of 4
 * \param dwords  in, 0 to 0x3fff; must end where a packet ends
 */
FAKEGPU_PUBLIC int fakegpu_cmd_cond_exec(struct fakegpu_cmdbuf *cb, uint64_t va, uint16_t dwords);

/**
 * INDIRECT_BUFFER: calls, or with CHAIN jumps to, other packets. flags: CHAIN, PREEMPT.
 *
 * \param va      in, a multiple of 4
 * \param dwords  in, 1 to 2^20 - 1
 */
FAKEGPU_PUBLIC int fakegpu_cmd_indirect_buffer(struct fakegpu_cmdbuf *cb, uint64_t va,
                                               uint32_t dwords, uint32_t flags);

/**
 * SET_SH_REG.
 *
 * \param offset  in, dwords from the bank's start
 * \param values  in, `count` dwords
 * \param count   in, >= 1; offset + count up to 0x400
 */
FAKEGPU_PUBLIC int fakegpu_cmd_set_sh_reg(struct fakegpu_cmdbuf *cb, uint16_t offset,
                                          const uint32_t *values, uint32_t count);

/**
 * DISPATCH_DIRECT alone; fakegpu_cmd_dispatch() does all of a dispatch.
 *
 * \param x, y, z    in, workgroups, x * y * z up to 2^24
 * \param initiator  in, COMPUTE_SHADER_EN (1), perhaps with FORCE_START_AT_000 (4)
 */
FAKEGPU_PUBLIC int fakegpu_cmd_dispatch_direct(struct fakegpu_cmdbuf *cb, uint32_t x, uint32_t y,
                                               uint32_t z, uint32_t initiator);

#define FAKEGPU_EVENT_CS_PARTIAL_FLUSH 0x07
#define FAKEGPU_EVENT_VS_PARTIAL_FLUSH 0x0f
#define FAKEGPU_EVENT_PS_PARTIAL_FLUSH 0x10

/** EVENT_WRITE: waits for the dispatches before it. event: in, FAKEGPU_EVENT_*. */
FAKEGPU_PUBLIC int fakegpu_cmd_event_write(struct fakegpu_cmdbuf *cb, uint32_t event);

#define FAKEGPU_RELEASE_NONE 0
#define FAKEGPU_RELEASE_32 1
#define FAKEGPU_RELEASE_64 2
#define FAKEGPU_RELEASE_TIMESTAMP 3
#define FAKEGPU_INTERRUPT_NONE 0
#define FAKEGPU_INTERRUPT_ONLY 1
#define FAKEGPU_INTERRUPT_AFTER_WRITE 2

/**
 * RELEASE_MEM: when all before it is done, writes and raises an interrupt.
 *
 * \param select      in, FAKEGPU_RELEASE_*: what is written
 * \param interrupt   in, FAKEGPU_INTERRUPT_*
 * \param va          in, aligned to the width; 0 with NONE
 * \param data        in; 0 with NONE and TIMESTAMP
 * \param context_id  in, comes back in the interrupt
 */
FAKEGPU_PUBLIC int fakegpu_cmd_release_mem(struct fakegpu_cmdbuf *cb, uint32_t select,
                                           uint32_t interrupt, uint64_t va, uint64_t data,
                                           uint32_t context_id);

/* For teaching and tests (DRM_FAKEGPU_FEATURE_EDU); no chip has these. */

#define FAKEGPU_WORK_PREEMPT_AT_UNIT 1u

/**
 * WORK: keeps the ring busy.
 *
 * \param units        in
 * \param unit_ns      in, nanoseconds each
 * \param flags        in, FAKEGPU_WORK_*
 * \param progress_va  in, where the units done are counted, a multiple of 4; 0: nowhere
 */
FAKEGPU_PUBLIC int fakegpu_cmd_work(struct fakegpu_cmdbuf *cb, uint32_t units, uint32_t unit_ns,
                                    uint32_t flags, uint64_t progress_va);

#define FAKEGPU_HANG_WAVE 0
#define FAKEGPU_HANG_PROCESSOR 1
#define FAKEGPU_HANG_IGNORE_PREEMPT 2
#define FAKEGPU_HANG_IGNORE_QUEUE_RESET 3
#define FAKEGPU_HANG_SURVIVE_SOFT_RESET 4
#define FAKEGPU_HANG_TIMED 5

/** HANG: stops. mode: in, FAKEGPU_HANG_*; argument: in, nanoseconds for TIMED, else 0. */
FAKEGPU_PUBLIC int fakegpu_cmd_hang(struct fakegpu_cmdbuf *cb, uint32_t mode, uint64_t argument);

#define FAKEGPU_FAULT_PAGE 0       /* argument: the address */
#define FAKEGPU_FAULT_BAD_OPCODE 1 /* argument: the opcode */
#define FAKEGPU_FAULT_CORRECTED_ERROR 2
#define FAKEGPU_FAULT_UNCORRECTED_ERROR 3
#define FAKEGPU_FAULT_POISON 4
#define FAKEGPU_FAULT_LOSE_INTERRUPT 5
#define FAKEGPU_FAULT_DELAY_FENCE 6 /* argument: nanoseconds */
#define FAKEGPU_FAULT_REPEAT_FENCE 7
#define FAKEGPU_FAULT_CORRUPT_SAVE_AREA 8

/** FAULT: the hardware fails here. kind: in, FAKEGPU_FAULT_*; argument: in, 0 unless it says so. */
FAKEGPU_PUBLIC int fakegpu_cmd_fault(struct fakegpu_cmdbuf *cb, uint32_t kind, uint64_t argument);

/** MARK: an event with this id in the trace. */
FAKEGPU_PUBLIC int fakegpu_cmd_mark(struct fakegpu_cmdbuf *cb, uint32_t id);

/**
 * HASH: stores the 64-bit FNV-1a hash of a range.
 *
 * \param va          in, any alignment
 * \param size_bytes  in
 * \param dst_va      in, a multiple of 8
 */
FAKEGPU_PUBLIC int fakegpu_cmd_hash(struct fakegpu_cmdbuf *cb, uint64_t va, uint32_t size_bytes,
                                    uint64_t dst_va);

#if defined(__cplusplus)
}
#endif

#endif
