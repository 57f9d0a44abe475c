// SPDX-License-Identifier: MIT
// Recordings played with other settings than they were made with.
#include <gtest/gtest.h>

#include "builder.h"
#include "sim/replay.h"

namespace fakegpu::tests {
namespace {

sim::ReplayResult play(const Builder& builder, const sim::ReplaySettings& settings) {
  const auto script = sim::Script::compile(builder.records());
  EXPECT_TRUE(script) << script.error().message();
  auto result = sim::replay(*script, settings);
  EXPECT_TRUE(result) << result.error().message();
  return std::move(*result);
}

// Two clients, three jobs of 1000 ns each, on one ring that takes one at a time: first all of the
// one's, as FIFO has it.
Builder two_clients() {
  Builder builder;
  builder.at(2000).entity(10, 1).entity(20, 2);
  for (uint64_t seqno = 1; seqno <= 3; ++seqno) builder.queue(10, seqno);
  builder.run(10, 1);
  builder.at(2001);
  for (uint64_t seqno = 1; seqno <= 3; ++seqno) builder.queue(20, seqno);
  builder.at(3000).done(10, 1).run(10, 2);
  builder.at(4000).done(10, 2).run(10, 3);
  builder.at(5000).done(10, 3).run(20, 1);
  builder.at(6000).done(20, 1).run(20, 2);
  builder.at(7000).done(20, 2).run(20, 3);
  builder.at(8000).done(20, 3);
  return builder;
}

std::vector<uint32_t> order(const sim::ReplayResult& result, size_t ring = 0) {
  std::vector<uint32_t> jobs;
  for (const sim::RecordedRun& run : result.rings[ring].runs) jobs.push_back(run.job);
  return jobs;
}

TEST(ReplaySettings, AsRecordedIsAsRecorded) {
  const auto script = sim::Script::compile(two_clients().records());
  const auto result = sim::replay(*script, {});
  EXPECT_EQ(sim::first_difference(*script, *result), "");
  EXPECT_EQ(result->end, 8000);
}

TEST(ReplaySettings, AnotherPolicyOrdersOtherwiseAndIsNamedAsADifference) {
  const auto script = sim::Script::compile(two_clients().records());
  const auto result = sim::replay(*script, {.policy = "rr"});
  EXPECT_EQ(order(*result), (std::vector<uint32_t>{0, 1, 3, 2, 4, 5}));
  EXPECT_EQ(sim::first_difference(*script, *result),
            "ring 0, start 2: recorded job 3 of entity 0 at 4000 ns, replayed job 1 of entity 1 at "
            "4000 ns");
}

TEST(ReplaySettings, MoreRingsOfATypeShareItsEntities) {
  sim::ReplaySettings settings;
  settings.rings[DRM_FAKEGPU_RING_COMPUTE] = 2;
  const auto result = play(two_clients(), settings);
  ASSERT_EQ(result.rings.size(), 2u);
  EXPECT_EQ(order(result, 0), (std::vector<uint32_t>{0, 1, 2}));
  EXPECT_EQ(order(result, 1), (std::vector<uint32_t>{3, 4, 5}));
  EXPECT_EQ(result.end, 5001);
}

TEST(ReplaySettings, ARingTypeThatIsNeededMustBeThere) {
  sim::ReplaySettings settings;
  settings.rings[DRM_FAKEGPU_RING_COMPUTE] = 0;
  const auto script = sim::Script::compile(two_clients().records());
  EXPECT_EQ(sim::replay(*script, settings).error().code(), EINVAL);
}

TEST(ReplaySettings, CreditsLetMoreJobsStartButTheRingTakesAsLong) {
  const auto result = play(two_clients(), {.credits = 6});
  for (const sim::RecordedRun& run : result.rings[0].runs) EXPECT_LE(run.time, 2001);
  EXPECT_EQ(result.end, 8000);
}

TEST(ReplaySettings, WhoClosedWhenAllWasDoneDoesSoLaterHere) {
  Builder builder;
  builder.at(2000).entity(10, 1).entity(20, 2).entity(30, 3);
  builder.queue(10, 1).queue(10, 2).queue(10, 3).run(10, 1);
  builder.at(2001).queue(20, 1).queue(30, 1);
  builder.at(3000).done(10, 1).run(10, 2);
  builder.at(4000).done(10, 2).run(10, 3);
  builder.at(5000).done(10, 3).run(20, 1);
  builder.at(5100).add(DRM_FAKEGPU_RECORD_KILLED, 0, 10);
  builder.add(DRM_FAKEGPU_RECORD_GONE, 0, 10);
  builder.at(6000).done(20, 1).run(30, 1);
  builder.at(7000).done(30, 1);
  const auto result = play(builder, {.policy = "rr"});
  EXPECT_EQ(result.jobs[2].started, 6000);
  for (const sim::ReplayedJob& job : result.jobs) EXPECT_FALSE(job.refused);
}

TEST(ReplaySettings, WhatAClientLeftUndoneIsRefusedAtItsTime) {
  Builder builder;
  builder.at(2000).entity(10, 1).queue(10, 1).queue(10, 2).run(10, 1);
  builder.at(2500).add(DRM_FAKEGPU_RECORD_KILLED, 0, 10);
  builder.at(3000).done(10, 1);
  const auto result = play(builder, {.policy = "rr"});
  EXPECT_TRUE(result.jobs[1].refused);
  EXPECT_EQ(result.jobs[1].finished, 3000) << "behind the one before";
}

// A client that submits 100 ns after its last job has ended, another that comes when it comes.
Builder pingpong() {
  Builder builder;
  builder.at(2000).entity(10, 1).entity(20, 2);
  builder.queue(20, 1).run(20, 1);
  builder.at(2010).queue(10, 1);
  builder.at(7000).done(20, 1).run(10, 1);
  builder.at(8000).done(10, 1);
  builder.at(8100).queue(10, 2).run(10, 2);
  builder.at(9100).done(10, 2);
  builder.at(9200).queue(10, 3).run(10, 3);
  builder.at(10200).done(10, 3);
  return builder;
}

TEST(ClosedLoop, WhoAnsweredACompletionDoesSoAtTheSameDistance) {
  sim::ReplaySettings settings;
  settings.rings[DRM_FAKEGPU_RING_COMPUTE] = 2;
  const auto open = play(pingpong(), settings);
  EXPECT_EQ(open.jobs[1].started, 2010);
  EXPECT_EQ(open.jobs[2].queued, 8100);
  settings.closed_loop = true;
  const auto closed = play(pingpong(), settings);
  EXPECT_EQ(closed.jobs[1].started, 2010);
  EXPECT_EQ(closed.jobs[2].queued, 3110);
  EXPECT_EQ(closed.jobs[3].queued, 4210);
  EXPECT_EQ(closed.end, 7000);
}

TEST(ClosedLoop, WhoDidNotWaitKeepsHisPace) {
  // It has another job under way, and no wait was recorded.
  Builder builder(1, 2);
  builder.at(2000).entity(10, 1).queue(10, 1).run(10, 1).queue(10, 2).run(10, 2);
  builder.at(3000).done(10, 1);
  builder.at(3100).queue(10, 3).run(10, 3);
  builder.at(4000).done(10, 2);
  builder.at(5000).done(10, 3);
  const auto without = play(builder, {.closed_loop = true});
  EXPECT_EQ(without.jobs[2].queued, 3100);
  EXPECT_EQ(without.jobs[2].started, 3100);
}

}  // namespace
}  // namespace fakegpu::tests
