// SPDX-License-Identifier: MIT
// Syncobjs within the process: a wait that has its answer, against reading the clock; and from a
// signal to the waiter that it wakes, against a wake by futex.
#include <benchmark/benchmark.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <thread>

#include <fakegpu/fakegpu.hpp>

#include "comparison.h"

namespace fakegpu::bench {

namespace {

void read_clock(benchmark::State& state) {
  timespec now;
  for ([[maybe_unused]] auto unused : state) {
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    benchmark::DoNotOptimize(now);
  }
}

void wait_for_the_past(benchmark::State& state) {
  const Device device("inprocess:");
  const Syncobj syncobj(device);
  fakegpu_syncobj_signal(syncobj, 7);
  const fakegpu_sync_point point = {syncobj, 7};
  for ([[maybe_unused]] auto unused : state) {
    if (fakegpu_syncobj_timeline_wait(device, &point, 1, INT64_MAX, 0, nullptr) != 0) {
      state.SkipWithError("the wait failed");
      return;
    }
  }
}

// Two threads that wake each other by turns: each iteration is two wakes.
template <typename Wake, typename Sleep>
void ping_pong(benchmark::State& state, bool one_cpu, Wake wake, Sleep sleep) {
  std::optional<OneCpu> pinned;
  if (one_cpu) pinned.emplace();
  std::atomic<bool> over{false};
  std::thread partner([&] {
    for (uint64_t turn = 1;; ++turn) {
      sleep(0, turn);
      if (over.load()) return;
      wake(1, turn);
    }
  });
  uint64_t turn = 0;
  while (state.KeepRunningBatch(2)) {
    wake(0, ++turn);
    sleep(1, turn);
  }
  over = true;
  wake(0, ++turn);
  partner.join();
}

void futex_wake(benchmark::State& state, bool one_cpu) {
  std::atomic<uint32_t> words[2] = {0, 0};
  ping_pong(
      state, one_cpu,
      [&words](int which, uint64_t turn) {
        words[which].store(static_cast<uint32_t>(turn), std::memory_order_release);
        ::syscall(SYS_futex, &words[which], FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
      },
      [&words](int which, uint64_t turn) {
        while (words[which].load(std::memory_order_acquire) != static_cast<uint32_t>(turn))
          ::syscall(SYS_futex, &words[which], FUTEX_WAIT_PRIVATE, static_cast<uint32_t>(turn - 1),
                    nullptr, nullptr, 0);
      });
}

void signal_wake(benchmark::State& state, bool one_cpu) {
  const Device device("inprocess:");
  const Syncobj boxes[2] = {Syncobj(device), Syncobj(device)};
  ping_pong(
      state, one_cpu,
      [&boxes](int which, uint64_t turn) { fakegpu_syncobj_signal(boxes[which], turn); },
      [&boxes, &device](int which, uint64_t turn) {
        const fakegpu_sync_point point = {boxes[which], turn};
        fakegpu_syncobj_timeline_wait(device, &point, 1, INT64_MAX,
                                      DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT, nullptr);
      });
}

}  // namespace

}  // namespace fakegpu::bench

int main(int argc, char** argv) {
  using namespace fakegpu::bench;
  benchmark::RegisterBenchmark("clock_gettime", read_clock);
  benchmark::RegisterBenchmark("wait for a signalled point", wait_for_the_past);
  for (const bool one_cpu : {false, true}) {
    const std::string where = one_cpu ? ", one CPU" : "";
    benchmark::RegisterBenchmark(("futex wake" + where).c_str(), futex_wake, one_cpu)
        ->UseRealTime();
    benchmark::RegisterBenchmark(("syncobj wake" + where).c_str(), signal_wake, one_cpu)
        ->UseRealTime();
  }
  const Comparison comparisons[] = {
      {"in-process wait for a signalled point / clock_gettime", "wait for a signalled point",
       "clock_gettime", Bound::kAtMost, 3},
      {"in-process signal to woken waiter / futex wake", "syncobj wake", "futex wake",
       Bound::kAtMost, 1.5},
      {"the same, both threads on one CPU", "syncobj wake, one CPU", "futex wake, one CPU",
       Bound::kAtMost, 1.5},
  };
  return run(argc, argv, comparisons);
}
