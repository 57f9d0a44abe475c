// SPDX-License-Identifier: MIT
/** \file device.h  Opening a device, asking it, and raw ioctls. Rules for all: fakegpu.h. */
#ifndef FAKEGPU_DEVICE_H
#define FAKEGPU_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include <fakegpu_drm.h>

#if defined(__GNUC__)
#define FAKEGPU_PUBLIC __attribute__((visibility("default")))
#else
#define FAKEGPU_PUBLIC
#endif

#if defined(__cplusplus)
extern "C" {
#endif

/** An open file of the device. */
struct fakegpu_device;

/**
 * Opens a device. Blocks while the daemon answers (a few round trips); "inprocess:" brings a fake
 * GPU up, which takes milliseconds.
 *
 * \param where  in, one of
 *   - a path: a character device (CUSE), a regular file (FUSE) or a UNIX socket, told by stat();
 *   - "card:" before a socket's path or "inprocess:": the primary node, for which they have none;
 *   - "inprocess:" with optional settings, as in "inprocess:gfx=1,vram=64M,workers=1". Settings:
 *     gfx 0 to 4, compute 0 to 8, sdma 0 to 4 (rings), vram and sys (bytes; suffix K, M or G),
 *     workers 1 to 64 (threads), edu 0 or 1, without (driver features, as in "prime+dumb"). Equal
 *     strings share one GPU within the process;
 *   - NULL: $FAKEGPU_DEVICE if it is set (and then nothing else), else the first that answers of
 *     $XDG_RUNTIME_DIR/fakegpu/fs/fakegpu and $XDG_RUNTIME_DIR/fakegpu/socket (not for root),
 *     /dev/fakegpu, /run/fakegpu/fs/fakegpu, /run/fakegpu/socket and "inprocess:".
 * \param out    out, the device; fakegpu_device_close() frees it
 *
 * Errors: what open(), stat() or connect() gave (-ENOENT, -EACCES, -ECONNREFUSED ...); -ENXIO: the
 * path is no fakegpu; -EPERM: the socket's owner is neither root, nor the caller, nor who owns the
 * path; -EINVAL: bad settings; -EOPNOTSUPP: the in-process module is not installed.
 *
 * Counterpart: open() and amdgpu_device_initialize().
 */
FAKEGPU_PUBLIC int fakegpu_device_open(const char *where, struct fakegpu_device **out);

/**
 * Makes a device of a descriptor that is open already: of the node, or a connected SEQPACKET socket
 * on which nothing was sent yet.
 *
 * \param fd   in, borrowed: the library duplicates it
 * \param out  out, the device
 *
 * Errors: as fakegpu_device_open(); -EBADF.
 *
 * Counterpart: amdgpu_device_initialize().
 */
FAKEGPU_PUBLIC int fakegpu_device_open_fd(int fd, struct fakegpu_device **out);

/**
 * Drops the caller's handle. The file is closed once the objects made from it are gone too. Closing
 * blocks until the daemon knows (never for a GPU job). Counterpart: amdgpu_device_deinitialize().
 *
 * \param dev  in, may be NULL
 */
FAKEGPU_PUBLIC void fakegpu_device_close(struct fakegpu_device *dev);

/** \return "cuse", "fuse", "socket" or "inprocess"; valid while the device is. */
FAKEGPU_PUBLIC const char *fakegpu_device_transport(const struct fakegpu_device *dev);

/**
 * \return the descriptor that polls readable when an event can be read, borrowed; -1 on the socket
 * and in-process, where fakegpu_device_read_events() can block instead. On "cuse" and "fuse" it
 * also takes ioctl(). Counterpart: amdgpu_device_get_fd().
 */
FAKEGPU_PUBLIC int fakegpu_device_fd(const struct fakegpu_device *dev);

/**
 * A deadline on the device's clock, for the waits: now + from_now_ns, saturating. The clock is
 * CLOCK_MONOTONIC, except in a simulation, whose time is virtual.
 *
 * \param from_now_ns  in, nanoseconds; negative gives a time that has passed
 * \return absolute nanoseconds; INT64_MAX waits for ever
 */
FAKEGPU_PUBLIC int64_t fakegpu_deadline_ns(const struct fakegpu_device *dev, int64_t from_now_ns);

/** A place where a device may be, and whether it is there. */
struct fakegpu_candidate {
  const char *where;     /**< as fakegpu_device_open() takes it */
  const char *source;    /**< why it is looked at: "$FAKEGPU_DEVICE" or "default" */
  const char *transport; /**< as fakegpu_device_transport(); "" if it cannot be told */
  int result;            /**< 0: it can be opened; else the negative errno */
  int chosen;            /**< 1: fakegpu_device_open(NULL) takes this one */
  const char *reason;    /**< one sentence for people */
};

/**
 * Tries every place where fakegpu_device_open(NULL) would look, in its order, and those that it
 * would not reach too. Opens and closes each; blocks as fakegpu_device_open() does.
 *
 * \param visit  in, called once per candidate in this thread; the candidate is valid during the
 *               call. A result other than 0 ends the tour and is returned
 * \param data   in, passed on to visit
 */
FAKEGPU_PUBLIC int fakegpu_discover(int (*visit)(const struct fakegpu_candidate *, void *data),
                                    void *data);

/**
 * The device's identity, limits and features, as read when it was opened.
 *
 * \return borrowed, valid while the device is. Counterpart: amdgpu_query_gpu_info().
 */
FAKEGPU_PUBLIC const struct drm_fakegpu_device_info *fakegpu_device_info(
    const struct fakegpu_device *dev);

/**
 * A ring's identity and its counters of this moment.
 *
 * \param ring  in, 0 to ring_count - 1
 * \param info  out
 *
 * Errors: -EINVAL: no such ring. Counterpart: amdgpu_query_hw_ip_info().
 */
FAKEGPU_PUBLIC int fakegpu_query_ring(struct fakegpu_device *dev, uint32_t ring,
                                      struct drm_fakegpu_ring_info *info);

/**
 * A heap's size and use of this moment.
 *
 * \param heap  in, DRM_FAKEGPU_HEAP_*
 * \param info  out
 *
 * Errors: -EINVAL: no such heap. Counterpart: amdgpu_query_heap_info().
 */
FAKEGPU_PUBLIC int fakegpu_query_heap(struct fakegpu_device *dev, uint32_t heap,
                                      struct drm_fakegpu_heap_info *info);

/**
 * A scheduling policy that the device knows.
 *
 * \param index  in, from 0 on; 0 is the default
 * \param info   out
 *
 * Errors: -EINVAL: there are no more. Counterpart: none.
 */
FAKEGPU_PUBLIC int fakegpu_query_policy(struct fakegpu_device *dev, uint32_t index,
                                        struct drm_fakegpu_policy_info *info);

/**
 * Orders the jobs of a ring, for all clients, by another policy from now on. No job is lost.
 * fakegpu_query_ring() tells which policy it is.
 *
 * \param name  in, as fakegpu_query_policy() gives it
 * \param ring  in, index, or DRM_FAKEGPU_ALL_RINGS
 *
 * Errors: -EACCES: neither root nor the daemon's user; -EINVAL: no such policy or ring.
 * Counterpart: gpu_sched's parameter sched_policy, which is read once.
 */
FAKEGPU_PUBLIC int fakegpu_device_set_policy(struct fakegpu_device *dev, const char *name,
                                             uint32_t ring);

/**
 * The index of a ring by its kind.
 *
 * \param type      in, DRM_FAKEGPU_RING_*
 * \param instance  in, counted from 0 within the type
 * \return the index for fakegpu_query_ring() and submissions; -ENOENT: there is none
 */
FAKEGPU_PUBLIC int fakegpu_find_ring(const struct fakegpu_device *dev, uint32_t type,
                                     uint32_t instance);

/**
 * An ioctl on the device's file, whatever the transport; repeated after -EINTR and -EAGAIN as
 * drmIoctl() does (after -EAGAIN with a short pause). Blocks as the ioctl does.
 *
 * \param request  in, DRM_IOCTL_*
 * \param arg      in and out, the ioctl's struct. Bad pointers give -EFAULT on every transport
 * \return as the ioctl, with negative errno. -ENOTTY or -EINVAL: no such call
 */
FAKEGPU_PUBLIC int fakegpu_device_ioctl(struct fakegpu_device *dev, unsigned long request,
                                        void *arg);

/**
 * The same, tried once: -EINTR (a signal handler ran) and -EAGAIN (the queue is full) are returned.
 */
FAKEGPU_PUBLIC int fakegpu_device_ioctl_once(struct fakegpu_device *dev, unsigned long request,
                                             void *arg);

/**
 * An ioctl on a descriptor that the device gave out (SYNC_IOC_*, DMA_BUF_IOCTL_*, SW_SYNC_IOC_*),
 * in this process or another, over the same GPU; tried once. On the device nodes ioctl() does the
 * same; on the socket and in-process only this reaches the driver, as no kernel stands between.
 *
 * \param fd       in, borrowed
 * \param request  in
 * \param arg      in and out, the ioctl's struct. Bad pointers give -EFAULT
 * \return as the ioctl, with negative errno. -ENOTTY: the descriptor has no such call
 */
FAKEGPU_PUBLIC int fakegpu_fd_ioctl(struct fakegpu_device *dev, int fd, unsigned long request,
                                    void *arg);

#if defined(__cplusplus)
}
#endif

#endif
