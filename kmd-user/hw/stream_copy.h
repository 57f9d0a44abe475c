// SPDX-License-Identifier: MIT
// A copy that leaves the caches alone, for transfers larger than them. memcpy does the same by
// itself from some size on, but engines copy in chunks below it.
#pragma once

#include <cstddef>
#include <span>

namespace fakegpu::hw {

// `to` and `from` have one size and may overlap; then it is a memmove.
void stream_copy(std::span<std::byte> to, std::span<const std::byte> from);

}  // namespace fakegpu::hw
