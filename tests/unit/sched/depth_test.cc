// SPDX-License-Identifier: MIT
// The depth of a ring by time, and policies that change.
#include "load.h"

namespace fakegpu::sched {
namespace {

class DepthTest : public SchedTest {
 protected:
  DepthTest() : SchedTest({.name = "gfx", .credit_limit = 64, .depth = ms(2)}) {}
  size_t in_flight() {
    settle();
    return ring.emissions();
  }
  // Lets the scheduler learn the entity's length.
  void measure(Entity& entity, Nanos length) {
    for (int i = 0; i < 30; ++i) {
      push(entity, length);
      run_for(length);
      settle();
    }
  }
};

TEST_F(DepthTest, LongJobsRunAlone) {
  auto entity = ring.entity();
  measure(*entity, ms(10));
  for (int i = 0; i < 10; ++i) push(*entity, ms(10));
  EXPECT_EQ(in_flight(), 1u);
}

TEST_F(DepthTest, ShortJobsFillTheTime) {
  auto entity = ring.entity();
  measure(*entity, 100'000);
  for (int i = 0; i < 100; ++i) push(*entity, 100'000);
  EXPECT_EQ(in_flight(), 20u);
}

TEST_F(DepthTest, CreditsStillBound) {
  auto entity = ring.entity();
  measure(*entity, 1000);
  for (int i = 0; i < 100; ++i) push(*entity, 1000);
  EXPECT_EQ(in_flight(), 64u);
}

TEST_F(DepthTest, FollowsTheLengthsItMeasures) {
  auto entity = ring.entity();
  measure(*entity, 100'000);
  for (int i = 0; i < 40; ++i) push(*entity, ms(5));
  run_for(ms(5 * 35));
  EXPECT_EQ(in_flight(), 1u);
}

TEST_F(DepthTest, OneThatOverrunsHoldsTheRestBack) {
  auto entity = ring.entity();
  measure(*entity, 100'000);
  push(*entity);  // runs until it is advanced
  for (int i = 0; i < 5; ++i) push(*entity, 100'000);
  EXPECT_EQ(in_flight(), 6u);
  run_for(ms(50));
  push(*entity, 100'000);
  EXPECT_EQ(in_flight(), 6u);
  EXPECT_GE(ring.scheduler().depth_in_flight(world.now()), ms(50));
  ring.advance(1);
  EXPECT_EQ(in_flight(), 6u);
}

class SwitchTest : public SchedTest {
 protected:
  SwitchTest() : SchedTest({.name = "gfx", .credit_limit = 2}) {}
  void use(std::string_view policy) {
    ring.scheduler().set_policy(std::move(*make_policy(policy)));
  }
};

TEST_F(SwitchTest, LosesNoJobAndKeepsEachEntitysOrder) {
  std::vector<std::unique_ptr<Entity>> entities;
  for (uint64_t i = 0; i < 5; ++i)
    entities.push_back(ring.entity(static_cast<Priority>(i % kPriorities), i));
  auto gate = world.foreign_fence();
  for (int i = 0; i < 40; ++i) {
    push(*entities[i % 5], ms(1), 1,
         i == 23 ? std::vector<fence::FenceRef>{gate} : std::vector<fence::FenceRef>{});
  }
  for (size_t i = 0; i < 3 * policy_names().size(); ++i) {
    run_for(ms(2));
    use(policy_names()[i % policy_names().size()]);
    EXPECT_EQ(ring.scheduler().policy().name(), policy_names()[i % policy_names().size()]);
    if (i == 7) gate->signal(world.now());
  }
  world.executor.run();
  std::map<uint64_t, uint64_t> last;
  EXPECT_EQ(ring.order.size(), 40u);
  for (const TestJob* job : ring.order)
    EXPECT_EQ(job->scheduled()->seqno(), ++last[job->scheduled()->context()]);
  for (const auto& job : held) EXPECT_TRUE(job->is_finished());
}

TEST_F(SwitchTest, TakesEffectForWhatIsQueued) {
  use("fifo");
  auto low = ring.entity(Priority::kLow);
  auto high = ring.entity(Priority::kHigh);
  for (int i = 0; i < 4; ++i) push(*low, ms(1));
  run_for(ms(1));
  for (int i = 0; i < 40; ++i) push(*high, ms(1));
  run_for(ms(10));
  const Nanos before = low->usage().gpu_time;
  use("rr");
  use("prepaid");
  run_for(ms(25));
  EXPECT_GT(low->usage().gpu_time, before);
}

TEST_F(SwitchTest, TimeRunsOnForAnUnfairClient) {
  LoadedRing ring("fair");
  Load& many = ring.run(deep(ms(1)));
  Load& single = ring.run(sync(ms(50)));
  ring.run_for(ms(2000));
  // Not charged for single jobs: the kernel's hole.
  EXPECT_GT(single.gpu_time(), ms(1850));
  ring.ring().scheduler().set_policy(std::move(*make_policy("prepaid")));
  const Nanos before = many.gpu_time();
  ring.run_for(ms(2000));
  EXPECT_NEAR(static_cast<double>(many.gpu_time() - before), 1e9, 6e7);
}

}  // namespace
}  // namespace fakegpu::sched
