/* SPDX-License-Identifier: MIT */
/** \file usage.h  Who uses the device, and how much. Rules for all: fakegpu.h. */
#ifndef FAKEGPU_USAGE_H
#define FAKEGPU_USAGE_H

#include <fakegpu/context.h>
#include <fakegpu/device.h>

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * What the jobs of this open file have cost on a ring, those of contexts that are gone included.
 *
 * \param ring   in, index
 * \param usage  out; times in nanoseconds. The GPU time counts a running job up to now, and never
 *               falls from one call to the next
 *
 * Errors: -EINVAL: no such ring, or a daemon that does not tell. Counterpart: drm-engine-* of
 * /proc/PID/fdinfo.
 */
FAKEGPU_PUBLIC int fakegpu_query_usage(struct fakegpu_device *dev, uint32_t ring,
                                       struct drm_fakegpu_usage *usage);

/**
 * The same of one context.
 *
 * Errors: as fakegpu_query_usage().
 */
FAKEGPU_PUBLIC int fakegpu_context_usage(struct fakegpu_context *ctx, uint32_t ring,
                                         struct drm_fakegpu_usage *usage);

/**
 * Visits the device's open files that the caller may see: this one, those that its user opened; for
 * root and who runs the device all. In the order of their ids. They are asked for in parts, so that
 * one that is opened or closed meanwhile may be among them or not.
 *
 * \param visit  in, called once per file in this thread; the struct is valid during the call. A
 *               result other than 0 ends the tour and is returned
 * \param data   in, passed on to visit
 *
 * Errors: -EINVAL: a daemon that does not tell. Counterpart: a walk over /proc/PID/fdinfo.
 */
FAKEGPU_PUBLIC int fakegpu_visit_clients(struct fakegpu_device *dev,
                                         int (*visit)(const struct drm_fakegpu_client *,
                                                      void *data),
                                         void *data);

/**
 * The usage of an open file as text, a line for each key of the kernel's drm-usage-stats.
 *
 * \param client_id  in, as in struct drm_fakegpu_client; 0: this file
 * \param text       out, NUL-terminated, cut to the room; may be NULL if size is 0
 * \param size       in, bytes of room, the NUL's included
 * \return the length of the whole text, as snprintf() does
 *
 * Errors: -ENOENT: no such file, or one that the caller may not see; -EINVAL: a daemon that does
 * not tell. Counterpart: /proc/PID/fdinfo/FD.
 */
FAKEGPU_PUBLIC int fakegpu_fdinfo(struct fakegpu_device *dev, uint64_t client_id, char *text,
                                  uint32_t size);

/**
 * Names this open file for those who watch the device.
 *
 * \param name  in, at most 64 characters, printable ASCII without blanks; NULL or "" for none
 *
 * Errors: -EINVAL: another name. Counterpart: DRM_IOCTL_SET_CLIENT_NAME.
 */
FAKEGPU_PUBLIC int fakegpu_set_client_name(struct fakegpu_device *dev, const char *name);

#if defined(__cplusplus)
}
#endif

#endif
