// SPDX-License-Identifier: MIT
// Every order of events of small systems keeps the invariants; known faults of drm_sched do not.
#include <ostream>

#include "explorations.h"

namespace fakegpu::sched {
namespace {

void expect_sound(const std::vector<SmallConfig>& systems) {
  Exploration sum;
  for (const SmallConfig& config : systems) {
    const Exploration found = explore(config);
    EXPECT_EQ(found.broken, "") << to_string(config) << ": " << to_string(found);
    EXPECT_TRUE(found.complete);
    sum.states += found.states;
    sum.events += found.events;
    sum.interleavings += found.interleavings;
  }
  fmt::print("{} systems: {}\n", systems.size(), to_string(sum));
}

class EveryPolicy : public testing::TestWithParam<std::string_view> {};

TEST_P(EveryPolicy, UndisturbedOrdersKeepTheInvariants) {
  expect_sound(all_shapes({.jobs = 2, .policy = GetParam(), .disturbances = 0}));
}

TEST_P(EveryPolicy, ADisturbanceAnywhereKeepsTheInvariants) {
  expect_sound({{.jobs = 2, .policy = GetParam(), .disturbances = 1}});
}

TEST_P(EveryPolicy, NoFutureIsLostByNotFollowingAStateTwice) {
  const SmallConfig systems[] = {
      {.jobs = 2, .policy = GetParam(), .disturbances = 0},
      {.jobs = 2, .dependent = true, .policy = GetParam(), .disturbances = 0},
      {.jobs = 1, .policy = GetParam(), .disturbances = 1}};
  for (const SmallConfig& config : systems) {
    const Exploration all = explore(config, {.prune = false});
    const Exploration pruned = explore(config);
    // "fair" orders by sums that cannot all be seen from outside.
    if (GetParam() == "fair") {
      EXPECT_NEAR(all.interleavings, pruned.interleavings, all.interleavings / 50);
    } else {
      EXPECT_EQ(all.interleavings, pruned.interleavings);
    }
    EXPECT_LT(pruned.states, all.states / 4);
  }
}

INSTANTIATE_TEST_SUITE_P(Interleaving, EveryPolicy, testing::ValuesIn(policy_names()),
                         [](const auto& each) { return std::string(each.param); });

TEST(Interleaving, ADisturbanceAnywhereOfEveryShapeKeepsTheInvariants) {
  expect_sound(all_shapes({.jobs = 2, .policy = policy_names()[0], .disturbances = 1}));
}

TEST(Interleaving, ThreeJobsEachUndisturbed) {
  expect_sound(all_shapes({.jobs = 3, .policy = policy_names()[0], .disturbances = 0}));
}

TEST(Interleaving, TwoDisturbancesAnywhereKeepTheInvariants) {
  expect_sound({{.jobs = 2, .dependent = true, .policy = "fifo", .disturbances = 2}});
}

struct Reinjected {
  const char* name;
  Quirks quirks;
  const char* broken;  // the invariant that tells
};

std::ostream& operator<<(std::ostream& out, const Reinjected& fault) {
  return out << fault.name;
}

class KnownFault : public testing::TestWithParam<Reinjected> {};

TEST_P(KnownFault, IsFoundAndOnlyThen) {
  SmallConfig config{.jobs = 2, .credits = 2, .disturbances = 1};
  const Exploration sound = explore(config);
  EXPECT_EQ(sound.broken, "") << to_string(sound);
  config.quirks = GetParam().quirks;
  const Exploration found = explore(config);
  EXPECT_EQ(found.broken, GetParam().broken) << to_string(found);
  EXPECT_LE(found.states, sound.states);
  EXPECT_FALSE(found.path.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Interleaving, KnownFault,
    testing::Values(Reinjected{"FalseAlarmLeaksJob",
                               {.false_alarm_leaks_job = true},
                               "I4: credits in flight are not those of the pending jobs"},
                    Reinjected{"FiniLeaksPending",
                               {.fini_leaks_pending = true},
                               "I5: a job has not finished after fini"},
                    Reinjected{"ScoreLeaksOnKill",
                               {.score_leaks_on_kill = true},
                               "I4: the score is not the number of unfinished jobs"}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace fakegpu::sched
