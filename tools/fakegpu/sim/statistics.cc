// SPDX-License-Identifier: MIT
#include "statistics.h"

namespace fakegpu::sim {
namespace {

using Unit = Metric::Unit;
using Client = ClientStatistics;
using Run = RunStatistics;

double share(const Client& client, const Run& run) {
  Nanos total = 0;
  for (const Client& other : run.clients) total += other.gpu_time;
  return total ? 100 * static_cast<double>(client.gpu_time) / static_cast<double>(total) : 0;
}

double at(const Histogram& values, double part) {
  return static_cast<double>(values.percentile(part));
}

constexpr Metric kMetrics[] = {
    {"jobs", "jobs finished", Unit::kCount,
     [](const Client& c, const Run&) { return static_cast<double>(c.finished); }},
    {"failed", "jobs failed", Unit::kCount,
     [](const Client& c, const Run&) { return static_cast<double>(c.failed); }, true},
    {"gpu_time_ns", "GPU time", Unit::kNanos,
     [](const Client& c, const Run&) { return static_cast<double>(c.gpu_time); }},
    {"share_percent", "share of GPU time", Unit::kPercent, share},
    {"wait_p50_ns", "wait p50", Unit::kNanos,
     [](const Client& c, const Run&) { return at(c.wait, 0.5); }},
    {"wait_p99_ns", "wait p99", Unit::kNanos,
     [](const Client& c, const Run&) { return at(c.wait, 0.99); }},
    {"latency_p50_ns", "latency p50", Unit::kNanos,
     [](const Client& c, const Run&) { return at(c.latency, 0.5); }},
    {"latency_p99_ns", "latency p99", Unit::kNanos,
     [](const Client& c, const Run&) { return at(c.latency, 0.99); }},
    {"latency_max_ns", "latency max", Unit::kNanos,
     [](const Client& c, const Run&) {
       return static_cast<double>(std::max<uint64_t>(c.latency.max(), c.longest_open));
     }},
    {"slowdown", "slowdown (mean)", Unit::kRatio,
     [](const Client& c, const Run&) { return c.slowdown.mean() / 1000; }},
    {"missed", "deadlines missed", Unit::kCount,
     [](const Client& c, const Run&) { return static_cast<double>(c.missed); }},
};

}  // namespace

double jain(std::span<const double> shares) {
  double sum = 0;
  double squares = 0;
  for (const double value : shares) {
    sum += value;
    squares += value * value;
  }
  return squares > 0 ? sum * sum / (static_cast<double>(shares.size()) * squares) : 1;
}

Spread spread(std::span<const double> values) {
  if (values.empty()) return {};
  Spread all{0, values[0], values[0]};
  for (const double value : values) {
    all.mean += value / static_cast<double>(values.size());
    all.min = std::min(all.min, value);
    all.max = std::max(all.max, value);
  }
  return all;
}

std::span<const Metric> metrics() {
  return kMetrics;
}

}  // namespace fakegpu::sim
