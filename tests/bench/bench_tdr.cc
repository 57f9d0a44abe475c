// SPDX-License-Identifier: MIT
// Timeout detection and recovery: how soon work goes on after a hang, and what looking for hangs
// costs as long as there is none.
//   STEP                      a hang that this step of the ladder ends, on a busy device, in real
//                             time; its counters are the parts of it
//   burst/RINGS/ENTITIES ...  bench-sched's, with a timeout and without
//   driver burst ...          jobs of one packet through the driver and the chip, in virtual time
#include <benchmark/benchmark.h>
#include <fmt/core.h>

#include <optional>
#include <utility>
#include <vector>

#include "base/virtual_executor.h"
#include "comparison.h"
#include "hang.h"
#include "instant_rings.h"
#include "support/virtual_machine.h"

namespace fakegpu::bench {

namespace {

constexpr base::Nanos kTimeout = 2 * base::kNanosPerSecond;  // the driver's default for gfx
constexpr unsigned kBurst = 1024;

void recover(benchmark::State& state, const std::string& step) {
  for ([[maybe_unused]] auto unused : state) {
    std::string error;
    const RecoveryTimes times = recover_by(step, &error);
    if (!error.empty()) {
      state.SkipWithError(error.c_str());
      return;
    }
    state.SetIterationTime(static_cast<double>(times.all()) / 1e9);
    const std::pair<const char*, base::Nanos> parts[] = {{"1 detection", times.detection},
                                                         {"2 core dump", times.core_dump},
                                                         {"3 earlier steps", times.earlier_steps},
                                                         {"4 acting", times.acting},
                                                         {"5 ring tests", times.ring_tests},
                                                         {"6 aftermath", times.aftermath},
                                                         {"7 innocent starts", times.to_start},
                                                         {"8 innocent done", times.to_done},
                                                         {"step", times.step()}};
    for (const auto& [name, time] : parts) state.counters[name] = static_cast<double>(time) / 1e3;
  }
}

// What drv::Device does when its schedulers have run: one timer, which is moved only if it would
// be late.
class Watchdog {
 public:
  explicit Watchdog(InstantRings& rings) : rings_(rings) {}

  void arm() {
    std::optional<base::Nanos> due;
    for (const auto& ring : rings_.rings) {
      const auto deadline = ring->scheduler().next_deadline();
      if (deadline && (!due || *deadline < *due)) due = deadline;
    }
    if (!due || (timer_ && at_ <= *due)) return;
    if (timer_) timers_.cancel(timer_);
    at_ = *due;
    timer_ = timers_.post_at(at_, [] {});
  }

 private:
  InstantRings& rings_;
  base::VirtualExecutor timers_{1};
  base::TimerId timer_ = 0;
  base::Nanos at_ = 0;
};

void burst(benchmark::State& state, size_t rings, size_t entities, bool armed) {
  InstantRings setup(rings, entities, "prepaid", 16, armed ? kTimeout : 0);
  Watchdog watchdog(setup);
  uint64_t jobs = 0;
  for ([[maybe_unused]] auto unused : state) {
    for (unsigned i = 0; i < kBurst; ++i) setup.push(*setup.entities[i % entities]);
    if (armed) {
      setup.run([&watchdog] { watchdog.arm(); });
    } else {
      setup.run();
    }
    jobs += kBurst;
  }
  if (setup.freed() != jobs) state.SkipWithError("jobs are missing");
}

void driver_burst(benchmark::State& state, bool armed) {
  drv::Options options;
  options.entity_jobs = kBurst;
  if (!armed) options.lockup_timeout = {0, 0, 0};
  hw::Profile profile = tests::small_profile();
  profile.cost = hw::CostModel::measured();
  tests::VirtualMachine machine(1, options, profile);
  tests::Client client(machine);
  const uint32_t context = client.context();
  const drm_fakegpu_ib nothing = client.ib(tests::words(packets::pm4::Nop{}));
  for ([[maybe_unused]] auto unused : state) {
    uint64_t seqno = 0;
    for (unsigned i = 0; i < kBurst; ++i)
      if (client.submit({.context = context, .ibs = {nothing}}, &seqno) != 0)
        state.SkipWithError("a job was refused");
    machine.run();
  }
  if (machine.machine().census().jobs != 0) state.SkipWithError("jobs are missing");
}

}  // namespace

}  // namespace fakegpu::bench

int main(int argc, char** argv) {
  using namespace fakegpu::bench;
  for (const char* step : {"soft recovery", "queue reset", "engine reset", "GPU reset"})
    benchmark::RegisterBenchmark(step, recover, step)->UseManualTime()->Iterations(1);
  std::vector<Comparison> comparisons;
  for (const auto& [rings, entities] : {std::pair{1, 1}, {1, 64}, {4, 64}}) {
    const std::string name = fmt::format("burst/{}/{}", rings, entities);
    for (const bool armed : {false, true})
      benchmark::RegisterBenchmark((name + (armed ? ", armed" : "")).c_str(), burst, rings,
                                   entities, armed);
    comparisons.push_back(
        {name + " with a timeout / without", name + ", armed", name, Bound::kAtMost, 1.05});
  }
  for (const bool armed : {false, true})
    benchmark::RegisterBenchmark(armed ? "driver burst, armed" : "driver burst", driver_burst,
                                 armed);
  comparisons.push_back({"the same through the driver and the chip", "driver burst, armed",
                         "driver burst", Bound::kAtMost, 1.05});
  const Ceiling ceilings[] = {
      {"queue reset, until an innocent executes", "queue reset", "step", 5'000},
      {"GPU reset, until an innocent executes", "GPU reset", "step", 50'000},
  };
  return run(argc, argv, comparisons, ceilings);
}
