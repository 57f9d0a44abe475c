// SPDX-License-Identifier: MIT
/**
 * \file fakegpu.h
 * libdrm_fakegpu: the user-mode driver of fakegpu, in the habits of libdrm's amdgpu.h.
 *
 * Rules that hold for every function, unless its own text says otherwise:
 *
 * - Results are int: 0 (or a count) on success, else a negative errno. Nothing is written to the
 *   `out` parameters on failure. errno itself is left undefined.
 * - -ENODEV: the device is lost, or the daemon behind it is gone. Nothing on this handle works any
 *   more; destroying objects stays safe. -ENOMEM may come from every function that creates or grows
 *   something. A null handle or a null `out` where one is required is the caller's crash.
 * - Any thread may call anything at any time on devices, BOs, address spaces, contexts and
 *   syncobjs; what destroys an object must be the last call on it. Command buffers are for one
 *   thread at a time.
 * - Nothing blocks but what says so. A blocking call goes on after a signal, except where -EINTR is
 *   listed.
 * - Handles are owned by whoever got them and freed with the matching destroy function, which
 *   accepts NULL. Each object keeps its device alive, so the order of destruction is free; the open
 *   file is closed when the device and the last object made from it are gone.
 * - A device does not survive fork(): the child must not use it.
 */
#ifndef FAKEGPU_FAKEGPU_H
#define FAKEGPU_FAKEGPU_H

#include <fakegpu/cmdbuf.h>
#include <fakegpu/context.h>
#include <fakegpu/debug.h>
#include <fakegpu/device.h>
#include <fakegpu/faults.h>
#include <fakegpu/kernels.h>
#include <fakegpu/memory.h>
#include <fakegpu/pm4.h>
#include <fakegpu/sdma.h>
#include <fakegpu/sync.h>
#include <fakegpu/usage.h>

#endif
