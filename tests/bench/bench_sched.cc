// SPDX-License-Identifier: MIT
// The scheduler alone: jobs that do nothing, from making them until they are freed, with a hardware
// fence each as a driver has.
//   burst/RINGS/ENTITIES  many jobs pushed, then run; entities are spread over the rings
//   sync/RINGS/ENTITIES   push one and see it done, by turns
//   pick/ENTITIES         one more job among so many ready entities
//   queued                a million jobs in queues: bytes per job
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "sched/scheduler.h"

namespace fakegpu::bench {
namespace {

using sched::Entity;
using sched::Job;
using sched::Scheduler;

class FixedClock final : public base::Clock {
 public:
  base::Nanos now() const override { return now_; }
  void advance(base::Nanos span) { now_ += span; }

 private:
  base::Nanos now_ = base::kNanosPerSecond;
};

class NoOpJob final : public Job {
 public:
  explicit NoOpJob(Entity& entity) : Job(entity, 1), owner(entity) {}
  Entity& owner;
};

// A ring that completes what it has when it is told to.
class InstantRing final : public sched::Backend {
 public:
  InstantRing(FixedClock& clock, base::Tracer& tracer, fence::Contexts& contexts,
              std::string_view policy, uint32_t credits)
      : clock_(clock),
        context_(contexts.allocate()),
        scheduler_({.name = "ring", .credit_limit = credits},
                   std::move(*sched::make_policy(policy)), *this, contexts, tracer) {}
  ~InstantRing() override { scheduler_.fini(clock_.now(), -ECANCELED); }

  base::Result<fence::FenceRef> run_job(Job&) override {
    emitted_.push_back(base::make_ref<fence::ManualFence>(context_, ++seqno_, "hw"));
    return fence::FenceRef(emitted_.back());
  }
  void free_job(Job& job) override {
    ++freed_;
    served_ = &static_cast<NoOpJob&>(job).owner;
  }
  sched::TimeoutVerdict timed_out(Job&) override { return sched::TimeoutVerdict::kNoHang; }
  void kick(Scheduler&) override {}

  void complete() {
    for (const auto& fence : emitted_) fence->signal(clock_.now());
    emitted_.clear();
  }
  // Everything that is queued.
  void run() {
    scheduler_.pump(clock_.now());
    while (!emitted_.empty()) {
      clock_.advance(1000);
      complete();
      scheduler_.pump(clock_.now());
    }
  }
  Scheduler& scheduler() { return scheduler_; }
  uint64_t freed() const { return freed_; }
  // Whose job was freed last.
  Entity& served() { return *served_; }

 private:
  FixedClock& clock_;
  uint64_t context_;
  uint64_t seqno_ = 0;
  uint64_t freed_ = 0;
  Entity* served_ = nullptr;
  std::vector<base::Ref<fence::ManualFence>> emitted_;
  Scheduler scheduler_;
};

struct Setup {
  Setup(size_t ring_count, size_t entity_count, std::string_view policy = "prepaid",
        uint32_t credits = 16) {
    for (size_t i = 0; i < ring_count; ++i)
      rings.push_back(std::make_unique<InstantRing>(clock, tracer, contexts, policy, credits));
    for (size_t i = 0; i < entity_count; ++i) {
      Scheduler* const scheduler[] = {&rings[i % ring_count]->scheduler()};
      entities.push_back(std::move(*Entity::create(sched::Priority::kNormal, scheduler,
                                                   base::make_ref<sched::Account>(i + 1))));
    }
  }
  ~Setup() {
    for (const auto& entity : entities) entity->kill(clock.now());
    for (const auto& ring : rings) ring->run();
    entities.clear();
  }
  void push(Entity& entity) { push(*base::make_ref<NoOpJob>(entity)); }
  void push(NoOpJob& job) {
    job.arm();
    job.push(clock.now());
  }
  void run() {
    for (const auto& ring : rings) ring->run();
  }
  uint64_t freed() const {
    uint64_t sum = 0;
    for (const auto& ring : rings) sum += ring->freed();
    return sum;
  }

  FixedClock clock;
  base::Tracer tracer{clock};
  fence::Contexts contexts;
  std::vector<std::unique_ptr<InstantRing>> rings;
  std::vector<std::unique_ptr<Entity>> entities;
};

void count_jobs(benchmark::State& state, uint64_t jobs) {
  state.counters["ns_per_job"] = benchmark::Counter(
      static_cast<double>(jobs) / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void burst(benchmark::State& state) {
  constexpr size_t kJobs = 1024;
  Setup setup(state.range(0), state.range(1));
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
  Setup setup(state.range(0), state.range(1));
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
  Setup setup(1, static_cast<size_t>(state.range(0)), policy, 1);
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
    Setup setup(1, 1000);
    const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    for (size_t i = 0; i < kJobs; ++i) setup.push(*setup.entities[i % setup.entities.size()]);
    setup.rings.front()->scheduler().pump(setup.clock.now());
    const size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    state.counters["bytes_per_job"] = static_cast<double>(after - before) / kJobs;
  }
}

// Two threads that submit under one lock, as the device's, against one that does all: the sum.
void submitters(benchmark::State& state) {
  static std::unique_ptr<Setup> setup;
  static std::mutex lock;
  if (state.thread_index() == 0) setup = std::make_unique<Setup>(1, 2);
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
BENCHMARK(submitters)->Threads(1)->Threads(2)->UseRealTime();

}  // namespace
}  // namespace fakegpu::bench

BENCHMARK_MAIN();
