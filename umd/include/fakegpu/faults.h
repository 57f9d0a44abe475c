/* SPDX-License-Identifier: MIT */
/**
 * \file faults.h
 * Breaking the device on purpose: hangs, lost interrupts, failed resets, refused calls, by name.
 * For root and the user that runs the device; others get -EACCES from each function here. Rules for
 * all: fakegpu.h.
 */
#ifndef FAKEGPU_FAULTS_H
#define FAKEGPU_FAULTS_H

#include <fakegpu/device.h>

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * Arms a fault. It fires at the n-th trigger of its kind from now on, whoever causes that, and is
 * then disarmed; or by seeded chance at each, until it is cleared.
 *
 * \param fault  in, NUL-terminated: NAME[,nth=N | ,probability=P[,seed=S]][,ring=R][,for=T]
 *               [,duration=T][,errno=E][,ioctl=I], as "hang,ring=gfx_0.0,nth=3". Without nth and
 *               probability: nth=1. R: a ring's index or name. P: in (0, 1]. T: in ns, or with us,
 * ms or s after it. E: an errno's name or number. I: an ioctl's name
 *
 * Errors: -EINVAL: not understood, no such fault or ring, both nth and probability, something that
 * the kind does not take or lacks. -ENOSPC: 64 are armed. Counterpart:
 * Documentation/fault-injection of the kernel.
 */
FAKEGPU_PUBLIC int fakegpu_inject_fault(struct fakegpu_device *dev, const char *fault);

/**
 * Disarms faults. What has fired goes on until its own end.
 *
 * \param name  in, of a kind; NULL: all
 *
 * Errors: -EINVAL: no such fault.
 */
FAKEGPU_PUBLIC int fakegpu_clear_faults(struct fakegpu_device *dev, const char *name);

/**
 * What faults there are and how often each has fired, or what is armed.
 *
 * \param what  in, DRM_FAKEGPU_FAULT_KINDS or DRM_FAKEGPU_FAULT_ARMED
 * \param data  out, struct drm_fakegpu_fault_kind[] or struct drm_fakegpu_armed_fault[], at most
 *              `*size` bytes
 * \param size  in: room in bytes, at most 65536; out: of the whole answer
 *
 * Errors: -EINVAL: another `what`, more room.
 */
FAKEGPU_PUBLIC int fakegpu_fault_info(struct fakegpu_device *dev, uint32_t what, void *data,
                                      uint32_t *size);

#if defined(__cplusplus)
}
#endif

#endif
