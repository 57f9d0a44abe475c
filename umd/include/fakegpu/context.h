// SPDX-License-Identifier: MIT
/** \file context.h  Contexts and submission. Rules for all: fakegpu.h. */
#ifndef FAKEGPU_CONTEXT_H
#define FAKEGPU_CONTEXT_H

#include <fakegpu/memory.h>
#include <fakegpu/sync.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** A stream of jobs: in order on each ring, at one priority, in one address space. */
struct fakegpu_context;
struct fakegpu_cmdbuf;

/**
 * Makes a context.
 *
 * \param vm        in, whose addresses its jobs use; NULL: the default address space
 * \param priority  in, DRM_FAKEGPU_PRIORITY_*
 * \param out       out, freed with fakegpu_context_destroy()
 *
 * Errors: -EINVAL: no such priority; -EACCES: HIGH without the right to it; -EMFILE.
 * Counterpart: amdgpu_cs_ctx_create2().
 */
FAKEGPU_PUBLIC int fakegpu_context_create(struct fakegpu_device *dev, struct fakegpu_vm *vm,
                                          int32_t priority, struct fakegpu_context **out);

/** Frees the context. Jobs already submitted run to their end. amdgpu_cs_ctx_free(). */
FAKEGPU_PUBLIC void fakegpu_context_destroy(struct fakegpu_context *ctx);

/** \return the context's id, for raw ioctls and to tell events apart. */
FAKEGPU_PUBLIC uint32_t fakegpu_context_id(const struct fakegpu_context *ctx);

/**
 * For jobs submitted from now on.
 *
 * \param priority  in, DRM_FAKEGPU_PRIORITY_*
 *
 * Errors: as fakegpu_context_create(). Counterpart: amdgpu_cs_ctx_override_priority().
 */
FAKEGPU_PUBLIC int fakegpu_context_set_priority(struct fakegpu_context *ctx, int32_t priority);

/**
 * Whether a recovery hit the context, and what its jobs cost so far.
 *
 * \param state  out. Counterpart: amdgpu_cs_query_reset_state2().
 */
FAKEGPU_PUBLIC int fakegpu_context_query(struct fakegpu_context *ctx,
                                         struct drm_fakegpu_ctx_query *state);

/** What a job does with a BO, for the order of jobs that do not share a syncobj. */
struct fakegpu_bo_use {
  struct fakegpu_bo *bo;
  uint32_t flags; /**< DRM_FAKEGPU_BO_USE_*, at least one */
};

/** One job. Zero-initialise it, then set what is needed. */
struct fakegpu_submission {
  uint32_t ring;                         /**< index, as fakegpu_find_ring() gives it */
  uint32_t flags;                        /**< DRM_FAKEGPU_SUBMIT_* */
  uint32_t ib_flags;                     /**< DRM_FAKEGPU_IB_*, for the IBs of `cmdbufs` */
  uint32_t cmdbuf_count;                 /**< 0: a fence in the context's order */
  struct fakegpu_cmdbuf *const *cmdbufs; /**< executed in this order; empty ones are left out */
  const struct drm_fakegpu_ib *ibs;      /**< executed after them, as they are */
  uint32_t ib_count;
  uint32_t wait_count;
  const struct fakegpu_sync_point *waits;   /**< the job starts when these are signalled */
  const struct fakegpu_sync_point *signals; /**< get its finished fence */
  uint32_t signal_count;
  uint32_t bo_count;
  const struct fakegpu_bo_use *bos; /**< whom the job waits for, and who for it; each BO once */
  uint64_t user_data;               /**< comes back in the event */
};

/**
 * Queues one job. Blocks while the context's queue on the ring, or the client's share of jobs, is
 * full; never for the job itself. With DRM_FAKEGPU_SUBMIT_WAIT the driver lets it in when its turn
 * comes, first come, first served. Without, the driver says -EAGAIN and this tries again after
 * growing pauses, as drmIoctl() would without them; others may be faster then.
 *
 * Of two jobs that name a BO, in whichever client it is known, the later waits for the earlier
 * unless both only read it or one names it with DRM_FAKEGPU_BO_USE_EXPLICIT. The driver takes the
 * submission's word for what a job touches; naming a BO neither binds it nor keeps its address.
 *
 * A command buffer's memory is read when the job runs: reset or destroy it after that.
 *
 * \param submission  in, borrowed during the call
 * \param seqno       out, of the job's fence, per context and ring, from 1; may be NULL
 *
 * Errors: -EINVAL: no such ring, a command buffer for another kind of ring, address space or
 * device, a BO or syncobj of another device, a BO that is named twice or with flags that do not go
 * together, more IBs, syncobjs or BOs (4096) than the device takes, an unknown flag, a wait on a
 * syncobj without a fence; -ECANCELED: the context is guilty of a reset; -ENODEV: the device is
 * wedged; -ENOMEM: with DRM_FAKEGPU_SUBMIT_WAIT, too many calls of the client wait; -ENOENT: the
 * context was destroyed while this waited; the latched error of a broken command buffer
 * (fakegpu_cmdbuf_error()). Counterpart: amdgpu_cs_submit_raw2() with the list of
 * amdgpu_bo_list_create_raw().
 */
FAKEGPU_PUBLIC int fakegpu_context_submit(struct fakegpu_context *ctx,
                                          const struct fakegpu_submission *submission,
                                          uint64_t *seqno);

/**
 * Blocks until a job, and all before it on the ring, have finished, well or not. Cheaper than a
 * wait for a syncobj where the fence page can be reached (everywhere but on a node without the
 * daemon's channel): a job that has finished costs no system call, and one that finishes within a
 * millisecond no ioctl.
 *
 * \param ring         in, index
 * \param seqno        in, as fakegpu_context_submit() gave it for this ring
 * \param deadline_ns  in, absolute (fakegpu_deadline_ns()); a time that has passed polls
 *
 * Errors: -ETIME: the deadline passed; -EINVAL: no such ring, or no such job was submitted.
 * Whether the job did its work is told by its event or by fakegpu_context_query(). Counterpart:
 * amdgpu_cs_query_fence_status().
 */
FAKEGPU_PUBLIC int fakegpu_context_wait(struct fakegpu_context *ctx, uint32_t ring, uint64_t seqno,
                                        int64_t deadline_ns);

/**
 * The common case: one command buffer on one ring, with an optional fence.
 *
 * \param ring    in, index
 * \param cmdbuf  in
 * \param done    in, gets the finished fence as binary payload; may be NULL
 *
 * Errors: as fakegpu_context_submit().
 */
FAKEGPU_PUBLIC int fakegpu_context_submit_one(struct fakegpu_context *ctx, uint32_t ring,
                                              struct fakegpu_cmdbuf *cmdbuf,
                                              struct fakegpu_syncobj *done);

#if defined(__cplusplus)
}
#endif

#endif
