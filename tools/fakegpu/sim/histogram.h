// SPDX-License-Identifier: MIT
// Counts values in buckets that grow with them: percentiles to within 0.8 % in constant time and
// memory, however many values. Least, greatest and mean are exact.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace fakegpu::sim {

class Histogram {
 public:
  void add(uint64_t value) {
    const size_t at = bucket(value);
    if (at >= counts_.size()) counts_.resize(at + 1);
    ++counts_[at];
    ++count_;
    sum_ += static_cast<double>(value);
    least_ = std::min(least_, value);
    greatest_ = std::max(greatest_, value);
  }

  uint64_t count() const { return count_; }
  uint64_t max() const { return greatest_; }
  double mean() const { return count_ ? sum_ / static_cast<double>(count_) : 0; }
  // The least value that at least this share (0 to 1) of all do not exceed; 0 if there is none.
  uint64_t percentile(double share) const {
    if (count_ == 0) return 0;
    const auto rank = std::max<uint64_t>(
        1, static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_))));
    if (rank >= count_) return greatest_;
    uint64_t seen = 0;
    for (size_t at = 0; at < counts_.size(); ++at)
      if ((seen += counts_[at]) >= rank) return std::clamp(middle(at), least_, greatest_);
    return greatest_;
  }

 private:
  // Each power of two has 64 buckets.
  static constexpr unsigned kBits = 6;
  static constexpr uint64_t kSteps = 1u << kBits;

  static size_t bucket(uint64_t value) {
    if (value < 2 * kSteps) return value;
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - kBits - 1;
    return shift * kSteps + (value >> shift);
  }
  static uint64_t middle(size_t at) {
    if (at < 2 * kSteps) return at;
    const unsigned shift = static_cast<unsigned>(at / kSteps) - 1;
    return ((kSteps + at % kSteps) << shift) + ((uint64_t{1} << shift) >> 1);
  }

  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  double sum_ = 0;
  uint64_t least_ = UINT64_MAX;
  uint64_t greatest_ = 0;
};

}  // namespace fakegpu::sim
