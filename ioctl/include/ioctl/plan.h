// SPDX-License-Identifier: MIT
// What of a caller's memory an ioctl touches, computed from the table and one copy of the struct. A
// transport that cannot reach the caller directly (CUSE retries, process_vm_readv, a socket
// message) fetches by this plan, and hands the driver a PlannedMemory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ioctl/table.h"

namespace fakegpu::ioctl {

// What one message of a transport may move in each direction, as CUSE's kernel side limits it (32
// pages). A plan may be larger: what then becomes of the call is the transport's to say.
inline constexpr uint32_t kMaxCallBytes = 128 * 1024;

struct Segment {
  uint64_t address;
  uint32_t bytes;
  Direction direction;
  bool operator==(const Segment&) const = default;
};

// The arrays that `arg` (the struct, zero-extended or cut to row.size) points to, the struct itself
// not included. Null pointers and empty arrays give no segment. Empty result with `error` set to a
// negative errno when an array is too large for a segment (-ENOMEM) or wraps the address space
// (-EFAULT).
struct Plan {
  int error = 0;
  std::vector<Segment> segments;
};
Plan plan_arrays(const Row& row, std::span<const std::byte> arg);

// How the struct itself moves: the size in the command word bounds both copies; its direction bits
// say which take place. Without the write bit the handler sees zeros; without the read bit nothing
// is copied back. As in the kernel a copy also takes the row's own bit, so nothing comes back from
// a DRM_IOW call whatever the caller's command word says.
struct StructCopy {
  uint32_t in_bytes;
  uint32_t out_bytes;
};
StructCopy struct_copy(uint32_t command);
StructCopy struct_copy(uint32_t command, const Row& row);

}  // namespace fakegpu::ioctl
