// SPDX-License-Identifier: MIT
// What is counted of whose jobs, and when.
#include "mock_ring.h"

namespace fakegpu::sched {
namespace {

class AccountTest : public SchedTest {
 protected:
  AccountTest() : SchedTest({.name = "gfx", .credit_limit = 2, .timeout = 1000}) {}

  const Usage& client(uint64_t id = 7) { return world.client(id)->usage(); }
  Nanos executing(uint64_t id = 7) {
    return ring.scheduler().executing(*world.client(id), world.now());
  }
};

TEST_F(AccountTest, AJobIsQueuedThenInFlightThenCompleted) {
  auto entity = ring.entity();
  for (int i = 0; i < 3; ++i) push(*entity);
  EXPECT_EQ(client().queued(), 3u);
  EXPECT_EQ(client().in_flight(), 0u);
  settle();
  EXPECT_EQ(client().queued(), 1u);
  EXPECT_EQ(client().in_flight(), 2u);
  EXPECT_EQ(entity->usage().in_flight(), 2u);
  EXPECT_EQ(ring.scheduler().usage().queued(), 1u);
  ring.advance(1);
  settle();
  EXPECT_EQ(client().completed, 1u);
  EXPECT_EQ(client().queued(), 0u);
  EXPECT_EQ(client().in_flight(), 2u);
}

TEST_F(AccountTest, AKilledJobIsNeitherQueuedNorStarted) {
  auto entity = ring.entity();
  for (int i = 0; i < 3; ++i) push(*entity);
  settle();
  entity->kill(world.now());
  EXPECT_EQ(client().refused, 1u);
  EXPECT_EQ(client().queued(), 0u);
  EXPECT_EQ(client().in_flight(), 2u);
  EXPECT_EQ(client().wait_time, 0);
}

TEST_F(AccountTest, TheHeadExecutesAndWhatIsBehindItWaits) {
  auto first = ring.entity(Priority::kNormal, 1);
  auto second = ring.entity(Priority::kNormal, 2);
  push(*first, 100);
  push(*second, 50);
  settle();
  world.executor.run_for(60);
  EXPECT_EQ(executing(1), 60);
  EXPECT_EQ(executing(2), 0);
  EXPECT_EQ(client(1).gpu_time, 0);
  world.executor.run_for(60);
  EXPECT_EQ(executing(1), 0);
  EXPECT_EQ(executing(2), 20);
  world.executor.run_for(1000);
  EXPECT_EQ(client(1).gpu_time, 100);
  EXPECT_EQ(client(1).longest, 100);
  EXPECT_EQ(client(2).gpu_time, 50);
  EXPECT_EQ(client(2).wait_time, 100);
  EXPECT_EQ(executing(2), 0);
}

TEST_F(AccountTest, AJobThatIsRunAgainIsChargedForItsLastRunAlone) {
  auto entity = ring.entity();
  TestJob& job = push(*entity, 100);
  settle();
  world.executor.run_for(40);
  ring.scheduler().stop(world.now());
  ring.drop_emissions();
  world.executor.run_for(500);
  ring.scheduler().reattach(job, ring.emit(job));
  ring.scheduler().start(world.now(), 0);
  world.executor.run_for(1000);
  EXPECT_EQ(client().gpu_time, 100);
  EXPECT_EQ(client().wait_time, 540);
  EXPECT_EQ(client().started, 1u);
  EXPECT_EQ(client().completed, 1u);
}

TEST_F(AccountTest, AJobThatAResetEndedIsChargedForTheTimeItHeldTheRing) {
  auto hung = ring.entity(Priority::kNormal, 1);
  auto behind = ring.entity(Priority::kNormal, 2);
  push(*hung);
  push(*behind);
  settle();
  world.executor.run_for(300);
  ring.scheduler().stop(world.now());
  ring.drop_emissions();
  world.executor.run_for(100);
  EXPECT_EQ(executing(1), 400);
  ring.scheduler().start(world.now(), -ETIME);
  EXPECT_EQ(client(1).gpu_time, 400);
  EXPECT_EQ(client(1).longest, 400);
  EXPECT_EQ(client(1).completed, 1u);
  EXPECT_EQ(client(2).gpu_time, 0);
  EXPECT_EQ(ring.scheduler().usage().gpu_time, 400);
  // No guess of what an honest job takes is built on it.
  EXPECT_EQ(world.client(1)->average(), 0);
}

TEST_F(AccountTest, WhatIsObservedNeverFalls) {
  Account account(uint64_t{1});
  EXPECT_EQ(account.observe(30), 30);
  EXPECT_EQ(account.observe(10), 30);
  account.add_started();
  account.add_completed(25, 0);
  EXPECT_EQ(account.observe(0), 30);
  EXPECT_EQ(account.observe(6), 31);
}

}  // namespace
}  // namespace fakegpu::sched
