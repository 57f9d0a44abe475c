// SPDX-License-Identifier: MIT
#pragma once

#include <climits>
#include <optional>

namespace fakegpu::drv {

// What a call gives at once: 0 or a negative errno; or nothing, and its reply follows. Used as a
// std::optional<int>, which is put together in memory from an int and a bool and then read as one
// word: a stall in every call.
class Outcome {
 public:
  Outcome(int result) : result_(result) {}        // NOLINT: handlers return errnos
  Outcome(std::nullopt_t) : result_(kPending) {}  // NOLINT: or none
  Outcome(const std::optional<int>& result)       // NOLINT: it is used as one
      : result_(result.value_or(kPending)) {}
  operator std::optional<int>() const {  // NOLINT: the same
    return *this ? std::optional(result_) : std::nullopt;
  }

  explicit operator bool() const { return result_ != kPending; }
  int operator*() const { return result_; }
  bool operator==(const Outcome&) const = default;

 private:
  static constexpr int kPending = INT_MAX;
  int result_;
};

}  // namespace fakegpu::drv
