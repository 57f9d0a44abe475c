// SPDX-License-Identifier: MIT
/** \file sync.h  Sync objects and fence events. Rules for all: fakegpu.h. */
#ifndef FAKEGPU_SYNC_H
#define FAKEGPU_SYNC_H

#include <fakegpu/device.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** A container for fences: binary (point 0) or a timeline of points. drm_syncobj. */
struct fakegpu_syncobj;

/** A syncobj at a point; point 0 is the binary payload. */
struct fakegpu_sync_point {
  struct fakegpu_syncobj *syncobj;
  uint64_t point;
};

/**
 * Makes a sync object.
 *
 * \param flags  in, 0 or DRM_SYNCOBJ_CREATE_SIGNALED
 * \param out    out, freed with fakegpu_syncobj_destroy()
 *
 * Errors: -EINVAL: unknown flag; -EMFILE. Counterpart: drmSyncobjCreate().
 */
FAKEGPU_PUBLIC int fakegpu_syncobj_create(struct fakegpu_device *dev, uint32_t flags,
                                          struct fakegpu_syncobj **out);

/** Frees the handle; jobs that wait for or signal it are not affected. drmSyncobjDestroy(). */
FAKEGPU_PUBLIC void fakegpu_syncobj_destroy(struct fakegpu_syncobj *syncobj);

/** \return the DRM handle, for raw ioctls. */
FAKEGPU_PUBLIC uint32_t fakegpu_syncobj_handle(const struct fakegpu_syncobj *syncobj);

/**
 * Blocks until the binary payloads are signalled.
 *
 * \param syncobjs     in, `count` of one device
 * \param count        in, 0 (succeeds at once) to the kernel's limits
 * \param deadline_ns  in, absolute (fakegpu_deadline_ns()); a time that has passed polls
 * \param flags        in, DRM_SYNCOBJ_WAIT_FLAGS_*; without WAIT_ALL the first one ends the wait
 * \param first        out, the index of the one that ended it (undefined with WAIT_ALL); may be
 * NULL
 *
 * Errors: -ETIME: the deadline passed; -EINVAL: unknown flag, or a syncobj without a fence and no
 * WAIT_FOR_SUBMIT. Counterpart: drmSyncobjWait().
 */
FAKEGPU_PUBLIC int fakegpu_syncobj_wait(struct fakegpu_device *dev,
                                        struct fakegpu_syncobj *const *syncobjs, uint32_t count,
                                        int64_t deadline_ns, uint32_t flags, uint32_t *first);

/** The same for points of timelines. Counterpart: drmSyncobjTimelineWait(). */
FAKEGPU_PUBLIC int fakegpu_syncobj_timeline_wait(struct fakegpu_device *dev,
                                                 const struct fakegpu_sync_point *points,
                                                 uint32_t count, int64_t deadline_ns,
                                                 uint32_t flags, uint32_t *first);

/** Takes the fence out, so that the object is unsignalled. Counterpart: drmSyncobjReset(). */
FAKEGPU_PUBLIC int fakegpu_syncobj_reset(struct fakegpu_syncobj *syncobj);

/**
 * Signals from the CPU.
 *
 * \param point  in, 0: the binary payload; else this point of the timeline, above the last one
 *
 * Counterpart: drmSyncobjSignal() and drmSyncobjTimelineSignal().
 */
FAKEGPU_PUBLIC int fakegpu_syncobj_signal(struct fakegpu_syncobj *syncobj, uint64_t point);

/**
 * The last signalled point of a timeline.
 *
 * \param flags  in, 0 or DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED
 * \param point  out, 0 for a binary object
 *
 * Errors: -EINVAL: unknown flag. Counterpart: drmSyncobjQuery2().
 */
FAKEGPU_PUBLIC int fakegpu_syncobj_query(struct fakegpu_syncobj *syncobj, uint32_t flags,
                                         uint64_t *point);

/**
 * A descriptor for the object itself, to be given to others: who imports it has the same object
 * under a handle of its own.
 *
 * \param fd  out, close-on-exec; the caller closes it. It keeps the object
 *
 * Errors: -EMFILE; -EOPNOTSUPP: the transport cannot give descriptors. Counterpart:
 * drmSyncobjHandleToFD().
 */
FAKEGPU_PUBLIC int fakegpu_syncobj_export(struct fakegpu_syncobj *syncobj, int *fd);

/**
 * The object of such a descriptor.
 *
 * \param fd   in, borrowed
 * \param out  out, freed with fakegpu_syncobj_destroy()
 *
 * Errors: -EINVAL: not the descriptor of a syncobj of this device's GPU; -EMFILE. Counterpart:
 * drmSyncobjFDToHandle().
 */
FAKEGPU_PUBLIC int fakegpu_syncobj_import(struct fakegpu_device *dev, int fd,
                                          struct fakegpu_syncobj **out);

/**
 * The fence that the object has now as a sync_file: it polls readable (POLLIN) once the fence has
 * signalled, with an error too, and answers SYNC_IOC_* (fakegpu_fd_ioctl()). What becomes of the
 * object later does not matter to it. When the daemon dies it polls POLLHUP.
 *
 * \param point  in, of a timeline; 0: the binary payload
 * \param fd     out, close-on-exec; the caller closes it
 *
 * Errors: -EINVAL: there is no fence; -EMFILE; -EOPNOTSUPP. Counterpart:
 * drmSyncobjExportSyncFile().
 */
