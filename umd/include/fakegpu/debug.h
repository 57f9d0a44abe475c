// SPDX-License-Identifier: MIT
/**
 * \file debug.h
 * Why something is not done, and what the device was at when it hung.
 */
#ifndef FAKEGPU_DEBUG_H
#define FAKEGPU_DEBUG_H

#include <fakegpu/sync.h>

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * Explains why a syncobj's fence has not signalled: the chain of jobs and fences that it waits for,
 * down to the packet that the engine is in. Text for people, one line a step.
 *
 * \param syncobj  in
 * \param point    in, of its timeline; 0: the binary payload
 * \param text     out, at most `*size` bytes, not NUL-terminated; may be NULL if that is 0
 * \param size     in: room in bytes; out: length of the whole text
 *
 * Errors: none of its own. Counterpart: none; in Linux one looks at sync_debugfs and umr.
 */
FAKEGPU_PUBLIC int fakegpu_explain_syncobj(const struct fakegpu_syncobj *syncobj, uint64_t point,
                                           char *text, uint32_t *size);

/**
 * The same of everything that a client, or this device handle, has not finished.
 *
 * \param client  in, a client's id; 0: this handle; FAKEGPU_ALL_CLIENTS: everybody's
 *
 * Errors: -EACCES: another's, and the caller neither is root nor runs the device. -ENOENT: no such
 * client.
 */
#define FAKEGPU_ALL_CLIENTS UINT64_MAX
FAKEGPU_PUBLIC int fakegpu_explain_client(struct fakegpu_device *dev, uint64_t client, char *text,
                                          uint32_t *size);

/**
 * A part of the core dump of the last hang.
 *
 * \param flags   in, DRM_FAKEGPU_COREDUMP_*
 * \param offset  in, bytes from its start
 * \param data    out, at most `*size` bytes
 * \param size    in: room, at most 65536; out: bytes copied
 * \param total   out, length of the whole dump
 *
 * Errors: -ENOENT: there is none. -EACCES: the caller neither is root nor runs the device.
 * Counterpart: /sys/class/devcoredump.
 */
FAKEGPU_PUBLIC int fakegpu_read_coredump(struct fakegpu_device *dev, uint32_t flags,
                                         uint64_t offset, void *data, uint32_t *size,
                                         uint64_t *total);

#if defined(__cplusplus)
}
#endif

#endif
