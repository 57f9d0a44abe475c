// SPDX-License-Identifier: MIT
// From the submission of an IB that does nothing to the end of the wait for its fence, on an idle
// GPU within the process; against a hand-off between two threads by futex. And jobs of one client
// against those of two side by side.
#include <benchmark/benchmark.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <optional>
#include <thread>

#include <fakegpu/fakegpu.hpp>

#include "comparison.h"

namespace fakegpu::bench {

namespace {

// A thread that gives back whatever it is given.
class Partner {
 public:
  Partner() : thread_([this] { serve(); }) {}
  ~Partner() {
    pass(kEnd);
    thread_.join();
  }

  // There and back: two hand-offs.
  void round_trip() {
    pass(kTheirs);
    await(kTheirs);
  }

 private:
  enum Turn : uint32_t { kOurs, kTheirs, kEnd };

  void serve() {
    for (;;) {
      await(kOurs);
      if (turn_.load(std::memory_order_acquire) == kEnd) return;
      pass(kOurs);
    }
  }
  void pass(Turn turn) {
    turn_.store(turn, std::memory_order_release);
    ::syscall(SYS_futex, &turn_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }
  void await(Turn unwanted) {
    while (turn_.load(std::memory_order_acquire) == unwanted)
      ::syscall(SYS_futex, &turn_, FUTEX_WAIT_PRIVATE, unwanted, nullptr, nullptr, 0);
  }

  std::atomic<uint32_t> turn_{kOurs};
  std::thread thread_;
};

void hand_off(benchmark::State& state, bool one_cpu) {
  std::optional<OneCpu> pinned;
  if (one_cpu) pinned.emplace();
  Partner partner;
  while (state.KeepRunningBatch(2)) partner.round_trip();
}

enum class By { kSyncobj, kSeqno };

void submit(benchmark::State& state, bool one_cpu, By by) {
  std::optional<OneCpu> pinned;
  if (one_cpu) pinned.emplace();
  // The GPU's threads start with it, on the CPUs of this one.
  const Device device("inprocess:");
  const Context context(device);
  const CommandBuffer nothing(context, DRM_FAKEGPU_RING_GFX);
  fakegpu_cmd_nop(nothing, 1);
  const Syncobj done(device);
  const uint32_t ring = device.ring(DRM_FAKEGPU_RING_GFX);
  fakegpu_syncobj* const waited = done;
  for ([[maybe_unused]] auto unused : state) {
    const bool ended =
        by == By::kSyncobj
            ? fakegpu_context_submit_one(context, ring, nothing, done) == 0 &&
                  fakegpu_syncobj_wait(device, &waited, 1, INT64_MAX, 0, nullptr) == 0
            : context.wait(ring, context.submit(ring, {nothing}));
    if (!ended) {
      state.SkipWithError("the job failed");
      return;
    }
  }
  // A fence signals for a job that was thrown away, too.
  if (context.query().flags != 0) state.SkipWithError("a reset took a job");
}

// Clients side by side, each with a thread of its own: the time per job of them all.
void submitters(benchmark::State& state) {
  constexpr unsigned kBatch = 64;
  const Device device("inprocess:");
  const Context context(device);
  const CommandBuffer nothing(context, DRM_FAKEGPU_RING_GFX);
  fakegpu_cmd_nop(nothing, 1);
  const uint32_t ring = device.ring(DRM_FAKEGPU_RING_GFX);
  while (state.KeepRunningBatch(kBatch)) {
    uint64_t last = 0;
    for (unsigned i = 0; i < kBatch; ++i) last = context.submit(ring, {nothing});
    if (!context.wait(ring, last)) state.SkipWithError("the job failed");
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

}  // namespace fakegpu::bench

int main(int argc, char** argv) {
  using namespace fakegpu::bench;
  for (const bool one_cpu : {false, true}) {
    const std::string where = one_cpu ? ", one CPU" : "";
    benchmark::RegisterBenchmark(("futex hand-off" + where).c_str(), hand_off, one_cpu)
        ->UseRealTime();
    benchmark::RegisterBenchmark(("submit and wait" + where).c_str(), submit, one_cpu, By::kSyncobj)
        ->UseRealTime();
  }
  benchmark::RegisterBenchmark("submit and wait by seqno", submit, false, By::kSeqno)
      ->UseRealTime();
  benchmark::RegisterBenchmark("jobs of one client", submitters)->UseRealTime();
  benchmark::RegisterBenchmark("jobs of two clients", submitters)->Threads(2)->UseRealTime();
  const Comparison comparisons[] = {
      {"in-process submit to signalled fence / hand-off", "submit and wait", "futex hand-off",
       Bound::kAtMost, 2},
      {"the same, all threads on one CPU", "submit and wait, one CPU", "futex hand-off, one CPU",
       Bound::kAtMost, 2},
      {"in-process wait by seqno / by syncobj, submission included", "submit and wait by seqno",
       "submit and wait"},
      {"per job in-process, two clients that submit side by side / one", "jobs of two clients",
       "jobs of one client"},
  };
  return run(argc, argv, comparisons);
}
