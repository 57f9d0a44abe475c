// SPDX-License-Identifier: MIT
// Calls on a device node that give a descriptor. The node cannot put one into this process's table,
// so what the call gives is claimed, and opened afterwards (struct drm_fakegpu_fd_claim).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "ioctl/table.h"
#include "ioctl/user_memory.h"

namespace fakegpu::umd {

// The row of a call that must be claimed; nullptr: a plain ioctl() does.
const ioctl::Row* claimed_row(uint32_t command);

// The call on `node`, the device's open file or one that such a call gave. Afterwards the struct at
// `arg` has a descriptor, close-on-exec unless its flags say otherwise. As ioctl() with a negative
// errno; -EMFILE comes before anything changes.
int claim_ioctl(int node, const ioctl::Row& row, uint32_t command, void* arg,
                ioctl::UserMemory& memory);

// The two steps of it, for whoever calls on behalf of another process.

// What a call has given and nobody has opened yet.
struct Claim {
  uint64_t token[2] = {};
  int flags = 0;  // of open()
};

// `arg`: the struct as the row has it, row.size bytes; the driver's answer, on errors too, with -1
// for the descriptor. `table_full`: where the descriptor is to go there is no room. As ioctl() with
// a negative errno.
int make_claim(int node, const ioctl::Row& row, std::span<std::byte> arg, bool table_full,
               Claim* claim);

// A descriptor or a negative errno.
int open_claim(int node, const Claim& claim);

// Which open file of its device `node` is (DRM_IOCTL_FAKEGPU_IDENTIFY); 0: it is not fakegpu's.
uint64_t identify_file(int node);

// Opens `name` beside the node that `node` is an open file of. A descriptor or a negative errno.
int open_beside(int node, const std::string& name, int flags);

}  // namespace fakegpu::umd
