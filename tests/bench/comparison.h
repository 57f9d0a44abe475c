// SPDX-License-Identifier: MIT
// What the benchmarks share: figures that mean something only beside their floor, measured in the
// same run by turns, since the absolute figures of one machine drift.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <span>
#include <string>

namespace fakegpu::bench {

enum class Bound {
  kAtMost,   // of time: measured / floor
  kAtLeast,  // of speed: the inverse
  kNone,     // told, not bounded
};

// Two benchmarks by name and what their ratio is to be.
struct Comparison {
  std::string what;
  std::string measured;
  std::string floor;
  Bound bound = Bound::kNone;
  double limit = 0;
};

// A counter of a benchmark, a time in us, and what its median over the repetitions is to be at
// most. For what has no floor to be compared with.
struct Ceiling {
  std::string what;
  std::string measured;
  std::string counter;
  double limit_us;
};

// Runs the registered benchmarks, repetitions in random order, and prints a table of the
// comparisons at the end: the ratio of the medians, and that of the best repetitions, which tells
// more on a busy machine; before it the counters, which are times in us, if there are any. Takes
// Google Benchmark's options. The exit status.
int run(int argc, char** argv, std::span<const Comparison> comparisons,
        std::span<const Ceiling> ceilings = {});

// Keeps the calling thread, and what it starts meanwhile, on one CPU of those it may use.
class OneCpu {
 public:
  OneCpu();
  ~OneCpu();
  OneCpu(const OneCpu&) = delete;
  OneCpu& operator=(const OneCpu&) = delete;

 private:
  cpu_set_t before_;
};

// Gives all threads of a process the calling thread's CPUs.
void share_cpus_with(pid_t process);

}  // namespace fakegpu::bench
