// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace fakegpu::hw {

// std::has_single_bit(), which without a popcount instruction to count on is a call.
constexpr bool is_power_of_two(uint32_t value) {
  return value != 0 && (value & (value - 1)) == 0;
}

}  // namespace fakegpu::hw
