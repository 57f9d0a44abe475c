// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace fakegpu::base {

// A point in time or a span, in nanoseconds of CLOCK_MONOTONIC (real shell) or of simulated time
// (virtual shell).
using Nanos = int64_t;

inline constexpr Nanos kNanosPerMicro = 1'000;
inline constexpr Nanos kNanosPerMilli = 1'000'000;
inline constexpr Nanos kNanosPerSecond = 1'000'000'000;

// The only source of time in the driver.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Nanos now() const = 0;
};

}  // namespace fakegpu::base
