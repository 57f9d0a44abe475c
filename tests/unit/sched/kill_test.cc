// SPDX-License-Identifier: MIT
#include "mock_ring.h"

namespace fakegpu::sched {
namespace {

class KillTest : public SchedTest {
 protected:
  KillTest() : SchedTest({.name = "gfx", .credit_limit = 1}) {}

  // Notes the order in which fences signal.
  struct Note final : fence::Callback {
    Note(std::vector<std::string>& log, std::string what) : log(log), what(std::move(what)) {}
    void fence_signaled(fence::Fence&) override { log.push_back(what); }
    std::vector<std::string>& log;
    std::string what;
  };
  void note(fence::Fence& fence, std::string what) {
    notes.push_back(std::make_unique<Note>(log, std::move(what)));
    ASSERT_EQ(fence.add_callback(*notes.back()), 0);
  }

  std::vector<std::string> log;
  std::vector<std::unique_ptr<Note>> notes;
};

TEST_F(KillTest, QueuedJobsDieInOrderBehindTheOneOnTheRing) {
  auto entity = ring.entity();
  for (int i = 0; i < 4; ++i) {
    TestJob& job = push(*entity);
    note(*job.scheduled(), fmt::format("s{}", i));
    note(*job.finished(), fmt::format("f{}", i));
  }
  settle();
  entity->kill(world.now());
  EXPECT_TRUE(entity->idle());
  EXPECT_EQ(entity->queued(), 0u);
  entity.reset();
  settle();
  EXPECT_EQ(log, (std::vector<std::string>{"s0"}));
  ring.advance(1);
  settle();
  EXPECT_EQ(log, (std::vector<std::string>{"s0", "f0", "s1", "f1", "s2", "f2", "s3", "f3"}));
  EXPECT_EQ(held[0]->finished()->status(), 1);
  for (int i = 1; i < 4; ++i) {
    EXPECT_EQ(held[i]->finished()->status(), -ESRCH);
    EXPECT_EQ(held[i]->runs, 0);
    EXPECT_EQ(held[i]->frees, 1);
    EXPECT_EQ(held[i]->entity(), nullptr);
  }
}

TEST_F(KillTest, WithNothingToWaitForJobsDieAtOnce) {
  auto entity = ring.entity();
  TestJob& job = push(*entity);
  run_for(0);
  ring.advance(1);
  TestJob& queued = push(*entity);
  entity->kill(world.now());
  EXPECT_TRUE(job.is_finished());
  EXPECT_TRUE(queued.is_finished());
  EXPECT_EQ(entity->error(), -ESRCH);
  entity->kill(world.now());
}

TEST_F(KillTest, KilledJobWaitsForItsOwnDependencies) {
  auto entity = ring.entity();
  auto a = world.foreign_fence();
  auto b = world.foreign_fence();
  TestJob& job = push(*entity, 1, 1, {a, b});
  TestJob& next = push(*entity);
  settle();
  entity->kill(world.now());
  entity.reset();
  a->signal(world.now());
  settle();
  EXPECT_FALSE(job.is_scheduled());
  EXPECT_FALSE(next.is_finished());
  b->signal(world.now());
  settle();
  EXPECT_EQ(job.finished()->status(), -ESRCH);
  EXPECT_EQ(next.finished()->status(), -ESRCH);
}

TEST_F(KillTest, AScheduledDependencyIsUpgradedToItsFinished) {
  MockRing other(world, {.name = "sdma"});
  auto producer = other.entity();
  TestJob& running = push(*producer);
  auto entity = ring.entity();
  auto blocker = ring.entity();
  push(*blocker);
  settle();
  TestJob& job = push(*entity, 1, 1, {running.scheduled()});
  settle();
  ASSERT_TRUE(running.is_scheduled());
  entity->kill(world.now());
  settle();
  EXPECT_FALSE(job.is_finished());
  other.advance(1);
  settle();
  EXPECT_EQ(job.finished()->status(), -ESRCH);
  producer.reset();
  other.scheduler().fini(world.now(), 0);
}

TEST_F(KillTest, AScheduledDependencyWhoseFinishedIsGoneIsDone) {
  MockRing other(world, {.name = "sdma"});
  auto producer = other.entity();
  fence::FenceRef scheduled;
  {
    const TestJobRef done = submit(world, *producer, 0);
    scheduled = done->scheduled();
    world.executor.run();
  }
  producer->kill(0);
  producer.reset();
  other.scheduler().fini(world.now(), 0);
  auto entity = ring.entity();
  push(*entity);  // takes the credit
  TestJob& job = push(*entity, 1, 1, {std::move(scheduled)});
  settle();
  entity->kill(world.now());
  ring.advance(1);
  settle();
  EXPECT_EQ(job.finished()->status(), -ESRCH);
}

TEST_F(KillTest, PushToAKilledEntityIsRefused) {
  auto entity = ring.entity();
  auto armed = base::make_ref<TestJob>(world, *entity, 1);
  armed->arm();
  entity->kill(world.now());
  armed->push(world.now());
  EXPECT_EQ(armed->finished()->status(), -ESRCH);
  EXPECT_TRUE(armed->is_scheduled());
  TestJob& later = push(*entity);
  EXPECT_EQ(later.finished()->status(), -ESRCH);
  settle();
  EXPECT_EQ(armed->frees, 1);
  EXPECT_EQ(later.frees, 1);
  EXPECT_TRUE(ring.order.empty());
}

TEST_F(KillTest, AnEntityThatGoesWithoutKillTakesItsJobsWithIt) {
  auto entity = ring.entity();
  TestJob& job = push(*entity);
  entity.reset();
  EXPECT_EQ(job.finished()->status(), -ESRCH);
}

TEST_F(KillTest, KillWhileWaitingForPrepareForgetsTheBlocker) {
  auto blocker = world.foreign_fence();
  ring.on_prepare = [&](TestJob&) -> fence::FenceRef { return blocker; };
  auto entity = ring.entity();
  TestJob& job = push(*entity);
  settle();
  entity->kill(world.now());
  EXPECT_EQ(job.finished()->status(), -ESRCH);
  entity.reset();
  blocker->signal(world.now());
}

TEST_F(KillTest, ADependentOfAKilledJobRuns) {
  auto doomed = ring.entity();
  auto other = ring.entity();
  auto gate = world.foreign_fence();
  TestJob& first = push(*doomed, 1, 1, {gate});
  TestJob& second = push(*other, 1, 1, {first.finished()});
  settle();
  doomed->kill(world.now());
  settle();
  EXPECT_FALSE(second.is_scheduled());
  gate->signal(world.now());
  world.executor.run();
  EXPECT_EQ(second.finished()->status(), 1);
}

TEST_F(KillTest, AHundredThousandQueuedJobsNeedNoStack) {
  auto entity = ring.entity();
  submit(world, *entity, TestJob::kUntilAdvanced);
  settle();
  TestJobRef last;
  for (int i = 0; i < 100'000; ++i) last = submit(world, *entity, 1);
  entity->kill(world.now());
  EXPECT_FALSE(last->is_finished());
  ring.advance(1);
  settle();
  EXPECT_TRUE(last->is_finished());
  last.reset();
  EXPECT_EQ(world.live_jobs, 0);
}

}  // namespace
}  // namespace fakegpu::sched
