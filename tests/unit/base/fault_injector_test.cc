// SPDX-License-Identifier: MIT
#include "base/fault_injector.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/virtual_executor.h"

namespace fakegpu::base {
namespace {

enum Kind : size_t { kCrash, kLag, kRefuse };
constexpr FaultDescription kKinds[] = {
    {"crash", "it crashes", "a lap", "a tow truck", kFaultTakesRing},
    {"lag", "it lags", "a lap", "itself", kFaultTakesDuration},
    {"refuse", "it refuses", "a call", "itself", kFaultTakesCall},
};

class Injector final : public FaultInjector {
 public:
  explicit Injector(const Clock& clock) : FaultInjector(clock, kKinds) {}
  using FaultInjector::fires;
  using FaultInjector::Shot;
};

class FaultInjectorTest : public testing::Test {
 protected:
  int inject(const FaultSpec& spec) {
    const auto result = faults.inject(spec);
    return result ? 0 : result.error().negated();
  }
  std::vector<bool> draw(size_t kind, int count, unsigned subject = 0) {
    std::vector<bool> fired;
    for (int i = 0; i < count; ++i) fired.push_back(faults.fires(kind, subject));
    return fired;
  }

  VirtualExecutor clock{1};
  Injector faults{clock};
};

TEST_F(FaultInjectorTest, NthFiresOnceAndThenIsGone) {
  ASSERT_EQ(inject({.name = "crash", .nth = 3}), 0);
  EXPECT_EQ(draw(kCrash, 6), (std::vector<bool>{false, false, true, false, false, false}));
  EXPECT_FALSE(faults.armed());
  EXPECT_EQ(faults.fired(kCrash), 1u);
}

TEST_F(FaultInjectorTest, OtherRingsCallsAndKindsDoNotCount) {
  ASSERT_EQ(inject({.name = "crash", .ring = 2, .nth = 1}), 0);
  ASSERT_EQ(inject({.name = "refuse", .nth = 1, .error = EIO, .call = 7}), 0);
  EXPECT_FALSE(faults.fires(kCrash, 1));
  EXPECT_FALSE(faults.fires(kLag, 2));
  EXPECT_FALSE(faults.fires(kRefuse, 2));
  EXPECT_TRUE(faults.fires(kCrash, 2));
  Injector::Shot shot;
  EXPECT_TRUE(faults.fires(kRefuse, 7, &shot));
  EXPECT_EQ(shot.error, EIO);
}

TEST_F(FaultInjectorTest, TwoFaultsOfAKindEachCountEveryTrigger) {
  ASSERT_EQ(inject({.name = "lag", .nth = 1, .duration = 10}), 0);
  ASSERT_EQ(inject({.name = "lag", .nth = 2, .duration = 20}), 0);
  Injector::Shot shot;
  EXPECT_TRUE(faults.fires(kLag, 0, &shot));
  EXPECT_EQ(shot.duration, 10);
  EXPECT_TRUE(faults.fires(kLag, 0, &shot));
  EXPECT_EQ(shot.duration, 20);
}

TEST_F(FaultInjectorTest, ChanceIsTheSeeds) {
  const auto with_seed = [this](uint64_t seed) {
    faults.clear();
    EXPECT_EQ(inject({.name = "crash", .probability = FaultInjector::kAlways / 4, .seed = seed}),
              0);
    return draw(kCrash, 4000);
  };
  const std::vector<bool> one = with_seed(1);
  EXPECT_EQ(one, with_seed(1));
  EXPECT_NE(one, with_seed(2));
  EXPECT_NEAR(static_cast<double>(std::ranges::count(one, true)), 1000, 150);
}

TEST_F(FaultInjectorTest, TheEndsOfProbabilityAreAlwaysAndAlmostNever) {
  ASSERT_EQ(inject({.name = "crash", .probability = FaultInjector::kAlways}), 0);
  EXPECT_EQ(draw(kCrash, 100), std::vector<bool>(100, true));
  EXPECT_EQ(faults.list().at(0).fired, 100u);
  faults.clear();
  ASSERT_EQ(inject({.name = "crash", .probability = 1, .seed = 5}), 0);
  EXPECT_EQ(draw(kCrash, 100), std::vector<bool>(100, false));
  EXPECT_EQ(faults.list().at(0).seen, 100u);
}

TEST_F(FaultInjectorTest, EndsWithItsTime) {
  ASSERT_EQ(inject({.name = "crash", .probability = FaultInjector::kAlways, .lasts = 100}), 0);
  ASSERT_EQ(inject({.name = "crash", .nth = 1000}), 0);
  clock.run_for(99);
  EXPECT_EQ(faults.list().at(0).spec.lasts, 1);
  EXPECT_TRUE(faults.fires(kCrash, 0));
  clock.run_for(1);
  EXPECT_EQ(faults.list().size(), 1u);
  EXPECT_FALSE(faults.fires(kCrash, 0));
  EXPECT_TRUE(faults.armed()) << "the other one has no time";
}

TEST_F(FaultInjectorTest, ClearIsForAKindOrAllAndKeepsTheCounts) {
  ASSERT_EQ(inject({.name = "crash", .probability = FaultInjector::kAlways}), 0);
  ASSERT_EQ(inject({.name = "lag", .nth = 5, .duration = 1}), 0);
  EXPECT_TRUE(faults.fires(kCrash, 0));
  faults.clear("crash");
  EXPECT_FALSE(faults.fires(kCrash, 0));
  ASSERT_EQ(faults.list().size(), 1u);
  EXPECT_EQ(faults.list()[0].spec.name, "lag");
  faults.clear();
  EXPECT_FALSE(faults.armed());
  EXPECT_EQ(faults.fired(kCrash), 1u);
}

TEST_F(FaultInjectorTest, NoMoreThanSoManyAreArmed) {
  for (size_t i = 0; i < FaultInjector::kMostArmed; ++i)
    ASSERT_EQ(inject({.name = "crash", .nth = 1 + i, .lasts = i == 0 ? 5 : 0}), 0);
  EXPECT_EQ(inject({.name = "crash", .nth = 1}), -ENOSPC);
  EXPECT_EQ(faults.list().size(), FaultInjector::kMostArmed);
  clock.run_for(5);
  EXPECT_EQ(inject({.name = "crash", .nth = 1}), 0) << "there is room again";
}

TEST_F(FaultInjectorTest, BadSpecsAreRefusedAndArmNothing) {
  const FaultSpec bad[] = {
      {.name = "crush", .nth = 1},
      {.name = "", .nth = 1},
      {.name = "crash"},
      {.name = "crash", .nth = 1, .probability = 1},
      {.name = "crash", .nth = 1, .seed = 1},
      {.name = "crash", .probability = FaultInjector::kAlways + 1},
      {.name = "crash", .ring = -2, .nth = 1},
      {.name = "crash", .nth = 1, .duration = 1},
      {.name = "crash", .nth = 1, .error = EIO},
      {.name = "crash", .nth = 1, .call = 1},
      {.name = "crash", .nth = 1, .lasts = -1},
      {.name = "crash", .nth = 1, .lasts = FaultInjector::kLongest + 1},
      {.name = "lag", .nth = 1},
      {.name = "lag", .nth = 1, .duration = -1},
      {.name = "lag", .nth = 1, .duration = FaultInjector::kLongest + 1},
      {.name = "lag", .ring = 0, .nth = 1, .duration = 1},
      {.name = "refuse", .nth = 1},
      {.name = "refuse", .nth = 1, .error = -EIO},
      {.name = "refuse", .nth = 1, .error = FaultInjector::kLargestErrno + 1},
      {.name = "refuse", .nth = 1, .error = EIO, .call = -2},
  };
  for (const FaultSpec& spec : bad) {
    EXPECT_EQ(inject(spec), -EINVAL) << spec.name;
    EXPECT_FALSE(faults.armed());
  }
}

}  // namespace
}  // namespace fakegpu::base
