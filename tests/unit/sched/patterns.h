// SPDX-License-Identifier: MIT
// The two-client patterns of upstream's scheduling quality tests, as habits of loads, and what a
// run of one comes to.
#pragma once

#include <algorithm>
#include <cmath>

#include "load.h"

namespace fakegpu::sched {

struct Client {
  Priority priority;
  Habit habit;
};

struct Pattern {
  std::string_view name;
  Client a;
  Client b;
};

constexpr Nanos us(int64_t count) {
  return count * kNanosPerMicro;
}

inline constexpr Priority kHigh = Priority::kHigh;
inline constexpr Priority kNormal = Priority::kNormal;
inline constexpr Priority kLow = Priority::kLow;

// Deep clients always have jobs queued; the others wait for a batch, then pause.
inline constexpr Pattern kPatterns[] = {
    {"normal_normal", {kNormal, deep(ms(8))}, {kNormal, deep(ms(8))}},
    {"normal_low", {kNormal, deep(ms(8))}, {kLow, deep(ms(8))}},
    {"high_normal", {kHigh, deep(ms(8))}, {kNormal, deep(ms(8))}},
    {"high_low", {kHigh, deep(ms(8))}, {kLow, deep(ms(8))}},
    {"half_normal_normal",
     {kNormal, sync(us(1500), us(1500))},
     {kNormal, sync(us(2500), us(2500))}},
    {"half_normal_low", {kNormal, sync(us(1500), us(1500))}, {kLow, sync(us(2500), us(2500))}},
    {"half_high_normal", {kHigh, sync(us(1500), us(1500))}, {kNormal, sync(us(2500), us(2500))}},
    {"low_hog",
     {kLow, {.length = us(2500), .batch = 3, .pause = us(500), .deep = true}},
     {kNormal, sync(us(500), ms(10))}},
    {"heavy", {kNormal, sync(us(2500), us(2500), 3)}, {kNormal, sync(ms(1), ms(9))}},
    {"very_heavy", {kNormal, sync(ms(50), us(1), 4)}, {kNormal, sync(ms(1), ms(9))}},
};

struct Outcomes {
  double a_ms;  // GPU time
  double b_ms;
  double added_ms;  // to the latency of b's batches by a's presence, in 99 of 100 at most
  uint64_t b_jobs;
};

inline Outcomes run_pattern(const Pattern& pattern, std::string_view policy, uint32_t credits,
                            Nanos span) {
  LoadedRing ring(policy, credits);
  Load& a = ring.run(pattern.a.habit, 1, pattern.a.priority);
  Load& b = ring.run(pattern.b.habit, 2, pattern.b.priority);
  ring.run_for(span);
  std::vector<Nanos> latencies = b.latencies();
  std::sort(latencies.begin(), latencies.end());
  const auto rank = static_cast<size_t>(std::ceil(0.99 * static_cast<double>(latencies.size())));
  const Nanos p99 = latencies.empty() ? span : latencies[rank - 1];
  const Nanos ideal = pattern.b.habit.length * pattern.b.habit.batch;
  return {static_cast<double>(a.gpu_time()) / kNanosPerMilli,
          static_cast<double>(b.gpu_time()) / kNanosPerMilli,
          static_cast<double>(p99 - ideal) / kNanosPerMilli, b.completed()};
}

}  // namespace fakegpu::sched
