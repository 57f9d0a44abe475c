// SPDX-License-Identifier: MIT
// The memory of one ioctl on a node: put together of what came with its request, for the driver, so
// that what goes back lies in one piece.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ioctl/plan.h"
#include "ioctl/user_memory.h"
#include "struct_memory.h"

namespace fakegpu::cuse_dev {

// Room for a reply: struct and out-arrays.
inline constexpr size_t kCallMemoryBytes = 2 * ioctl::kMaxCallBytes;

// The struct of a call, in the caller's memory, and what of it moves.
struct CallStruct {
  uint64_t address;
  ioctl::StructCopy copy;

  size_t bytes() const { return copy.in_bytes > copy.out_bytes ? copy.in_bytes : copy.out_bytes; }
};

// What an unrestricted call asks the kernel to bring along when it comes again.
class CallRanges {
 public:
  void set(const CallStruct& of, std::span<const ioctl::Segment> segments);
  std::span<const iovec> in() const { return in_; }
  std::span<const iovec> out() const { return out_; }

  // How much they would be.
  struct Bytes {
    size_t in;
    size_t out;
  };
  static Bytes bytes(const CallStruct& of, std::span<const ioctl::Segment> segments);

 private:
  std::vector<iovec> in_;
  std::vector<iovec> out_;
};

class CallMemory {
 public:
  // What can be stored to lies in `room`, of kCallMemoryBytes; the rest in the request. Both
  // outlive this object.
  //
  // The struct came, and arrays are in the memory of process `tid`. At most `out_bytes` go back.
  CallMemory(std::span<std::byte> room, const CallStruct& of, std::span<const std::byte> in,
             size_t out_bytes, int32_t tid);
  // Everything came: the struct, then the arrays of `segments`.
  CallMemory(std::span<std::byte> room, const CallStruct& of, std::span<const std::byte> in,
             std::span<const ioctl::Segment> segments);

  ioctl::UserMemory& memory() {
    return direct_ ? static_cast<ioctl::UserMemory&>(*direct_) : planned_;
  }
  // The struct.
  std::span<std::byte> window() const { return window_; }
  // What goes back when the driver answers at once, as soon as it has.
  std::span<const std::byte> back() const { return back_; }
  // How much of the struct goes back when it answers later.
  size_t struct_bytes_back() const { return struct_bytes_back_; }

 private:
  CallMemory(std::span<std::byte> room, const CallStruct& of, std::span<const std::byte> in);

  std::span<std::byte> window_;
  std::span<const std::byte> back_;
  size_t struct_bytes_back_;
  std::optional<StructMemory> direct_;
  ioctl::PlannedMemory planned_;
};

}  // namespace fakegpu::cuse_dev
