// SPDX-License-Identifier: MIT
// Entities over several schedulers.
#include "mock_ring.h"

namespace fakegpu::sched {
namespace {

TEST(EntityCreate, RefusesNoSchedulers) {
  World world;
  auto none = Entity::create(Priority::kNormal, {}, world.client(1));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), EINVAL);
  Scheduler* const null[] = {nullptr};
  auto bad = Entity::create(Priority::kNormal, null, world.client(1));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), EINVAL);
}

class BalanceTest : public testing::Test {
 protected:
  BalanceTest() {
    for (int i = 0; i < 3; ++i) {
      rings.push_back(std::make_unique<MockRing>(
          world, SchedulerOptions{.name = fmt::format("compute{}", i), .credit_limit = 4}));
      schedulers.push_back(&rings.back()->scheduler());
    }
  }
  ~BalanceTest() override {
    for (Scheduler* scheduler : schedulers) scheduler->fini(world.now(), -ECANCELED);
    EXPECT_EQ(world.live_jobs, 0);
  }
  std::unique_ptr<Entity> entity() {
    return std::move(*Entity::create(Priority::kNormal, schedulers, world.client(1)));
  }

  World world;
  std::vector<std::unique_ptr<MockRing>> rings;
  std::vector<Scheduler*> schedulers;
};

TEST_F(BalanceTest, IdleEntityGoesToTheLeastLoadedReadyRing) {
  auto a = entity();
  auto b = entity();
  auto c = entity();
  submit(world, *a, TestJob::kUntilAdvanced);
  submit(world, *b, TestJob::kUntilAdvanced);
  EXPECT_EQ(a->scheduler(), schedulers[0]);
  EXPECT_EQ(b->scheduler(), schedulers[1]);
  schedulers[2]->set_ready(false);
  submit(world, *b, TestJob::kUntilAdvanced);
  submit(world, *c, TestJob::kUntilAdvanced);
  EXPECT_EQ(c->scheduler(), schedulers[0]);
}

TEST_F(BalanceTest, EntityStaysWhileItHasUnfinishedJobs) {
  auto a = entity();
  submit(world, *a, TestJob::kUntilAdvanced);
  world.executor.run();
  submit(world, *a, TestJob::kUntilAdvanced);
  world.executor.run();
  EXPECT_EQ(a->scheduler(), schedulers[0]);
  rings[0]->advance(2);
  auto blocker = entity();
  submit(world, *blocker, TestJob::kUntilAdvanced);
  world.executor.run();
  submit(world, *a, TestJob::kUntilAdvanced);
  EXPECT_EQ(a->scheduler(), schedulers[1]);
}

TEST_F(BalanceTest, EntityStaysBetweenArmAndPush) {
  auto a = entity();
  auto blocker = entity();
  auto first = base::make_ref<TestJob>(world, *a, 1);
  auto second = base::make_ref<TestJob>(world, *a, 1);
  first->arm();
  submit(world, *blocker, TestJob::kUntilAdvanced);
  second->arm();
  EXPECT_EQ(a->scheduler(), schedulers[0]);
  first->push(0);
  second->push(0);
}

TEST_F(BalanceTest, WithNoRingReadyTheEntityStaysWhereItIs) {
  auto a = entity();
  for (Scheduler* scheduler : schedulers) scheduler->set_ready(false);
  const TestJobRef job = submit(world, *a, 1);
  EXPECT_EQ(a->scheduler(), schedulers[0]);
  world.executor.run();
  EXPECT_TRUE(job->is_finished());
}

TEST_F(BalanceTest, KilledJobsDoNotWeighOnTheRing) {
  auto a = entity();
  for (int i = 0; i < 10; ++i) submit(world, *a, TestJob::kUntilAdvanced);
  EXPECT_EQ(schedulers[0]->score(), 10u);
  a->kill(0);
  EXPECT_EQ(schedulers[0]->score(), 0u);
  world.executor.run();
}

TEST_F(BalanceTest, ThousandJobsOfMovingEntitiesFinish) {
  std::vector<std::unique_ptr<Entity>> entities;
  for (int i = 0; i < 13; ++i) entities.push_back(entity());
  std::vector<TestJobRef> jobs;
  for (int i = 0; i < 1000; ++i) {
    schedulers[i % 3]->set_ready(i % 7 != 0);
    jobs.push_back(submit(world, *entities[i % 13], i % 11));
    if (i % 5 == 0) world.executor.run_for(3);
  }
  world.executor.run();
  for (const TestJobRef& job : jobs) EXPECT_TRUE(job->is_finished());
  for (auto& ring : rings) EXPECT_FALSE(ring->order.empty());
}

}  // namespace
}  // namespace fakegpu::sched
