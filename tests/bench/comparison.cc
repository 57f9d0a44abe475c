// SPDX-License-Identifier: MIT
#include "comparison.h"

#include <benchmark/benchmark.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <vector>

namespace fakegpu::bench {

namespace {

// Many short repetitions: a median over them forgets those that another program disturbed.
constexpr const char* kDefaults[] = {"--benchmark_repetitions=41", "--benchmark_min_time=0.01",
                                     "--benchmark_enable_random_interleaving=true",
                                     "--benchmark_color=false"};

// Of the repetitions, each one figure.
struct Series {
  std::vector<double> values;

  double best() const { return *std::ranges::min_element(values); }
  double worst() const { return *std::ranges::max_element(values); }
  double median() const {
    std::vector<double> sorted = values;
    std::ranges::sort(sorted);
    return sorted[sorted.size() / 2];
  }
};
using Times = std::map<std::string, Series>;                            // seconds
using Counters = std::map<std::string, std::map<std::string, Series>>;  // us

// Collects the single repetitions; the tables are made at the end.
class Collector final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& context) override {
    PrintBasicContext(&GetErrorStream(), context);
    return true;
  }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      const std::string& name = run.run_name.function_name;
      if (run.error_occurred) {
        fmt::print("{}: {}\n", name, run.error_message);
        failed_ = true;
      } else if (run.run_type == Run::RT_Iteration && run.iterations > 0) {
        times_[name].values.push_back(run.real_accumulated_time /
                                      static_cast<double>(run.iterations));
        for (const auto& [counter, value] : run.counters)
          counters_[name][counter].values.push_back(value.value);
      }
    }
  }

  bool failed() const { return failed_; }
  const Times& times() const { return times_; }
  const Counters& counters() const { return counters_; }

 private:
  Times times_;
  Counters counters_;
  bool failed_ = false;
};

std::string text_of(Bound bound, double limit) {
  switch (bound) {
    case Bound::kAtMost:
      return fmt::format("<= {:.2f}", limit);
    case Bound::kAtLeast:
      return fmt::format(">= {:.2f}", limit);
    case Bound::kNone:
      break;
  }
  return "-";
}

void print_times(const Times& times) {
  fmt::print("\n{:<34} {:>14} {:>14}\n", "benchmark", "median us", "best us");
  for (const auto& [name, measured] : times)
    fmt::print("{:<34} {:>14.2f} {:>14.2f}\n", name, measured.median() * 1e6,
               measured.best() * 1e6);
}

void print_counters(const Counters& counters) {
  if (counters.empty()) return;
  fmt::print("\n{:<34} {:<18} {:>12} {:>12} {:>12}\n", "benchmark", "counter", "median us",
             "best us", "worst us");
  for (const auto& [name, of_one] : counters)
    for (const auto& [counter, series] : of_one)
      fmt::print("{:<34} {:<18} {:>12.1f} {:>12.1f} {:>12.1f}\n", name, counter, series.median(),
                 series.best(), series.worst());
}

void print_ceilings(const Counters& counters, std::span<const Ceiling> ceilings) {
  const auto measured = [&](const Ceiling& one) { return counters.contains(one.measured); };
  if (std::ranges::none_of(ceilings, measured)) return;
  fmt::print("\n{:<52} {:>10} {:>10} {:>11}\n", "figure", "median us", "best us", "bound us");
  for (const Ceiling& ceiling : ceilings) {
    if (!measured(ceiling)) continue;
    const Series& series = counters.at(ceiling.measured).at(ceiling.counter);
    fmt::print("{:<52} {:>10.0f} {:>10.0f} {:>11}\n", ceiling.what, series.median(), series.best(),
               fmt::format("<= {:.0f}", ceiling.limit_us));
  }
}

void print_comparisons(const Times& times, std::span<const Comparison> comparisons) {
  fmt::print("\n{:<52} {:>8} {:>8} {:>9}\n", "figure", "ratio", "best", "bound");
  for (const Comparison& comparison : comparisons) {
    const auto measured = times.find(comparison.measured);
    const auto floor = times.find(comparison.floor);
    if (measured == times.end() || floor == times.end()) continue;
    double median = measured->second.median() / floor->second.median();
    double best = measured->second.best() / floor->second.best();
    if (comparison.bound == Bound::kAtLeast) {
      median = 1 / median;
      best = 1 / best;
    }
    fmt::print("{:<52} {:>8.2f} {:>8.2f} {:>9}\n", comparison.what, median, best,
               text_of(comparison.bound, comparison.limit));
  }
  std::fflush(stdout);
}

cpu_set_t current_cpus() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  ::sched_getaffinity(0, sizeof(cpus), &cpus);
  return cpus;
}

}  // namespace

int run(int argc, char** argv, std::span<const Comparison> comparisons,
        std::span<const Ceiling> ceilings) {
  // The command line comes last and so wins.
  std::vector<char*> words = {argv[0]};
  for (const char* word : kDefaults)
    words.push_back(const_cast<char*>(word));  // NOLINT: not written
  words.insert(words.end(), argv + 1, argv + argc);
  int count = static_cast<int>(words.size());
  benchmark::Initialize(&count, words.data());
  if (benchmark::ReportUnrecognizedArguments(count, words.data())) return 2;
  Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);
  benchmark::Shutdown();
  print_times(collector.times());
  print_counters(collector.counters());
  print_ceilings(collector.counters(), ceilings);
  print_comparisons(collector.times(), comparisons);
  return collector.failed() ? 1 : 0;
}

OneCpu::OneCpu() : before_(current_cpus()) {
  const int cpu = ::sched_getcpu();
  if (cpu < 0) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  ::sched_setaffinity(0, sizeof(one), &one);
}

OneCpu::~OneCpu() {
  ::sched_setaffinity(0, sizeof(before_), &before_);
}

void share_cpus_with(pid_t process) {
  const cpu_set_t cpus = current_cpus();
  const auto threads = std::filesystem::path("/proc") / std::to_string(process) / "task";
  for (const auto& thread : std::filesystem::directory_iterator(threads))
    ::sched_setaffinity(std::stoi(thread.path().filename()), sizeof(cpus), &cpus);
}

}  // namespace fakegpu::bench
