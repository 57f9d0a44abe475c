// SPDX-License-Identifier: MIT
#include "hw/fault_injector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace fakegpu::hw {
namespace {

int inject(FaultInjector& faults, const FaultSpec& spec) {
  const auto result = faults.inject(spec);
  return result ? 0 : result.error().negated();
}

TEST(FaultInjector, EveryKindHasANameOfItsOwnThatCanBeInjected) {
  std::set<std::string_view> names;
  for (const FaultDescription& description : fault_descriptions()) {
    EXPECT_TRUE(names.insert(description.name).second);
    EXPECT_FALSE(description.what.empty());
    FaultInjector faults;
    ASSERT_EQ(inject(faults, {.name = std::string(description.name), .nth = 1}), 0);
    EXPECT_TRUE(faults.fires(description.kind, 0));
    EXPECT_EQ(faults.fired(description.kind), 1u);
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(FaultKind::kCount));
}

TEST(FaultInjector, NthFiresOnceAndThenIsGone) {
  FaultInjector faults;
  ASSERT_EQ(inject(faults, {.name = "hang", .nth = 3}), 0);
  std::vector<bool> fired;
  for (int i = 0; i < 6; ++i) fired.push_back(faults.fires(FaultKind::kHang, 0));
  EXPECT_EQ(fired, (std::vector<bool>{false, false, true, false, false, false}));
  EXPECT_FALSE(faults.armed());
}

TEST(FaultInjector, OtherRingsAndKindsDoNotCount) {
  FaultInjector faults;
  ASSERT_EQ(inject(faults, {.name = "hang", .ring = 2, .nth = 1}), 0);
  EXPECT_FALSE(faults.fires(FaultKind::kHang, 1));
  EXPECT_FALSE(faults.fires(FaultKind::kSlowPacket, 2));
  EXPECT_TRUE(faults.fires(FaultKind::kHang, 2));
}

TEST(FaultInjector, TwoFaultsOfAKindEachCountEveryTrigger) {
  FaultInjector faults;
  ASSERT_EQ(inject(faults, {.name = "slow-packet", .nth = 1, .duration = 10}), 0);
  ASSERT_EQ(inject(faults, {.name = "slow-packet", .nth = 2, .duration = 20}), 0);
  base::Nanos duration = 0;
  EXPECT_TRUE(faults.fires(FaultKind::kSlowPacket, 0, &duration));
  EXPECT_EQ(duration, 10);
  EXPECT_TRUE(faults.fires(FaultKind::kSlowPacket, 0, &duration));
  EXPECT_EQ(duration, 20);
}

TEST(FaultInjector, ChanceIsTheSeeds) {
  const auto draw = [](uint64_t seed) {
    FaultInjector faults;
    EXPECT_EQ(inject(faults, {.name = "hang", .probability = 0.25, .seed = seed}), 0);
    std::vector<bool> fired;
    for (int i = 0; i < 4000; ++i) fired.push_back(faults.fires(FaultKind::kHang, 0));
    return fired;
  };
  const std::vector<bool> one = draw(1);
  EXPECT_EQ(one, draw(1));
  EXPECT_NE(one, draw(2));
  EXPECT_NEAR(static_cast<double>(std::count(one.begin(), one.end(), true)), 1000, 150);
}

TEST(FaultInjector, BadSpecsAreRefused) {
  FaultInjector faults;
  EXPECT_EQ(inject(faults, {.name = "hung", .nth = 1}), -EINVAL);
  EXPECT_EQ(inject(faults, {.name = "hang"}), -EINVAL);
  EXPECT_EQ(inject(faults, {.name = "hang", .probability = 1.5}), -EINVAL);
  EXPECT_EQ(inject(faults, {.name = "hang", .probability = -0.5}), -EINVAL);
  EXPECT_EQ(inject(faults, {.name = "hang", .probability = std::nan("")}), -EINVAL);
  EXPECT_EQ(inject(faults, {.name = "slow-packet", .nth = 1, .duration = -1}), -EINVAL);
  EXPECT_FALSE(faults.armed());
}

TEST(FaultInjector, ClearDisarmsAndKeepsTheCounts) {
  FaultInjector faults;
  ASSERT_EQ(inject(faults, {.name = "hang", .probability = 1}), 0);
  EXPECT_TRUE(faults.fires(FaultKind::kHang, 0));
  faults.clear();
  EXPECT_FALSE(faults.fires(FaultKind::kHang, 0));
  EXPECT_EQ(faults.fired(FaultKind::kHang), 1u);
}

}  // namespace
}  // namespace fakegpu::hw
