// SPDX-License-Identifier: MIT
// The scheduler alone: jobs that do nothing, from making them until they are freed, with a hardware
// fence each as a driver has.
//   burst/RINGS/ENTITIES  many jobs pushed, then run; entities are spread over the rings
//   sync/RINGS/ENTITIES   push one and see it done, by turns
//   pick/ENTITIES         one more job among so many ready entities
//   queued                a million jobs in queues: bytes per job
//   submitters            pushed and seen done under one lock, by one thread and by two in sum
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <memory>
#include <mutex>

#include "base/handoff_mutex.h"
#include "instant_rings.h"

namespace fakegpu::bench {
namespace {

void count_jobs(benchmark::State& state, uint64_t jobs) {
  state.counters["ns_per_job"] = benchmark::Counter(
      static_cast<double>(jobs) / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void burst(benchmark::State& state) {
  constexpr size_t kJobs = 1024;
  InstantRings setup(state.range(0), state.range(1));
  uint64_t jobs = 0;
  for ([[maybe_unused]] auto unused : state) {
    for (size_t i = 0; i < kJobs; ++i) setup.push(*setup.entities[i % setup.entities.size()]);
    setup.run();
    jobs += kJobs;
  }
  if (setup.freed() != jobs) state.SkipWithError("jobs are missing");
  count_jobs(state, jobs);
}

void sync(benchmark::State& state) {
  InstantRings setup(state.range(0), state.range(1));
  uint64_t jobs = 0;
  size_t next = 0;
  for ([[maybe_unused]] auto unused : state) {
    setup.push(*setup.entities[next]);
    setup.rings[next % setup.rings.size()]->run();
    if (++next == setup.entities.size()) next = 0;
    ++jobs;
  }
  if (setup.freed() != jobs) state.SkipWithError("jobs are missing");
  count_jobs(state, jobs);
}

// Always so many entities ready: the one that is served gets its next job.
void pick(benchmark::State& state, const char* policy) {
  InstantRings setup(1, static_cast<size_t>(state.range(0)), policy, 1);
  InstantRing& ring = *setup.rings.front();
  for (int i = 0; i < 2; ++i)
    for (const auto& entity : setup.entities) setup.push(*entity);
  ring.scheduler().pump(setup.clock.now());
  uint64_t jobs = 0;
  for ([[maybe_unused]] auto unused : state) {
    setup.clock.advance(1000);
    ring.complete();
    ring.scheduler().pump(setup.clock.now());
    setup.push(ring.served());
    ++jobs;
  }
  if (ring.freed() != jobs) state.SkipWithError("jobs are missing");
  count_jobs(state, jobs);
}

void queued(benchmark::State& state) {
  constexpr size_t kJobs = 1'000'000;
  for ([[maybe_unused]] auto unused : state) {
    InstantRings setup(1, 1000);
    const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (size_t i = 0; i < kJobs; ++i) setup.push(*setup.entities[i % setup.entities.size()]);
    setup.rings.front()->scheduler().pump(setup.clock.now());
    const size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    state.counters["bytes_per_job"] = static_cast<double>(after - before) / kJobs;
  }
}

// Two threads that submit under one lock, the device's, against one that does all: the sum.
template <typename Lock>
void submitters(benchmark::State& state) {
  static std::unique_ptr<InstantRings> setup;
  static Lock lock;
  if (state.thread_index() == 0) setup = std::make_unique<InstantRings>(1, 2);
  uint64_t jobs = 0;
  for ([[maybe_unused]] auto unused : state) {
    const auto job = base::make_ref<NoOpJob>(*setup->entities[state.thread_index()]);
    const std::lock_guard guard(lock);
    setup->push(*job);
    setup->rings.front()->run();
    ++jobs;
  }
  state.SetItemsProcessed(static_cast<int64_t>(jobs));
  if (state.thread_index() == 0) setup.reset();
}

BENCHMARK(burst)->Args({1, 1})->Args({1, 64})->Args({4, 64});
BENCHMARK(sync)->Args({1, 1})->Args({1, 64})->Args({4, 64});
BENCHMARK_CAPTURE(pick, prepaid, "prepaid")->Arg(100)->Arg(100'000);
BENCHMARK_CAPTURE(pick, fair, "fair")->Arg(100)->Arg(100'000);
BENCHMARK_CAPTURE(pick, fifo, "fifo")->Arg(100)->Arg(100'000);
BENCHMARK(queued)->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK(submitters<base::HandoffMutex>)
    ->Name("submitters")
    ->Threads(1)
    ->Threads(2)
    ->UseRealTime();
BENCHMARK(submitters<std::mutex>)
    ->Name("submitters, std::mutex")
    ->Threads(1)
    ->Threads(2)
    ->UseRealTime();

}  // namespace
}  // namespace fakegpu::bench

BENCHMARK_MAIN();
