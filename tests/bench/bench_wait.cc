// SPDX-License-Identifier: MIT
// From the last packet of a job to its woken waiter, through the daemon: by the fence page and by
// the ioctl for a syncobj; against a thread that is woken by futex and nothing else.
//
//   bench-wait socket|fuse DAEMON [benchmark options]
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <fakegpu/fakegpu.hpp>
#include <string_view>
#include <thread>

#include "../support/daemon_process.h"
#include "comparison.h"

namespace fakegpu::bench {

namespace {

// As long as the waiter needs to fall asleep.
constexpr int64_t kAsleepNs = 100'000;

int64_t now_ns() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

void sleep_until(int64_t when) {
  const timespec time = {when / 1'000'000'000, when % 1'000'000'000};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) != 0) {
  }
}

// A thread that, asked to, tells the time and wakes whoever waits for that.
class Waker {
 public:
  Waker() : thread_([this] { serve(); }) {}
  ~Waker() {
    set(asked_, kEnd);
    thread_.join();
  }
  // The time from its wake to the return of this.
  int64_t wait(uint32_t turn) {
    set(asked_, turn);
    await(given_, turn - 1);
    return now_ns() - woken_at_;
  }

 private:
  static constexpr uint32_t kEnd = UINT32_MAX;

  void serve() {
    for (uint32_t turn = 0;;) {
      await(asked_, turn);
      turn = asked_.load(std::memory_order_acquire);
      if (turn == kEnd) return;
      sleep_until(now_ns() + kAsleepNs);
      woken_at_ = now_ns();
      set(given_, turn);
    }
  }
  static void set(std::atomic<uint32_t>& word, uint32_t value) {
    word.store(value, std::memory_order_release);
    ::syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }
  static void await(const std::atomic<uint32_t>& word, uint32_t old) {
    while (word.load(std::memory_order_acquire) == old)
      ::syscall(SYS_futex, &word, FUTEX_WAIT, old, nullptr, nullptr, 0);
  }

  std::atomic<uint32_t> asked_{0};
  std::atomic<uint32_t> given_{0};
  int64_t woken_at_ = 0;
  std::thread thread_;
};

void futex(benchmark::State& state) {
  Waker waker;
  uint32_t turn = 0;
  for ([[maybe_unused]] auto unused : state)
    state.SetIterationTime(static_cast<double>(waker.wait(++turn)) * 1e-9);
}

enum class By { kSeqno, kSyncobj };

enum class From { kEndOfJob, kSubmission };

void wait(benchmark::State& state, const support::DaemonProcess& daemon, By by, From from) {
  const Device device(daemon.where().c_str());
  const Context context(device);
  const CommandBuffer job(context, DRM_FAKEGPU_RING_GFX);
  const Bo bo(device, 4096);
  const Syncobj done(device);
  const uint32_t ring = device.ring(DRM_FAKEGPU_RING_GFX);
  const auto ended_at = bo.map<int64_t>();
  if (from == From::kEndOfJob) {
    fakegpu_cmd_work(job, 1, kAsleepNs, 0, 0);
    fakegpu_cmd_release_mem(job, FAKEGPU_RELEASE_TIMESTAMP, FAKEGPU_INTERRUPT_NONE, bo.va(), 0, 0);
  } else {
    fakegpu_cmd_nop(job, 1);
  }
  fakegpu_syncobj* const waited = done;
  const fakegpu_sync_point signal = done.at();
  for ([[maybe_unused]] auto unused : state) {
    const int64_t start = now_ns();
    const uint64_t seqno = context.submit(ring, {job}, {}, {&signal, 1});
    const int result = by == By::kSeqno
                           ? fakegpu_context_wait(context, ring, seqno, INT64_MAX)
                           : fakegpu_syncobj_wait(device, &waited, 1, INT64_MAX, 0, nullptr);
    const int64_t end = now_ns();
    if (result != 0) {
      state.SkipWithError("the wait failed");
      return;
    }
    const int64_t since = from == From::kEndOfJob ? ended_at[0] : start;
    state.SetIterationTime(static_cast<double>(end - since) * 1e-9);
  }
  if (context.query().flags != 0) state.SkipWithError("a reset took a job");
}

}  // namespace

}  // namespace fakegpu::bench

int main(int argc, char** argv) {
  using namespace fakegpu;
  using namespace fakegpu::bench;
  if (argc < 3) {
    fmt::print(stderr, "usage: bench-wait socket|fuse DAEMON [OPTION...]\n");
    return 2;
  }
  const std::string transport = argv[1];
  if (transport == "fuse" && ::access("/dev/fuse", R_OK | W_OK) != 0) {
    fmt::print("machine lacks /dev/fuse, or the right to it\n");
    return 77;
  }
  const support::DaemonProcess daemon(argv[2], transport, {});

  const std::string page = "end of job to waiter on the fence page, " + transport;
  const std::string call = "end of job to waiter in an ioctl, " + transport;
  const std::string whole_page = "submit and wait on the fence page, " + transport;
  const std::string whole_call = "submit and wait in an ioctl, " + transport;
  const auto add = [&daemon](const std::string& name, By by, From from) {
    benchmark::RegisterBenchmark(name.c_str(), [&daemon, by, from](benchmark::State& state) {
      wait(state, daemon, by, from);
    })->UseManualTime();
  };
  benchmark::RegisterBenchmark("futex wake to waiter", futex)->UseManualTime();
  add(page, By::kSeqno, From::kEndOfJob);
  add(call, By::kSyncobj, From::kEndOfJob);
  add(whole_page, By::kSeqno, From::kSubmission);
  add(whole_call, By::kSyncobj, From::kSubmission);
  const Comparison comparisons[] = {
      {"end of job to waiter on the fence page / futex wake, " + transport, page,
       "futex wake to waiter"},
      {"end of job to waiter in an ioctl / on the fence page, " + transport, call, page},
      {"no-op job, submit and wait in an ioctl / on the fence page, " + transport, whole_call,
       whole_page},
  };
  argv[2] = argv[0];
  return run(argc - 2, argv + 2, comparisons);
}
