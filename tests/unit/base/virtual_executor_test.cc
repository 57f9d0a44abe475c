// SPDX-License-Identifier: MIT
#include "base/virtual_executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <compare>
#include <iterator>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/trace.h"

namespace fakegpu::base {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

std::string order_of_ten(uint64_t seed) {
  VirtualExecutor executor(seed);
  std::string order;
  for (char name = 'a'; name < 'k'; ++name) executor.post([&order, name] { order += name; });
  executor.run();
  return order;
}

TEST(VirtualExecutor, OneSeedIsOneOrder) {
  for (uint64_t seed = 0; seed < 20; ++seed) EXPECT_EQ(order_of_ten(seed), order_of_ten(seed));
}

TEST(VirtualExecutor, SeedsReorderSimultaneousTasks) {
  std::set<std::string> orders;
  for (uint64_t seed = 0; seed < 20; ++seed) orders.insert(order_of_ten(seed));
  EXPECT_GT(orders.size(), 15u);
}

TEST(VirtualExecutor, NoSeedReordersTime) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    VirtualExecutor executor(seed);
    std::vector<Nanos> seen;
    for (Nanos when : {50, 10, 40, 20, 30})
      executor.post_at(when, [&] { seen.push_back(executor.now()); });
    EXPECT_EQ(executor.run(), 5u);
    EXPECT_THAT(seen, ElementsAre(10, 20, 30, 40, 50));
  }
}

// Tasks that post, set timers and cancel, all drawn from what they see: the log of one run.
std::string busy_run(uint64_t seed) {
  VirtualExecutor executor(seed);
  Tracer tracer(executor);
  TextTrace text;
  tracer.set_sink(&text);
  std::vector<TimerId> timers;
  uint64_t left = 300;
  UniqueFunction<void(uint64_t)> work = [&](uint64_t id) {
    tracer.emit("work", {{"id", id}});
    if (left == 0) return;
    --left;
    executor.post([&, id] { work(id * 3 + 1); });
    timers.push_back(executor.post_at(executor.now() + id % 7, [&, id] { work(id * 5 + 2); }));
    if (id % 4 == 0) {
      tracer.emit("cancel", {{"hit", uint64_t{executor.cancel(timers[id % timers.size()])}}});
    }
  };
  for (uint64_t id = 0; id < 4; ++id) executor.post([&, id] { work(id); });
  executor.run();
  return text.text();
}

TEST(VirtualExecutor, OneSeedIsOneTraceByteForByte) {
  EXPECT_EQ(busy_run(5), busy_run(5));
  EXPECT_GT(busy_run(5).size(), 1000u);
}

TEST(VirtualExecutor, AnotherSeedIsAnotherTrace) {
  EXPECT_NE(busy_run(5), busy_run(6));
}

// Events that post and cancel others, and beside them what is still to come, in its order: by time,
// then by what the seed draws for each event as it is posted.
class ModelRun {
 public:
  explicit ModelRun(uint64_t seed) : executor_(seed), draws_(seed), choices_(seed + 1) {}

  void run() {
    for (int i = 0; i < 5; ++i) post();
    while (executor_.step()) expect_next();
    EXPECT_TRUE(coming_.empty());
    EXPECT_EQ(left_, 0);
  }

 private:
  struct Event {
    Nanos when;
    uint64_t draw;
    TimerId id;
    auto operator<=>(const Event&) const = default;
  };

  void post() {
    --left_;
    const Nanos when = executor_.now() + static_cast<Nanos>(choices_() % 4);
    const uint64_t draw = draws_();
    const auto id = std::make_shared<TimerId>();
    *id = executor_.post_at(when, [this, id] { ran(*id); });
    coming_.insert({when, draw, *id});
  }

  void ran(TimerId id) {
    ASSERT_FALSE(coming_.empty());
    EXPECT_EQ(coming_.begin()->id, id);
    EXPECT_EQ(coming_.begin()->when, executor_.now());
    coming_.erase(coming_.begin());
    expect_next();
    if (!coming_.empty() && choices_() % 3 == 0) cancel();
    for (uint64_t i = choices_() % 4; i > 0 && left_ > 0; --i) post();
    if (coming_.empty() && left_ > 0) post();
    expect_next();
  }

  void cancel() {
    const auto victim = std::next(coming_.begin(), static_cast<long>(choices_() % coming_.size()));
    EXPECT_TRUE(executor_.cancel(victim->id));
    coming_.erase(victim);
  }

  void expect_next() {
    EXPECT_EQ(executor_.next_event(), coming_.empty() ? -1 : coming_.begin()->when);
    EXPECT_EQ(executor_.idle(), coming_.empty());
  }

  VirtualExecutor executor_;
  std::mt19937_64 draws_;
  std::mt19937_64 choices_;
  std::set<Event> coming_;
  int left_ = 1000;
};

TEST(VirtualExecutor, TheOrderIsTheTimeAndThenTheDraw) {
  for (uint64_t seed = 0; seed < 50; ++seed) ModelRun(seed).run();
}

