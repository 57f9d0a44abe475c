// SPDX-License-Identifier: MIT
// A small fast generator (splitmix64), so that each queue can have one of its own and draws the
// same whatever the others and the policy do.
#pragma once

#include <cmath>
#include <cstdint>

namespace fakegpu::sim {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  // In [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  // With mean 1.
  double exponential() { return -std::log(1 - unit()); }
  // With mean 0 and deviation 1 (Box and Muller).
  double normal() {
    const double radius = std::sqrt(2 * exponential());
    return radius * std::cos(6.283185307179586 * unit());
  }

 private:
  uint64_t state_;
};

}  // namespace fakegpu::sim
