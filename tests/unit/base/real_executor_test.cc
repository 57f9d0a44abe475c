// SPDX-License-Identifier: MIT
#include "base/real_executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <thread>

namespace fakegpu::base {
namespace {

// Longer than any test runs.
constexpr Nanos kNever = 3600 * kNanosPerSecond;

TEST(RealExecutor, RunsPostedTasksOnAWorker) {
  RealExecutor executor(2);
  std::promise<std::thread::id> where;
  executor.post([&] { where.set_value(std::this_thread::get_id()); });
  EXPECT_NE(where.get_future().get(), std::this_thread::get_id());
}

TEST(RealExecutor, RunsEveryTaskOnce) {
  RealExecutor executor(2);
  std::atomic<int> left = 10'000;
  std::promise<void> done;
  for (int i = 0; i < 10'000; ++i)
    executor.post([&] {
      if (--left == 0) done.set_value();
    });
  done.get_future().get();
  executor.stop();
  EXPECT_EQ(left, 0);
}

TEST(RealExecutor, TasksMayPost) {
  RealExecutor executor(1);
  std::promise<void> done;
  executor.post([&] { executor.post([&] { done.set_value(); }); });
  done.get_future().get();
}

TEST(RealExecutor, TimerIsNeverEarly) {
  RealExecutor executor(1);
  const Nanos due = executor.clock().now() + 2 * kNanosPerMilli;
  std::promise<Nanos> ran;
  executor.post_at(due, [&] { ran.set_value(executor.clock().now()); });
  EXPECT_GE(ran.get_future().get(), due);
}

TEST(RealExecutor, TimerInThePastRunsAtOnce) {
  RealExecutor executor(1);
  std::promise<void> ran;
  executor.post_at(-5, [&] { ran.set_value(); });
  ran.get_future().get();
}

TEST(RealExecutor, AnEarlierTimerOvertakesALaterOne) {
  RealExecutor executor(1);
  std::promise<void> ran;
  executor.post_at(executor.clock().now() + kNever, [] { FAIL(); });
  executor.post_at(executor.clock().now() + kNanosPerMilli, [&] { ran.set_value(); });
  ran.get_future().get();
}

TEST(RealExecutor, CancelledTimerLetsGoOfItsTask) {
  RealExecutor executor(1);
  auto owned = std::make_shared<int>(1);
  const TimerId timer = executor.post_at(executor.clock().now() + kNever, [owned] { FAIL(); });
  EXPECT_EQ(owned.use_count(), 2);
  EXPECT_TRUE(executor.cancel(timer));
  EXPECT_EQ(owned.use_count(), 1);
  EXPECT_FALSE(executor.cancel(timer));
  EXPECT_FALSE(executor.cancel(0));
}

TEST(RealExecutor, CancelOfARunTimerIsFalse) {
  RealExecutor executor(1);
  std::promise<void> ran;
  const TimerId timer = executor.post_at(0, [&] { ran.set_value(); });
  ran.get_future().get();
  EXPECT_FALSE(executor.cancel(timer));
}

TEST(RealExecutor, ADueTimerThatHasNotBegunCanBeCancelled) {
  // No worker: what is due waits for a thread that takes it.
  RealExecutor executor(0);
  for (int round = 0; round < 100; ++round) {
    const TimerId timer = executor.post_at(0, [] { FAIL(); });
    for (int i = 0; i < round; ++i) std::this_thread::yield();
    EXPECT_TRUE(executor.cancel(timer));
    EXPECT_FALSE(executor.cancel(timer));
  }
  while (executor.run_one()) {
  }
}

TEST(RealExecutor, CancelTellsTheTruthWhileTimersFire) {
  RealExecutor executor(2);
  for (int round = 0; round < 2000; ++round) {
    auto runs = std::make_shared<std::atomic<int>>(0);
    const TimerId timer = executor.post_at(executor.clock().now(), [runs] { ++*runs; });
    if (round % 3 == 0) std::this_thread::yield();
    if (executor.cancel(timer)) {
      EXPECT_EQ(runs.use_count(), 1);
      EXPECT_EQ(*runs, 0);
    }
  }
}

TEST(RealExecutor, RunOneRunsInTheCallingThread) {
  RealExecutor executor(0);
  EXPECT_FALSE(executor.run_one());
  std::thread::id where;
  executor.post([&] { where = std::this_thread::get_id(); });
  EXPECT_TRUE(executor.run_one());
  EXPECT_EQ(where, std::this_thread::get_id());
  EXPECT_FALSE(executor.run_one());
}

TEST(RealExecutor, StopDropsWhatIsQueuedAndWhatComes) {
  RealExecutor executor(0);
  auto owned = std::make_shared<int>(1);
  executor.post([owned] { FAIL(); });
  executor.post_at(executor.clock().now() + kNever, [owned] { FAIL(); });
  executor.stop();
  EXPECT_EQ(owned.use_count(), 1);
  EXPECT_FALSE(executor.run_one());
  executor.post([owned] { FAIL(); });
  EXPECT_FALSE(executor.cancel(executor.post_at(0, [owned] { FAIL(); })));
  EXPECT_EQ(owned.use_count(), 1);
  executor.stop();
}

TEST(RealExecutor, StopWaitsForWhatRuns) {
  RealExecutor executor(1);
  std::promise<void> started;
  std::atomic<bool> finished = false;
  executor.post([&] {
    started.set_value();
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    finished = true;
  });
  started.get_future().get();
  executor.stop();
  EXPECT_TRUE(finished);
}

TEST(LazyExecutor, RunsWhatNobodyElseTakes) {
  RealExecutor executor(2, RealExecutor::Wake::kLazy);
  for (int round = 0; round < 300; ++round) {
    std::promise<void> ran;
    executor.post([&] { ran.set_value(); });
    ran.get_future().get();
  }
}

TEST(LazyExecutor, ABusyWorkerLeavesTheRestToAnother) {
  RealExecutor executor(2, RealExecutor::Wake::kLazy);
  for (int round = 0; round < 300; ++round) {
    std::promise<void> second;
    std::promise<void> both;
    executor.post([&] {
      second.get_future().get();
      both.set_value();
    });
    executor.post([&] { second.set_value(); });
    both.get_future().get();
  }
}

TEST(LazyExecutor, TasksAndHelpersShareTheWorkWithoutLoss) {
  RealExecutor executor(2, RealExecutor::Wake::kLazy);
  std::atomic<int> ran = 0;
  for (int i = 0; i < 10'000; ++i) {
    executor.post([&] { ++ran; });
    executor.run_one();
  }
  while (executor.run_one()) {
  }
  std::promise<void> last;
  executor.post([&] { last.set_value(); });
  last.get_future().get();
  executor.stop();
  EXPECT_EQ(ran, 10'000);
}

TEST(RealExecutor, WhatADroppedTaskOwnedMayUseTheExecutorAsItGoes) {
  struct Meddler {
    RealExecutor& executor;
    TimerId victim;
    ~Meddler() {
      executor.cancel(victim);
      executor.post([] { FAIL(); });
      executor.post_at(0, [] { FAIL(); });
    }
  };
  RealExecutor executor(0);
  const TimerId victim = executor.post_at(kNever * 1000, [] { FAIL(); });
  executor.post([owned = std::shared_ptr<Meddler>(new Meddler{executor, victim})] { FAIL(); });
  executor.post_at(kNever * 1000,
                   [owned = std::shared_ptr<Meddler>(new Meddler{executor, victim})] { FAIL(); });
}

}  // namespace
}  // namespace fakegpu::base
