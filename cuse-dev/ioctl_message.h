// SPDX-License-Identifier: MIT
// A call as a message of the socket carries it (wire.h): the request, spans that say which arrays
// follow, the struct, and the arrays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "ioctl/plan.h"
#include "ioctl/user_memory.h"
#include "ioctl/wire.h"

namespace fakegpu::cuse_dev {

// More than any call has.
inline constexpr uint32_t kMaxSpans = 16;

struct IoctlMessage {
  ioctl::wire::IoctlRequest request;
  std::vector<ioctl::Segment> segments;  // as the spans say; the struct may say something else
  std::span<std::byte> in;               // the struct, then the arrays
  ioctl::StructCopy copy;
  uint64_t out_bytes;    // of the arrays that go out
  bool with_out_arrays;  // they came too, for what the driver does not store to

  // -EPROTO: it contradicts itself, or is not what a call of this kind may be. `message`: whole;
  // what `in` names lies in it. `descriptors`: how many came along.
  static base::Result<IoctlMessage> parse(std::span<std::byte> message, size_t descriptors);

  // Its read-only arrays are in a memfd that came along.
  bool large() const { return request.header.type == ioctl::wire::Type::kLargeIoctl; }
  std::span<const std::byte> struct_in() const { return in.first(copy.in_bytes); }

  // Its memory, unless it is large. What can be stored to lies at the start of `room`, in the order
  // in which it goes back; the rest stays in the message. Gives the bytes of `room` that it took.
  size_t lay_out(std::span<std::byte> room, ioctl::PlannedMemory& memory) const;
};

}  // namespace fakegpu::cuse_dev
