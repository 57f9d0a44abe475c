// SPDX-License-Identifier: MIT
// How many jobs `fakegpu sim` does in a second of wall time, on one core: scenarios that ship, with
// the first of their policies and seeds.
//   scenario/throughput    two clients with deep queues of jobs of a microsecond
//   scenario/many_clients  31 clients, of jobs a thousand times as long
#include <benchmark/benchmark.h>

#include <fstream>
#include <iterator>
#include <string>

#include "engine.h"

namespace fakegpu::bench {
namespace {

sim::Scenario load(const std::string& name) {
  const std::string path = std::string(SCENARIOS "/") + name + ".toml";
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return sim::parse_scenario(text, path);
}

void scenario(benchmark::State& state, const char* name) {
  const sim::Scenario scenario = load(name);
  uint64_t jobs = 0;
  for ([[maybe_unused]] auto unused : state)
    jobs +=
        sim::run(scenario, {.policy = scenario.policies.front(), .seed = scenario.seeds.front()})
            .finished;
  if (jobs == 0) state.SkipWithError("no job has finished");
  state.counters["jobs_per_second"] =
      benchmark::Counter(static_cast<double>(jobs), benchmark::Counter::kIsRate);
}

BENCHMARK_CAPTURE(scenario, throughput, "throughput")
    ->Unit(benchmark::kMillisecond)
    ->Repetitions(5)
    ->UseRealTime();
BENCHMARK_CAPTURE(scenario, many_clients, "many-clients")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace fakegpu::bench

BENCHMARK_MAIN();