FAKEGPU_PUBLIC int fakegpu_syncobj_export_sync_file(struct fakegpu_syncobj *syncobj, uint64_t point,
                                                    int *fd);

/**
 * Puts the fence of a sync_file into the object, as its binary payload (point 0) or as a point of
 * its timeline.
 *
 * \param fd  in, borrowed
 *
 * Errors: -EINVAL: no sync_file of this device's GPU. Counterpart: drmSyncobjImportSyncFile().
 */
FAKEGPU_PUBLIC int fakegpu_syncobj_import_sync_file(struct fakegpu_syncobj *syncobj, uint64_t point,
                                                    int fd);

/**
 * Puts the fence of one object or point into another. Both are of one device.
 *
 * \param to_point    in, 0: replaces the binary payload; else adds this point to the timeline
 * \param from_point  in, 0: the binary payload
 * \param flags       in, 0 or DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT: waits up to five seconds for
 *                    the source to have a fence
 *
 * Errors: -EINVAL: no fence there, two devices, unknown flag; -ETIME. Counterpart:
 * drmSyncobjTransfer().
 */
FAKEGPU_PUBLIC int fakegpu_syncobj_transfer(struct fakegpu_syncobj *to, uint64_t to_point,
                                            struct fakegpu_syncobj *from, uint64_t from_point,
                                            uint32_t flags);

/**
 * Adds 1 to an eventfd, once, when the object or point signals; at once if it has.
 *
 * \param point    in, 0: the binary payload
 * \param flags    in, 0 or DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE: when there is a fence
 * \param eventfd  in, borrowed
 *
 * Errors: -EBADF; -EINVAL: no eventfd, or an unknown flag; -ENOMEM: too many are pending.
 * Counterpart: drmSyncobjEventfd().
 */
FAKEGPU_PUBLIC int fakegpu_syncobj_eventfd(struct fakegpu_syncobj *syncobj, uint64_t point,
                                           uint32_t flags, int eventfd);

/**
 * Opens sw_sync: a timeline that its owner moves by hand with SW_SYNC_IOC_* (fakegpu_fd_ioctl()).
 * Closing it signals what is pending, with -ENOENT.
 *
 * \param fd  out, close-on-exec; the caller closes it
 *
 * Errors: -EMFILE; -EOPNOTSUPP: the transport has none. Counterpart: opening
 * /sys/kernel/debug/sync/sw_sync.
 */
FAKEGPU_PUBLIC int fakegpu_sw_sync_open(struct fakegpu_device *dev, int *fd);

/**
 * Reads the events of finished submissions (DRM_FAKEGPU_SUBMIT_EVENT), oldest first. Others that
 * are among them are dropped: who monitors the device reads by fakegpu_device_handle_events().
 *
 * \param events  out, room for `max`
 * \param max     in, >= 1
 * \param block   in, 0: -EAGAIN if there is none; else blocks until there is one
 * \return how many were read, 1 to max
 *
 * Errors: -EAGAIN; -EINTR: a signal handler ran while it was blocked; -EINVAL: max is 0.
 * Counterpart: drmHandleEvent().
 */
FAKEGPU_PUBLIC int fakegpu_device_read_events(struct fakegpu_device *dev,
                                              struct drm_fakegpu_event_fence *events, uint32_t max,
                                              int block);

/**
 * Chooses what happens to the device that this handle is told of from now on, in place of what it
 * chose before. Every user may.
 *
 * \param events  in, DRM_FAKEGPU_MONITOR_*; 0: nothing
 *
 * Errors: -EINVAL: unknown ones; -EOPNOTSUPP: the device has no such events (--compat 6.12).
 * Counterpart: udev_monitor_enable_receiving() for the subsystem drm.
 */
FAKEGPU_PUBLIC int fakegpu_device_monitor(struct fakegpu_device *dev, uint32_t events);

/** Whom to call for which event. Without a function, events of that kind are dropped. */
struct fakegpu_event_handlers {
  uint32_t size; /* of this struct, as the caller knows it */
  uint32_t pad;  /* 0 */
  void *data;    /* passed to the functions */
  void (*fence)(void *data, const struct drm_fakegpu_event_fence *event);
  void (*wedged)(void *data, const struct drm_fakegpu_event_wedged *event);
};

/**
 * Reads events of every kind and calls the handlers, in the caller's thread, oldest event first.
 * They may use the device.
 *
 * \param handlers  in
 * \param block     in, 0: -EAGAIN if there is no event; else blocks until there is one
 * \return how many events were read, >= 1, also of kinds that nobody handles
 *
 * Errors: -EAGAIN; -EINTR: a signal handler ran while it was blocked; -EINVAL: a size that no
 * version of the struct has, or padding. Counterpart: drmHandleEvent().
 */
FAKEGPU_PUBLIC int fakegpu_device_handle_events(struct fakegpu_device *dev,
                                                const struct fakegpu_event_handlers *handlers,
                                                int block);

#if defined(__cplusplus)
}
#endif

#endif
