/* SPDX-License-Identifier: MIT */
/*
 * The uAPI of fakegpu: plain C, for clients that need nothing but this file and libdrm's drm.h.
 *
 * Every struct has fixed-width fields, natural alignment and explicit padding that must be zero.
 * Pointers are __u64. Handles and ids are per open file; 0 is never one. Unknown flags, non-zero
 * padding, bad handles and unreadable pointers are refused before anything changes. The errno of
 * each call is in docs/uapi.md.
 *
 * Command numbers start at 0x85: no DRM driver known to strace 6.1 uses that part of the private
 * range (0x40 to 0x9f; nouveau and exynos end at 0x84), so a trace never shows another driver's name.
 */
#ifndef FAKEGPU_DRM_H
#define FAKEGPU_DRM_H

#include <drm.h>

#if defined(__cplusplus)
extern "C" {
#endif

#define DRM_FAKEGPU_QUERY 0x45
#define DRM_FAKEGPU_BO_CREATE 0x46
#define DRM_FAKEGPU_BO_INFO 0x47
#define DRM_FAKEGPU_BO_MMAP 0x48
#define DRM_FAKEGPU_VM_CREATE 0x49
#define DRM_FAKEGPU_VM_DESTROY 0x4a
#define DRM_FAKEGPU_VM_BIND 0x4b
#define DRM_FAKEGPU_VM_UNBIND 0x4c
#define DRM_FAKEGPU_CTX_CREATE 0x4d
#define DRM_FAKEGPU_CTX_DESTROY 0x4e
#define DRM_FAKEGPU_CTX_QUERY 0x4f
#define DRM_FAKEGPU_CTX_SET_PRIORITY 0x50
#define DRM_FAKEGPU_SUBMIT 0x51
#define DRM_FAKEGPU_CHANNEL 0x52
#define DRM_FAKEGPU_WAIT_SEQNO 0x53
#define DRM_FAKEGPU_SET_POLICY 0x54
#define DRM_FAKEGPU_CTX_USAGE 0x55
#define DRM_FAKEGPU_CLIENTS 0x56
#define DRM_FAKEGPU_FDINFO 0x57
#define DRM_FAKEGPU_ATTACH 0x58
#define DRM_FAKEGPU_IDENTIFY 0x59
#define DRM_FAKEGPU_RECORD 0x5a
#define DRM_FAKEGPU_INJECT 0x5b
#define DRM_FAKEGPU_COREDUMP 0x5c
#define DRM_FAKEGPU_EXPLAIN 0x5d
#define DRM_FAKEGPU_MONITOR 0x5e

/* --- Query ------------------------------------------------------------------------------------ */

/* What to ask: struct drm_fakegpu_query.item. `index` counts rings, heaps, policies; else it is 0. */
#define DRM_FAKEGPU_QUERY_DEVICE 0 /* struct drm_fakegpu_device_info */
#define DRM_FAKEGPU_QUERY_RING 1   /* struct drm_fakegpu_ring_info, one per ring */
#define DRM_FAKEGPU_QUERY_HEAP 2   /* struct drm_fakegpu_heap_info, one per heap */
#define DRM_FAKEGPU_QUERY_POLICY 3 /* struct drm_fakegpu_policy_info, one per policy */
#define DRM_FAKEGPU_QUERY_USAGE 4  /* struct drm_fakegpu_usage of this open file, one per ring */

/*
 * Copies at most `size` bytes of the answer to `data` and sets `size` to the answer's full size, so a
 * caller built against an older header gets the part it knows. size 0: only tells the size.
 */
struct drm_fakegpu_query {
	__u32 item;
	__u32 index;
	__u64 data;
	__u32 size;
	__u32 pad;
};

struct drm_fakegpu_device_info {
	char name[32];      /* of the device profile, NUL-terminated */
	__u32 device_id;
	__u32 revision;
	__u32 ring_count;
	__u32 heap_count;
	__u64 va_start;     /* GPU virtual addresses that VM_BIND takes: [va_start, va_end) */
	__u64 va_end;
	__u32 page_size;    /* bytes; granularity of BO sizes, addresses and binds */
	__u32 max_ibs;      /* per submission */
	__u32 max_syncobjs; /* in each list of a submission */
	__u32 max_ib_dwords;
	__u64 features;     /* DRM_FAKEGPU_FEATURE_* */
	__u64 timestamp_frequency_hz; /* of GPU timestamps (RELEASE_MEM, COPY_DATA) */
};

#define DRM_FAKEGPU_FEATURE_MMAP (1ull << 0)    /* mmap(fd, BO_MMAP offset) works on this fd */
#define DRM_FAKEGPU_FEATURE_CHANNEL (1ull << 1) /* CHANNEL gives a token */
#define DRM_FAKEGPU_FEATURE_EDU (1ull << 2)     /* packets 0xe0 to 0xef are enabled */

#define DRM_FAKEGPU_RING_GFX 0
#define DRM_FAKEGPU_RING_COMPUTE 1
#define DRM_FAKEGPU_RING_SDMA 2

struct drm_fakegpu_ring_info {
	char name[16];      /* "gfx_0.0", "comp_1.0", "sdma0": amdgpu's names */
	__u32 type;         /* DRM_FAKEGPU_RING_* */
	__u32 instance;
	__u32 size_dwords;
	__u32 ready;        /* 1: the ring passed its test */
	__u64 emitted;      /* jobs given to the hardware so far */
	__u64 completed;
	__u64 busy_ns;      /* time with at least one job in flight */
	char policy[16];    /* that orders its jobs, NUL-terminated */
	__u64 queued;       /* jobs that are not started */
	__u64 in_flight;    /* jobs that are started and have not ended */
	__u64 depth_ns;     /* expected execution of those in flight */
	__u64 wait_time_ns; /* of all its jobs, from push to start */
};

/* A policy by which a ring's jobs can be ordered; index 0 is the default. */
struct drm_fakegpu_policy_info {
	char name[16]; /* NUL-terminated */
};

#define DRM_FAKEGPU_HEAP_VRAM 0
#define DRM_FAKEGPU_HEAP_SYSTEM 1

struct drm_fakegpu_heap_info {
	__u32 type;         /* DRM_FAKEGPU_HEAP_* */
	__u32 pad;
	__u64 size_bytes;
	__u64 used_bytes;   /* by everybody */
	__u64 client_bytes; /* by this open file */
};

/*
 * What jobs have cost on one ring. gpu_time_ns counts a job that still executes up to now and never
 * falls; of a job that was emitted again after a reset its last execution counts, of one that a reset
 * ended the time for which it held the ring. A job whose context or file is gone still counts.
 */
struct drm_fakegpu_usage {
	__u64 pushed;
	__u64 completed;    /* executed, well or not */
	__u64 refused;      /* killed before that */
	__u64 queued;       /* not started: waiting for dependencies, or for their turn */
	__u64 in_flight;    /* started and not ended */
	__u64 gpu_time_ns;  /* execution */
	__u64 wait_time_ns; /* of the completed, from push to start */
	__u64 longest_ns;   /* execution of one job, of those that ended */
	__u64 average_ns;   /* the same, a moving average with weight 1/4 for the newest; 0: none ended */
};

/* --- Buffer objects --------------------------------------------------------------------------- */

/* The BO has pages of its own and can be exported; others live in the file's arena. */
#define DRM_FAKEGPU_BO_SHAREABLE (1u << 0)

/* `size` is rounded up to pages. The memory is zeroed. Freed with DRM_IOCTL_GEM_CLOSE. */
struct drm_fakegpu_bo_create {
	__u64 size;      /* in: bytes, > 0; out: bytes allocated */
	__u64 alignment; /* bytes, a power of two, or 0 for page_size */
	__u32 heap;      /* DRM_FAKEGPU_HEAP_* */
	__u32 flags;     /* DRM_FAKEGPU_BO_* */
	__u32 handle;    /* out */
	__u32 pad;
};

struct drm_fakegpu_bo_info {
	__u32 handle;
	__u32 pad;
	__u64 size;      /* out */
	__u64 alignment; /* out */
	__u32 heap;      /* out */
	__u32 flags;     /* out */
};

/*
 * Where the BO's pages are for a CPU mapping: `offset` for mmap() of the device fd
 * (DRM_FAKEGPU_FEATURE_MMAP) or of the memfd that the channel hands out for this BO.
 */
struct drm_fakegpu_bo_mmap {
	__u32 handle;
	__u32 flags;  /* must be 0 */
	__u64 offset; /* out */
	__u64 size;   /* out */
};

/* --- GPU address spaces ----------------------------------------------------------------------- */

struct drm_fakegpu_vm_create {
	__u32 flags; /* must be 0 */
	__u32 vm_id; /* out */
};

struct drm_fakegpu_vm_destroy {
	__u32 vm_id;
	__u32 pad;
};

#define DRM_FAKEGPU_VM_BIND_READONLY (1u << 0)

/* Maps [bo_offset, bo_offset + size) of the BO at `va`. All multiples of page_size; the range must be
 * free (-EEXIST). */
struct drm_fakegpu_vm_bind {
	__u32 vm_id;
	__u32 handle;
	__u32 flags; /* DRM_FAKEGPU_VM_BIND_* */
	__u32 pad;
	__u64 bo_offset;
	__u64 va;
	__u64 size;
};

/* Unmaps exactly one earlier bind, named by its first address (-ENOENT: none starts there). Work that
 * was submitted before and still touches it faults. */
struct drm_fakegpu_vm_unbind {
	__u32 vm_id;
	__u32 pad;
	__u64 va;
};

/* --- Contexts --------------------------------------------------------------------------------- */

#define DRM_FAKEGPU_PRIORITY_LOW (-1)
#define DRM_FAKEGPU_PRIORITY_NORMAL 0
#define DRM_FAKEGPU_PRIORITY_HIGH 1 /* needs CAP_SYS_NICE or the current master */

/* The context is not in the fence page (below): wait by WAIT_SEQNO. */
#define DRM_FAKEGPU_NO_FENCE_SLOT 0xffffffffu

struct drm_fakegpu_ctx_create {
	__u32 vm_id;
	__s32 priority;
	__u32 flags;      /* must be 0 */
	__u32 ctx_id;     /* out */
	__u32 fence_slot; /* out: of ring 0; the other rings follow. Or DRM_FAKEGPU_NO_FENCE_SLOT */
	__u32 pad;
};

struct drm_fakegpu_ctx_destroy {
	__u32 ctx_id;
	__u32 pad;
};

#define DRM_FAKEGPU_CTX_RESET (1u << 0)  /* a recovery took place since the context was made */
#define DRM_FAKEGPU_CTX_GUILTY (1u << 1) /* and this context caused one; it takes no more work */
#define DRM_FAKEGPU_CTX_VRAM_LOST (1u << 2) /* VRAM was lost since; it takes no more work */
#define DRM_FAKEGPU_CTX_RESET_IN_PROGRESS (1u << 3) /* a recovery is under way now */

struct drm_fakegpu_ctx_query {
	__u32 ctx_id;
	__u32 flags;          /* out: DRM_FAKEGPU_CTX_* */
	__s32 priority;       /* out */
	__u32 pad;
	__u64 jobs_submitted; /* out */
	__u64 jobs_completed; /* out */
	__u64 gpu_time_ns;    /* out: execution time of its completed jobs, all rings */
	__u64 wait_time_ns;   /* out: time from push to start of its completed jobs, all rings */
};

struct drm_fakegpu_ctx_set_priority {
	__u32 ctx_id;
	__s32 priority;
};

/* QUERY_USAGE of one context. */
struct drm_fakegpu_ctx_usage {
	__u32 ctx_id;
	__u32 ring; /* index as in DRM_FAKEGPU_QUERY_RING */
	struct drm_fakegpu_usage usage; /* out */
};

/* --- Submission ------------------------------------------------------------------------------- */

/* Allow the command processor to preempt this IB between packets. */
#define DRM_FAKEGPU_IB_PREEMPT (1u << 0)

struct drm_fakegpu_ib {
	__u64 va;     /* multiple of 4 (gfx, compute) or 32 (SDMA) */
	__u32 dwords; /* 1 to max_ib_dwords; a multiple of 8 for SDMA */
	__u32 flags;  /* DRM_FAKEGPU_IB_* */
};

/* point 0: the binary payload. In: wait for it. Out: replaced or, at a point, added. */
struct drm_fakegpu_sync {
	__u32 handle;
	__u32 pad;
	__u64 point;
};

/*
 * Implicit synchronization with whoever else uses a BO, in this file or another: a job that reads it
 * waits for those that write it, one that writes it for all. It does not bind the BO.
 */
#define DRM_FAKEGPU_BO_USE_READ (1u << 0)
#define DRM_FAKEGPU_BO_USE_WRITE (1u << 1)
/* Its order is by syncobjs: it waits for nobody, and nobody for it. Instead of the others. */
#define DRM_FAKEGPU_BO_USE_EXPLICIT (1u << 2)

struct drm_fakegpu_bo_use {
	__u32 handle;
	__u32 flags; /* DRM_FAKEGPU_BO_USE_*, at least one */
};

/* Queue a struct drm_fakegpu_event_fence on the file when the job is done (poll, read). */
#define DRM_FAKEGPU_SUBMIT_EVENT (1u << 0)
/*
 * While the queue of the context and ring, or the file's share of jobs, is full: wait for room
 * rather than fail with -EAGAIN. First come, first served for each context and ring; the arrays are
 * read when the call comes, the handles in them looked up when it is let in.
 */
#define DRM_FAKEGPU_SUBMIT_WAIT (1u << 1)

struct drm_fakegpu_submit {
	__u32 ctx_id;
	__u32 ring;           /* index as in DRM_FAKEGPU_QUERY_RING */
	__u32 flags;          /* DRM_FAKEGPU_SUBMIT_* */
	__u32 ib_count;       /* 0: no work, just a fence in the context's order */
	__u64 ibs;            /* struct drm_fakegpu_ib[] */
	__u32 in_sync_count;
	__u32 out_sync_count;
	__u64 in_syncs;       /* struct drm_fakegpu_sync[] */
	__u64 out_syncs;      /* struct drm_fakegpu_sync[] */
	__u64 user_data;      /* comes back in the event */
	__u64 seqno;          /* out: of the job's finished fence, per context and ring, from 1 */
	__u64 bos;            /* struct drm_fakegpu_bo_use[], each BO once */
	__u32 bo_count;       /* at most 4096 */
	__u32 pad;
};

#define DRM_FAKEGPU_EVENT_FENCE 0x80000000

struct drm_fakegpu_event_fence {
	struct drm_event base;
	__u64 user_data;
	__u64 seqno;
	__u32 ctx_id;
	__u32 ring;
	__s32 error; /* 0, or the negative errno of the finished fence */
	__u32 pad;
};

/*
 * Waits until the job of that seqno, as SUBMIT gave it, and with it all before it on the ring have
 * finished, well or not. -ETIME: not by then. -EINVAL: no such job was submitted.
 *
 * The fence page saves this call. It is memory of the open file that the channel hands out, for
 * reading only: an array of __u64, and at the slot of a context and ring the seqno of the job that
 * finished last. Once it is handed out, the threads that sleep on the low half of a slot
 * (FUTEX_WAIT, not private) are woken when the slot grows. They are not woken when the device goes
 * away, and the slots then stand still: a sleep must be short, and this call must follow it.
 */
struct drm_fakegpu_wait_seqno {
	__u32 ctx_id;
	__u32 ring;
	__u64 seqno;
	__s64 timeout_nsec; /* absolute, CLOCK_MONOTONIC */
	__u32 flags;        /* must be 0 */
	__u32 pad;
};

/* --- Scheduling ------------------------------------------------------------------------------- */

#define DRM_FAKEGPU_ALL_RINGS 0xffffffffu

/*
 * Orders the jobs of a ring by another policy from now on. What is queued stays queued, and the
 * jobs of a context stay in order. For root and the daemon's own user.
 */
struct drm_fakegpu_set_policy {
	char name[16]; /* as in struct drm_fakegpu_policy_info, NUL-terminated */
	__u32 ring;    /* index, or DRM_FAKEGPU_ALL_RINGS */
	__u32 pad;
};

/* --- Clients ---------------------------------------------------------------------------------- */

#define DRM_FAKEGPU_CLIENT_NAME_MAX 64 /* the kernel's DRM_CLIENT_NAME_MAX_LEN */

/* An open file of the device. */
struct drm_fakegpu_client {
	__u64 client_id;    /* never 0, never used again */
	__u32 pid;          /* of the process that opened it; 0: it cannot be seen from here */
	__u32 uid;
	char command[16];   /* that the opener ran then, NUL-terminated */
	char name[72];      /* by DRM_IOCTL_SET_CLIENT_NAME, NUL-terminated */
	__u64 engine_ns[3]; /* GPU time by DRM_FAKEGPU_RING_*, as in struct drm_fakegpu_usage */
	__u64 heap_bytes[2]; /* that it holds, by DRM_FAKEGPU_HEAP_* */
	__u64 queued;
	__u64 in_flight;
};

/*
 * The open files that the caller may see, in the order of their ids: the file itself, those that its
 * user opened, and for root and who runs the device all. At most 256 are told in one call; the next one
 * goes on after the last id, until none is told.
 */
struct drm_fakegpu_clients {
	__u64 after; /* an id; 0: from the first on */
	__u64 data;  /* struct drm_fakegpu_client[] */
	__u32 count; /* in: room; out: how many were copied */
	__u32 total; /* out: how many there are, from the first on */
};

/*
 * What /proc/PID/fdinfo of an open file would tell if the kernel let this device say it
 * (Documentation/gpu/drm-usage-stats.rst). Copies at most `size` bytes, without a NUL, and sets `size`
 * to the text's length. -ENOENT: no such file, or the caller may not see it.
 */
struct drm_fakegpu_fdinfo {
	__u64 client_id; /* 0: this file */
	__u64 data;
	__u32 size;
	__u32 pad;
};

/* --- Channel ---------------------------------------------------------------------------------- */

/*
 * A one-time token for the daemon's socket, which hands out what an ioctl of a userspace device
 * cannot: file descriptors. The token names this open file, works once, for the caller's uid, for ten
 * seconds. -EOPNOTSUPP without DRM_FAKEGPU_FEATURE_CHANNEL. The messages: docs/uapi.md.
 */
struct drm_fakegpu_channel {
	__u64 token[2]; /* out */
	char path[104]; /* out: of the socket, NUL-terminated */
};

/* --- Descriptors ------------------------------------------------------------------------------ */

/*
 * An ioctl of a userspace device cannot install a file descriptor in its caller. On the device's node
 * the calls that return one (SYNCOBJ_HANDLE_TO_FD, PRIME_HANDLE_TO_FD, SYNC_IOC_MERGE,
 * DMA_BUF_IOCTL_EXPORT_SYNC_FILE, SW_SYNC_IOC_CREATE_FENCE) therefore answer -EOPNOTSUPP, unless the
 * caller claims what it would get: it appends this to the call's struct as the driver's newest header
 * has it, and adds its size to that in the command word. The descriptor's field comes back as -1. Then
 * it opens the node again and issues ATTACH on the new file, which from then on *is* what was returned.
 * libdrm_fakegpu and `fakegpu run` do this.
 */
#define DRM_FAKEGPU_FD_CLAIM_MAGIC 0x46434c4d

/* The caller has no descriptor left: the call fails with -EMFILE where the kernel would notice. */
#define DRM_FAKEGPU_FD_CLAIM_FULL (1u << 0)

struct drm_fakegpu_fd_claim {
	__u32 magic;    /* DRM_FAKEGPU_FD_CLAIM_MAGIC */
	__u32 flags;    /* DRM_FAKEGPU_FD_CLAIM_* */
	__u64 token[2]; /* out: for ATTACH; works once, for the caller's uid, for ten seconds */
};

/* Makes an open file of the node, on which nothing else was done, the one that the token names. */
struct drm_fakegpu_attach {
	__u64 token[2];
};

/* Which open file of this device a descriptor is. Never 0, never used again. */
struct drm_fakegpu_identify {
	__u64 file_id; /* out */
};

/* --- Debugging -------------------------------------------------------------------------------- */

#define DRM_FAKEGPU_COREDUMP_JSON (1u << 0)    /* else text */
#define DRM_FAKEGPU_COREDUMP_RELEASE (1u << 1) /* forget it when this call has succeeded */

/*
 * A part of the core dump of the last hang, from byte `offset` on: at most `size` bytes are copied,
 * and `size` is set to their number and `total` to that of all. It is made when a hang is found and
 * kept until it is released, or for five minutes; hangs meanwhile make none. For root and who runs
 * the device (-EACCES). -ENOENT: there is none.
 */
struct drm_fakegpu_coredump {
	__u64 data;
	__u32 size;   /* at most 65536 */
	__u32 flags;  /* DRM_FAKEGPU_COREDUMP_* */
	__u64 offset;
	__u64 total;  /* out */
};

#define DRM_FAKEGPU_EXPLAIN_SYNCOBJ 0 /* `handle` at `point`; 0: the binary payload */
#define DRM_FAKEGPU_EXPLAIN_JOB 1     /* of context `handle` on `ring`, with seqno `point` */
#define DRM_FAKEGPU_EXPLAIN_CLIENT 2  /* all that this file has not finished; or, for root and who runs
                                         the device, that of client `point` */
#define DRM_FAKEGPU_EXPLAIN_ALL 3     /* everybody's; for those too */

/*
 * Why something is not done: lines of text for people, the chain of what it waits for down to the
 * packet that the engine is in. Of other clients only that they are waited for, unless root asks.
 */
struct drm_fakegpu_explain {
	__u32 what;   /* DRM_FAKEGPU_EXPLAIN_* */
	__u32 handle;
	__u32 ring;
	__u32 pad;
	__u64 point;
	__u64 data;
	__u32 size;   /* in: room, at most 65536; out: of the text, which may be longer */
	__u32 pad2;
};

/* --- Faults ----------------------------------------------------------------------------------- */

#define DRM_FAKEGPU_ANY_IOCTL 0xffffffffu

/*
 * A fault that is armed: at the n-th trigger of its kind from now on it fires, once, or at each trigger
 * by chance. One of nth and probability is 0, the other is not. What the kind does not take
 * (struct drm_fakegpu_fault_kind) stays at ALL_RINGS, ANY_IOCTL or 0.
 */
struct drm_fakegpu_fault {
	char name[32];     /* of the kind, NUL-terminated */
	__u32 ring;        /* index: only triggers of this ring count; or DRM_FAKEGPU_ALL_RINGS */
	__u32 ioctl;       /* number (_IOC_NR): only this call counts; or DRM_FAKEGPU_ANY_IOCTL */
	__u64 nth;
	__u64 probability; /* in parts of 2^32, so 1ull << 32 is always */
	__u64 seed;        /* of the probability */
	__u64 duration_ns; /* of the effect */
	__u64 for_ns;      /* it is disarmed after this; 0: not by time */
	__u32 error;       /* a positive errno, up to 133 */
	__u32 pad;
};

#define DRM_FAKEGPU_FAULT_TAKES_RING (1u << 0)     /* may have a ring */
#define DRM_FAKEGPU_FAULT_TAKES_DURATION (1u << 1) /* needs duration_ns */
#define DRM_FAKEGPU_FAULT_TAKES_IOCTL (1u << 2)    /* needs error, may have an ioctl */

/* Text for people, NUL-terminated. */
struct drm_fakegpu_fault_kind {
	char name[32];
	char what[96];    /* it does to what triggers it */
	char trigger[64]; /* what is counted */
	char ends[64];    /* what ends its effect */
	__u32 takes;      /* DRM_FAKEGPU_FAULT_TAKES_* */
	__u32 pad;
	__u64 fired;      /* so often so far */
};

struct drm_fakegpu_armed_fault {
	struct drm_fakegpu_fault fault; /* for_ns: what is left of it */
	__u64 seen;                     /* triggers since it is armed */
	__u64 fired;
};

#define DRM_FAKEGPU_FAULT_INJECT 0 /* arms `fault`. -ENOSPC: 64 of the chip's or the driver's are */
#define DRM_FAKEGPU_FAULT_CLEAR 1  /* disarms all of fault.name, or all; else `fault` is 0 */
#define DRM_FAKEGPU_FAULT_KINDS 2  /* struct drm_fakegpu_fault_kind[]; `fault` is 0 */
#define DRM_FAKEGPU_FAULT_ARMED 3  /* struct drm_fakegpu_armed_fault[]; `fault` is 0 */

/* For root and the user that the daemon runs as (-EACCES). */
struct drm_fakegpu_inject {
	__u32 verb;   /* DRM_FAKEGPU_FAULT_* */
	__u32 pad;
	struct drm_fakegpu_fault fault;
	__u64 data;   /* of KINDS and ARMED; else 0 */
	__u32 size;   /* in: room in bytes, at most 65536; out: of the whole answer */
	__u32 pad2;
};

/* --- Recording -------------------------------------------------------------------------------- */

/*
 * From now on read() of this file also gives struct drm_fakegpu_event_record: what the schedulers of
 * all rings are told by everybody, and when; enough to do the same again (docs/recording.md). For root
 * and the user that the daemon runs as (-EACCES). -EBUSY: this file records already. It ends when the
 * file is closed.
 */
struct drm_fakegpu_record {
	__u32 flags;    /* must be 0 */
	__u32 capacity; /* records that are kept until they are read, at most 1 Mi; 0: 65536; besides those
			 * of the start */
};

#define DRM_FAKEGPU_EVENT_RECORD 0x80000001

/* Names and meanings of the fields: docs/recording.md. */
#define DRM_FAKEGPU_RECORD_RING 1
#define DRM_FAKEGPU_RECORD_POLICY 2
#define DRM_FAKEGPU_RECORD_ENTITY 3
#define DRM_FAKEGPU_RECORD_GONE 4
#define DRM_FAKEGPU_RECORD_QUEUED 5
#define DRM_FAKEGPU_RECORD_DEPENDENCY 6
#define DRM_FAKEGPU_RECORD_LEAF 7
#define DRM_FAKEGPU_RECORD_URGED 8
#define DRM_FAKEGPU_RECORD_PRIORITY 9
#define DRM_FAKEGPU_RECORD_KILLED 10
#define DRM_FAKEGPU_RECORD_RUN 11
#define DRM_FAKEGPU_RECORD_BLOCKED 12
#define DRM_FAKEGPU_RECORD_UNBLOCKED 13
#define DRM_FAKEGPU_RECORD_DONE 14
#define DRM_FAKEGPU_RECORD_SIGNALED 15
#define DRM_FAKEGPU_RECORD_STOPPED 16
#define DRM_FAKEGPU_RECORD_FAILED 17
#define DRM_FAKEGPU_RECORD_RESTARTED 18
#define DRM_FAKEGPU_RECORD_LOST 19
/* Only at the start: what the schedulers remember. */
#define DRM_FAKEGPU_RECORD_TOTALS 20
#define DRM_FAKEGPU_RECORD_ACCOUNT 21
#define DRM_FAKEGPU_RECORD_LIFT 22
#define DRM_FAKEGPU_RECORD_CHARGE 23
#define DRM_FAKEGPU_RECORD_ENDED 24
#define DRM_FAKEGPU_RECORD_MEMORY 25

/* What a job waits for: DEPENDENCY's and LEAF's value[0]. */
#define DRM_FAKEGPU_WAITS_FINISHED 0  /* a job, to its end */
#define DRM_FAKEGPU_WAITS_SCHEDULED 1 /* a job, until it is given to its ring */
#define DRM_FAKEGPU_WAITS_FOREIGN 2   /* a fence that is no job's */
#define DRM_FAKEGPU_WAITS_ARRAY 3     /* all of the LEAF records that follow */
#define DRM_FAKEGPU_WAITS_CHAIN 4     /* the same, as a timeline has them */

struct drm_fakegpu_event_record {
	struct drm_event base;
	__u32 kind;     /* DRM_FAKEGPU_RECORD_* */
	__u32 ring;     /* index as in DRM_FAKEGPU_QUERY_RING */
	__u64 section;  /* counts what was done under one hold of the device's lock, and at one time */
	__s64 time_ns;  /* that time, CLOCK_MONOTONIC */
	__u64 context;  /* of the fences of a context's jobs on one ring */
	__u64 seqno;    /* of the job */
	__u64 value[4]; /* by kind */
};

/* --- Monitoring ------------------------------------------------------------------------------- */

#define DRM_FAKEGPU_MONITOR_WEDGED (1u << 0) /* struct drm_fakegpu_event_wedged */

/*
 * Of what happens to the device, read() of this file gives these events from now on, and no others
 * any more. For everybody, as a uevent is. -EOPNOTSUPP: the device is told to be as Linux 6.12
 * is, which has none.
 */
struct drm_fakegpu_monitor {
	__u32 events; /* DRM_FAKEGPU_MONITOR_* */
	__u32 pad;
};

/* The kernel's DRM_WEDGE_RECOVERY_*, in the order of what they cost. */
#define DRM_FAKEGPU_WEDGE_RECOVERY_NONE (1u << 0)      /* the driver has recovered by itself */
#define DRM_FAKEGPU_WEDGE_RECOVERY_REBIND (1u << 1)    /* unbind the driver and bind it again */
#define DRM_FAKEGPU_WEDGE_RECOVERY_BUS_RESET (1u << 2) /* the same, and reset the bus in between */

#define DRM_FAKEGPU_EVENT_WEDGED 0x80000002

/*
 * What drm_dev_wedged_event() sends as a uevent. With RECOVERY_NONE: a queue, an engine or the GPU
 * was reset, and goes on. Else the device was given up: all its fences have signalled, it
 * takes no more work, and no other event follows. Of events that nobody reads 64 are kept, and that one;
 * whoever misses some sees it by seqnum.
 */
struct drm_fakegpu_event_wedged {
	struct drm_event base;
	__u32 recovery; /* DRM_FAKEGPU_WEDGE_RECOVERY_*: what may help; 0: unknown */
	__u32 pid;      /* of the task that submitted what hung, then; 0: unknown */
	char task[16];  /* its name, NUL-terminated; empty: unknown */
	__u64 seqnum;   /* counts the device's events, from 1 */
	__s64 time_ns;  /* CLOCK_MONOTONIC */
};

#define DRM_IOCTL_FAKEGPU_QUERY \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_FAKEGPU_QUERY, struct drm_fakegpu_query)
#define DRM_IOCTL_FAKEGPU_BO_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_FAKEGPU_BO_CREATE, struct drm_fakegpu_bo_create)
#define DRM_IOCTL_FAKEGPU_BO_INFO \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_FAKEGPU_BO_INFO, struct drm_fakegpu_bo_info)
#define DRM_IOCTL_FAKEGPU_BO_MMAP \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_FAKEGPU_BO_MMAP, struct drm_fakegpu_bo_mmap)
#define DRM_IOCTL_FAKEGPU_VM_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_FAKEGPU_VM_CREATE, struct drm_fakegpu_vm_create)
#define DRM_IOCTL_FAKEGPU_VM_DESTROY \
	DRM_IOW(DRM_COMMAND_BASE + DRM_FAKEGPU_VM_DESTROY, struct drm_fakegpu_vm_destroy)
#define DRM_IOCTL_FAKEGPU_VM_BIND \
	DRM_IOW(DRM_COMMAND_BASE + DRM_FAKEGPU_VM_BIND, struct drm_fakegpu_vm_bind)
#define DRM_IOCTL_FAKEGPU_VM_UNBIND \
	DRM_IOW(DRM_COMMAND_BASE + DRM_FAKEGPU_VM_UNBIND, struct drm_fakegpu_vm_unbind)
#define DRM_IOCTL_FAKEGPU_CTX_CREATE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_FAKEGPU_CTX_CREATE, struct drm_fakegpu_ctx_create)
#define DRM_IOCTL_FAKEGPU_CTX_DESTROY \
	DRM_IOW(DRM_COMMAND_BASE + DRM_FAKEGPU_CTX_DESTROY, struct drm_fakegpu_ctx_destroy)
#define DRM_IOCTL_FAKEGPU_CTX_QUERY \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_FAKEGPU_CTX_QUERY, struct drm_fakegpu_ctx_query)
#define DRM_IOCTL_FAKEGPU_CTX_SET_PRIORITY \
	DRM_IOW(DRM_COMMAND_BASE + DRM_FAKEGPU_CTX_SET_PRIORITY, struct drm_fakegpu_ctx_set_priority)
#define DRM_IOCTL_FAKEGPU_SUBMIT \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_FAKEGPU_SUBMIT, struct drm_fakegpu_submit)
#define DRM_IOCTL_FAKEGPU_CHANNEL \
	DRM_IOR(DRM_COMMAND_BASE + DRM_FAKEGPU_CHANNEL, struct drm_fakegpu_channel)
#define DRM_IOCTL_FAKEGPU_WAIT_SEQNO \
	DRM_IOW(DRM_COMMAND_BASE + DRM_FAKEGPU_WAIT_SEQNO, struct drm_fakegpu_wait_seqno)
#define DRM_IOCTL_FAKEGPU_SET_POLICY \
	DRM_IOW(DRM_COMMAND_BASE + DRM_FAKEGPU_SET_POLICY, struct drm_fakegpu_set_policy)
#define DRM_IOCTL_FAKEGPU_CTX_USAGE \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_FAKEGPU_CTX_USAGE, struct drm_fakegpu_ctx_usage)
#define DRM_IOCTL_FAKEGPU_CLIENTS \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_FAKEGPU_CLIENTS, struct drm_fakegpu_clients)
#define DRM_IOCTL_FAKEGPU_FDINFO \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_FAKEGPU_FDINFO, struct drm_fakegpu_fdinfo)
#define DRM_IOCTL_FAKEGPU_ATTACH \
	DRM_IOW(DRM_COMMAND_BASE + DRM_FAKEGPU_ATTACH, struct drm_fakegpu_attach)
#define DRM_IOCTL_FAKEGPU_IDENTIFY \
	DRM_IOR(DRM_COMMAND_BASE + DRM_FAKEGPU_IDENTIFY, struct drm_fakegpu_identify)
#define DRM_IOCTL_FAKEGPU_RECORD \
	DRM_IOW(DRM_COMMAND_BASE + DRM_FAKEGPU_RECORD, struct drm_fakegpu_record)
#define DRM_IOCTL_FAKEGPU_INJECT \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_FAKEGPU_INJECT, struct drm_fakegpu_inject)
#define DRM_IOCTL_FAKEGPU_COREDUMP \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_FAKEGPU_COREDUMP, struct drm_fakegpu_coredump)
#define DRM_IOCTL_FAKEGPU_EXPLAIN \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_FAKEGPU_EXPLAIN, struct drm_fakegpu_explain)
#define DRM_IOCTL_FAKEGPU_MONITOR \
	DRM_IOW(DRM_COMMAND_BASE + DRM_FAKEGPU_MONITOR, struct drm_fakegpu_monitor)

#if defined(__cplusplus)
}
#endif

#endif