TEST(VirtualExecutor, GoesOnAfterATaskThatThrew) {
  int ran = 0;
  {
    VirtualExecutor executor(1);
    executor.post_at(10, [&] {
      executor.post_at(30, [&] { ++ran; });
      throw std::runtime_error("from a task");
    });
    executor.post_at(20, [&] { throw std::runtime_error("from another"); });
    executor.post_at(40, [] { FAIL(); });
    EXPECT_THROW(executor.run(), std::runtime_error);
    EXPECT_EQ(executor.next_event(), 20);
    EXPECT_THROW(executor.run_until(35), std::runtime_error);
    executor.run_until(35);
  }
  EXPECT_EQ(ran, 1);
}

TEST(VirtualExecutor, TimeStandsStillInATaskAndJumpsToTheNext) {
  VirtualExecutor executor(1, 100);
  EXPECT_EQ(executor.now(), 100);
  executor.post_at(5'000'000'000, [&] { EXPECT_EQ(executor.now(), 5'000'000'000); });
  EXPECT_EQ(executor.next_event(), 5'000'000'000);
  EXPECT_EQ(executor.now(), 100);
  EXPECT_TRUE(executor.step());
  EXPECT_EQ(executor.now(), 5'000'000'000);
  EXPECT_FALSE(executor.step());
  EXPECT_EQ(executor.next_event(), -1);
}

TEST(VirtualExecutor, ATimeThatHasPassedIsNow) {
  VirtualExecutor executor(1, 100);
  Nanos seen = 0;
  executor.post_at(7, [&] { seen = executor.now(); });
  executor.run();
  EXPECT_EQ(seen, 100);
}

TEST(VirtualExecutor, PostNeverRunsInsideTheCall) {
  VirtualExecutor executor(1);
  bool posting = false;
  int ran = 0;
  executor.post([&] {
    posting = true;
    executor.post([&] {
      EXPECT_FALSE(posting);
      ++ran;
    });
    posting = false;
  });
  executor.run();
  EXPECT_EQ(ran, 1);
}

TEST(VirtualExecutor, RunUntilIncludesItsEndAndMovesTimeThere) {
  VirtualExecutor executor(1);
  std::vector<Nanos> seen;
  for (Nanos when : {10, 20, 21}) executor.post_at(when, [&, when] { seen.push_back(when); });
  executor.run_until(20);
  EXPECT_THAT(seen, UnorderedElementsAre(10, 20));
  EXPECT_EQ(executor.now(), 20);
  executor.run_for(100);
  EXPECT_EQ(seen.back(), 21);
  EXPECT_EQ(executor.now(), 120);
  executor.run_until(3);
  EXPECT_EQ(executor.now(), 120);
}

TEST(VirtualExecutor, CancelledTimerNeverRuns) {
  VirtualExecutor executor(1);
  bool ran = false;
  const TimerId timer = executor.post_at(10, [&] { ran = true; });
  EXPECT_NE(timer, 0u);
  EXPECT_TRUE(executor.cancel(timer));
  EXPECT_FALSE(executor.cancel(timer));
  EXPECT_TRUE(executor.idle());
  executor.run();
  EXPECT_FALSE(ran);
}

TEST(VirtualExecutor, CancelOfTheUnknownTheRunAndTheRunningIsFalse) {
  VirtualExecutor executor(1);
  EXPECT_FALSE(executor.cancel(0));
  EXPECT_FALSE(executor.cancel(99));
  TimerId timer = 0;
  timer = executor.post_at(1, [&] { EXPECT_FALSE(executor.cancel(timer)); });
  executor.run();
  EXPECT_FALSE(executor.cancel(timer));
}

TEST(VirtualExecutor, ATaskMayCancelAnotherDueAtTheSameInstant) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    VirtualExecutor executor(seed);
    int ran = 0;
    TimerId a = 0;
    TimerId b = 0;
    a = executor.post_at(5, [&] {
      ++ran;
      EXPECT_TRUE(executor.cancel(b));
    });
    b = executor.post_at(5, [&] {
      ++ran;
      EXPECT_TRUE(executor.cancel(a));
    });
    executor.run();
    EXPECT_EQ(ran, 1);
  }
}

// Posts and cancels when it is destroyed, as an owner that a task held does.
struct Meddler {
  VirtualExecutor& executor;
  TimerId victim;
  int& destroyed;
  ~Meddler() {
    ++destroyed;
    executor.cancel(victim);
    for (int i = 0; i < 100; ++i) executor.post([] {});
  }
};

TEST(VirtualExecutor, WhatACancelledTaskOwnedMayUseTheExecutorAsItGoes) {
  VirtualExecutor executor(1);
  int destroyed = 0;
  const TimerId victim = executor.post_at(20, [] { FAIL(); });
  auto meddler = std::shared_ptr<Meddler>(new Meddler{executor, victim, destroyed});
  const TimerId timer = executor.post_at(10, [owned = std::move(meddler)] { FAIL(); });
  EXPECT_TRUE(executor.cancel(timer));
  EXPECT_EQ(destroyed, 1);
  EXPECT_EQ(executor.run(), 100u);
}

TEST(VirtualExecutor, DestructionDropsTasksWithoutRunningThem) {
  int destroyed = 0;
  {
    VirtualExecutor executor(1);
    const TimerId victim = executor.post_at(20, [] { FAIL(); });
    auto meddler = std::shared_ptr<Meddler>(new Meddler{executor, victim, destroyed});
    executor.post_at(10, [owned = std::move(meddler)] { FAIL(); });
  }
  EXPECT_EQ(destroyed, 1);
}

}  // namespace
}  // namespace fakegpu::base
