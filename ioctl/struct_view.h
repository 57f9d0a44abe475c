// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace fakegpu::ioctl {

// The integer at [offset, offset + bytes) of a struct that may be shorter than that; what is
// missing reads as 0, as the kernel zero-extends an older caller's struct. bytes: at most 8.
inline uint64_t load(std::span<const std::byte> arg, size_t offset, size_t bytes) {
  uint64_t value = 0;
  if (offset < arg.size())
    std::memcpy(&value, arg.data() + offset, std::min(bytes, arg.size() - offset));
  return value;
}

}  // namespace fakegpu::ioctl
