// SPDX-License-Identifier: MIT
// drm_sched's fair policy as it is, with what it does to whom.
#include <algorithm>

#include "load.h"

namespace fakegpu::sched {
namespace {

TEST(FairPolicy, SharesByPriorityAmongDeepQueues) {
  LoadedRing ring("fair");
  Load& high = ring.run(deep(ms(1)), 1, Priority::kHigh);
  Load& normal = ring.run(deep(ms(1)), 2, Priority::kNormal);
  ring.run_for(ms(2000));
  EXPECT_NEAR(static_cast<double>(high.gpu_time()) / normal.gpu_time(), 4.0, 0.4);
}

TEST(FairPolicy, ChargesAllAtOnceWhoFirstQueuesTwo) {
  LoadedRing ring("fair");
  ring.run(deep(ms(4)));
  Load& single = ring.run(sync(ms(2)));
  ring.run_for(ms(2000));
  EXPECT_LE(single.longest(), ms(10));
  single.set_batch(2);
  ring.run_for(ms(1000));
  EXPECT_GT(single.longest(), ms(300));
}

// Each of them comes back owing nothing, and its jobs are no longer than the average: one
// nanosecond before the leftmost. Nobody is charged, so the leftmost never falls behind.
TEST(FairPolicy, OfSingleJobsTheLastComersGoRoundAmongThemselves) {
  for (const uint32_t credits : {1, 2, 4}) {
    SCOPED_TRACE(fmt::format("{} credits", credits));
    LoadedRing ring("fair", credits);
    std::vector<Load*> loads;
    for (int i = 0; i < 8; ++i) loads.push_back(&ring.run(sync(ms(1))));
    ring.run_for(ms(1000));
    const auto served = [](const Load* load) { return load->completed() > 1; };
    EXPECT_EQ(std::count_if(loads.begin(), loads.end(), served), credits + 1);
    const auto never = [](const Load* load) { return load->completed() == 0; };
    EXPECT_GE(std::count_if(loads.begin(), loads.end(), never), 7 - static_cast<int>(2 * credits));
  }
}

// Those whose jobs are longer than the average come in behind the leftmost, not behind all.
TEST(FairPolicy, LongSingleJobsStarveBehindShortOnes) {
  LoadedRing ring("fair");
  std::vector<Load*> longs;
  for (int i = 0; i < 4; ++i) longs.push_back(&ring.run(sync(ms(4))));
  for (int i = 0; i < 4; ++i) ring.run(sync(ms(1)));
  ring.run_for(ms(1000));
  for (const Load* load : longs) EXPECT_LE(load->completed(), 1u);
}

// (1 + 2000 + 1250) us, 128 times, which a normal client grows by in 26 ms of its work: its own
// jobs' average and, as it comes back at once, that of the ring after its last.
TEST(FairPolicy, ALowClientThatComesBackGoesBehindTheMiddle) {
  LoadedRing ring("fair");
  Load& normal = ring.run(deep(ms(1)));
  Load& low = ring.run(sync(ms(2)), 2, Priority::kLow);
  ring.run_for(ms(2000));
  EXPECT_GT(low.last(), ms(26));
  EXPECT_LE(low.last(), ms(32));
  EXPECT_NEAR(static_cast<double>(normal.gpu_time()) / low.gpu_time(), 13.5, 0.6);
}

class FairOrder : public SchedTest {
 protected:
  FairOrder() : SchedTest({.name = "gfx", .credit_limit = 1}) {
    ring.scheduler().set_policy(std::move(*make_policy("fair")));
  }
};

// A place in the tree is taken when the queue fills, whether the head can run yet or not.
TEST_F(FairOrder, OneThatWasBlockedKeepsItsPlace) {
  auto running = ring.entity();
  push(*running, 10);
  settle();
  auto leftmost = ring.entity(Priority::kHigh);
  auto blocked = ring.entity();
  auto free = ring.entity();
  auto gate = world.foreign_fence();
  push(*leftmost, 10);
  const TestJob& earlier = push(*blocked, 10, 1, {gate});
  const TestJob& later = push(*free, 10);
  settle();
  gate->signal(world.now());
  world.executor.run();
  ASSERT_EQ(ring.order.size(), 4u);
  EXPECT_EQ(ring.order[2], &earlier);
  EXPECT_EQ(ring.order[3], &later);
}

}  // namespace
}  // namespace fakegpu::sched
