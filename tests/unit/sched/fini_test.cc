// SPDX-License-Identifier: MIT
// Teardown is total: whatever state a job is in, it signals and is freed.
#include "mock_ring.h"

namespace fakegpu::sched {
namespace {

class FiniTest : public SchedTest {
 protected:
  FiniTest() : SchedTest({.name = "gfx", .credit_limit = 2}) {}
  void fini(int error = -ECANCELED) { ring.scheduler().fini(world.now(), error); }
  void expect_all_freed() {
    for (const TestJobRef& job : held) {
      EXPECT_TRUE(job->is_scheduled());
      EXPECT_TRUE(job->is_finished());
      EXPECT_EQ(job->frees, 1);
      EXPECT_EQ(job->state(), JobState::kFreed);
    }
  }
};

TEST_F(FiniTest, RunningJobsAreCancelledAfterTheirEntityHasGone) {
  auto entity = ring.entity();
  TestJob& job = push(*entity);
  settle();
  entity->kill(world.now());
  entity.reset();
  fini();
  EXPECT_EQ(job.finished()->status(), -ECANCELED);
  expect_all_freed();
}

TEST_F(FiniTest, QueuedJobsOfLivingEntitiesAreKilled) {
  auto entity = ring.entity();
  for (int i = 0; i < 4; ++i) push(*entity);
  settle();
  fini(-ENODEV);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(held[i]->finished()->status(), i < 2 ? -ENODEV : -ESRCH);
  }
  expect_all_freed();
  EXPECT_TRUE(entity->killed());
  EXPECT_FALSE(ring.scheduler().ready());
}

TEST_F(FiniTest, JobsThatWaitForFencesNobodyWillSignalAreFreed) {
  auto entity = ring.entity();
  auto doomed = ring.entity();
  push(*entity, 1, 1, {world.foreign_fence()});
  push(*doomed, 1, 1, {world.foreign_fence()});
  push(*doomed, 1);
  settle();
  doomed->kill(world.now());
  doomed.reset();
  EXPECT_FALSE(held[1]->is_finished());
  fini();
  for (const TestJobRef& job : held) EXPECT_EQ(job->finished()->status(), -ESRCH);
  expect_all_freed();
}

TEST_F(FiniTest, StoppedSchedulersAreTornDownToo) {
  auto entity = ring.entity();
  for (int i = 0; i < 4; ++i) push(*entity);
  settle();
  ring.scheduler().stop(world.now());
  ring.scheduler().fail_pending(*held[0], -ETIME);
  fini();
  EXPECT_EQ(held[0]->finished()->status(), -ETIME);
  EXPECT_EQ(held[1]->finished()->status(), -ECANCELED);
  expect_all_freed();
  ring.scheduler().start(world.now(), 0);
  ring.pump();
}

TEST_F(FiniTest, FinishedButUnreapedJobsAreFreed) {
  auto entity = ring.entity();
  push(*entity);
  settle();
  ring.auto_pump = false;
  ring.advance(1);
  EXPECT_EQ(held[0]->frees, 0);
  fini();
  EXPECT_EQ(held[0]->finished()->status(), 1);
  expect_all_freed();
}

TEST_F(FiniTest, JobsHeldUpBehindAnotherAreFreed) {
  auto entity = ring.entity();
  push(*entity);
  push(*entity).outcome = Outcome::kNothingToDo;
  settle();
  EXPECT_FALSE(held[1]->is_finished());
  fini();
  EXPECT_EQ(held[0]->finished()->status(), -ECANCELED);
  EXPECT_EQ(held[1]->finished()->status(), 1);
  expect_all_freed();
}

TEST_F(FiniTest, PushAfterFiniIsRefusedAndFreedAtOnce) {
  auto entity = ring.entity();
  auto armed = base::make_ref<TestJob>(world, *entity, 1);
  armed->add_dependency(world.foreign_fence());
  armed->arm();
  fini();
  armed->push(world.now());
  EXPECT_EQ(armed->finished()->status(), -ESRCH);
  EXPECT_EQ(armed->frees, 1);
  EXPECT_EQ(ring.scheduler().score(), 0u);
  fini();
}

TEST_F(FiniTest, AHardwareFenceThatSignalsLateIsIgnored) {
  auto entity = ring.entity();
  TestJob& job = push(*entity);
  settle();
  const fence::FenceRef parent = job.parent();
  fini();
  parent->signal(world.now());
  EXPECT_EQ(job.frees, 1);
}

TEST_F(FiniTest, AnEntityMadeAfterFiniRefusesEverything) {
  fini();
  auto entity = ring.entity();
  TestJob& job = push(*entity);
  EXPECT_EQ(job.finished()->status(), -ESRCH);
  expect_all_freed();
}

TEST_F(FiniTest, TheRingIsNotTouchedAfterFini) {
  auto entity = ring.entity();
  push(*entity);
  settle();
  fini();
  ring.pump();
  ring.scheduler().stop(world.now());
  ring.scheduler().check_timeouts(world.now() + kNanosPerSecond);
  EXPECT_FALSE(ring.scheduler().next_deadline());
  EXPECT_EQ(ring.order.size(), 1u);
  EXPECT_EQ(ring.timeouts, 0);
}

}  // namespace
}  // namespace fakegpu::sched
