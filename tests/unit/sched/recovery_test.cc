// SPDX-License-Identifier: MIT
#include "mock_ring.h"

namespace fakegpu::sched {
namespace {

class RecoveryTest : public SchedTest {
 protected:
  RecoveryTest() : SchedTest({.name = "gfx", .credit_limit = 3, .timeout = 1000}) {}

  void stop() {
    ring.scheduler().stop(world.now());
    ring.drop_emissions();
  }
  void start(int error = 0) { ring.scheduler().start(world.now(), error); }
};

TEST_F(RecoveryTest, StopAndStartCancelWhatIsOnTheRingAndNothingElse) {
  auto entity = ring.entity();
  for (int i = 0; i < 4; ++i) push(*entity, 100);
  settle();
  stop();
  EXPECT_TRUE(ring.scheduler().stopped());
  EXPECT_EQ(ring.scheduler().credits_in_flight(), 0u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(held[i]->parent(), nullptr);
  start();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(held[i]->finished()->status(), -ECANCELED);
  EXPECT_FALSE(held[3]->is_finished());
  world.executor.run();
  EXPECT_EQ(held[3]->finished()->status(), 1);
}

TEST_F(RecoveryTest, StartsErrorIsThatOfTheCancelled) {
  auto entity = ring.entity();
  TestJob& job = push(*entity);
  settle();
  stop();
  start(-ETIME);
  EXPECT_EQ(job.finished()->status(), -ETIME);
}

TEST_F(RecoveryTest, NothingRunsOrIsFreedWhileStopped) {
  auto entity = ring.entity();
  TestJob& done = push(*entity);
  settle();
  ring.auto_pump = false;
  ring.advance(1);
  EXPECT_TRUE(done.is_finished());
  ring.scheduler().stop(world.now());
  TestJob& later = push(*entity);
  ring.pump();
  EXPECT_EQ(done.frees, 0);
  EXPECT_FALSE(later.is_scheduled());
  EXPECT_FALSE(ring.scheduler().next_deadline());
  start();
  EXPECT_TRUE(ring.kick_pending());
  ring.pump();
  EXPECT_EQ(done.frees, 1);
  EXPECT_TRUE(later.is_scheduled());
}

TEST_F(RecoveryTest, StopFinishesWhatTheHardwareHasFinished) {
  struct Lazy final : fence::Fence {
    Lazy(World& world) : Fence(world.contexts.allocate(), 1) {}
    std::string_view timeline_name() const override { return "hw"; }
    bool poll_signaled() override { return done; }
    bool done = false;
  };
  auto entity = ring.entity();
  TestJob& first = push(*entity);
  TestJob& second = push(*entity);
  settle();
  stop();
  auto lazy = base::make_ref<Lazy>(world);
  ring.scheduler().reattach(first, lazy);
  ring.scheduler().reattach(second, ring.emit(second));
  start();
  lazy->done = true;
  stop();
  EXPECT_EQ(first.finished()->status(), 1);
  EXPECT_FALSE(second.is_finished());
  start();
  EXPECT_EQ(second.finished()->status(), -ECANCELED);
}

TEST_F(RecoveryTest, ReattachedJobsRunOnAndTheGuiltyOneFails) {
  auto entity = ring.entity();
  auto other = ring.entity();
  TestJob& guilty = push(*entity);
  TestJob& innocent = push(*other, 50);
  TestJob& bystander = push(*entity, 50);
  run_for(10);
  stop();
  std::vector<Job*> seen;
  ring.scheduler().for_each_pending([&](Job& job) {
    seen.push_back(&job);
    if (&job == &guilty) {
      ring.scheduler().increase_karma(job);
      ring.scheduler().fail_pending(job, -ETIME);
    } else {
      ring.scheduler().reattach(job, ring.emit(static_cast<TestJob&>(job)));
    }
  });
  EXPECT_EQ(seen, (std::vector<Job*>{&guilty, &innocent, &bystander}));
  EXPECT_EQ(guilty.karma(), 1u);
  EXPECT_FALSE(guilty.is_finished());
  start(-ECANCELED);
  EXPECT_EQ(guilty.finished()->status(), -ETIME);
  EXPECT_EQ(ring.scheduler().credits_in_flight(), 2u);
  EXPECT_EQ(ring.scheduler().next_deadline(), world.now() + 1000);
  world.executor.run();
  EXPECT_EQ(innocent.finished()->status(), 1);
  EXPECT_EQ(bystander.finished()->status(), 1);
  EXPECT_EQ(innocent.started_at(), 10);
  EXPECT_EQ(innocent.runs, 1);
}

TEST_F(RecoveryTest, AFailedJobFinishesAfterTheReemittedOneBeforeIt) {
  auto entity = ring.entity();
  TestJob& first = push(*entity, 50);
  TestJob& second = push(*entity, 50);
  settle();
  stop();
  ring.scheduler().reattach(first, ring.emit(first));
  ring.scheduler().fail_pending(second, -ECANCELED);
  start();
  EXPECT_FALSE(second.is_finished());
  world.executor.run();
  EXPECT_EQ(first.finished()->status(), 1);
  EXPECT_EQ(second.finished()->status(), -ECANCELED);
}

TEST_F(RecoveryTest, TheOldHardwareFenceNoLongerCounts) {
  auto entity = ring.entity();
  TestJob& job = push(*entity);
  settle();
  const fence::FenceRef old = job.parent();
  stop();
  ring.scheduler().reattach(job, ring.emit(job));
  old->signal(world.now());
  start();
  EXPECT_FALSE(job.is_finished());
  ring.advance(1);
  EXPECT_TRUE(job.is_finished());
}

TEST_F(RecoveryTest, AReemissionThatIsDoneBeforeStartFinishesInStart) {
  auto entity = ring.entity();
  TestJob& first = push(*entity);
  TestJob& second = push(*entity);
  settle();
  stop();
  ring.scheduler().for_each_pending([&](Job& job) {
    ring.scheduler().reattach(job, ring.emit(static_cast<TestJob&>(job)));
    ring.advance(1);
  });
  EXPECT_FALSE(first.is_finished());
  start();
  EXPECT_EQ(first.finished()->status(), 1);
  EXPECT_EQ(second.finished()->status(), 1);
  EXPECT_EQ(ring.scheduler().credits_in_flight(), 0u);
}

TEST_F(RecoveryTest, StoppingTwiceAndStartingUnstoppedAreHarmless) {
  auto entity = ring.entity();
  TestJob& job = push(*entity, 10);
  settle();
  start(-EIO);
  EXPECT_FALSE(job.is_finished());
  stop();
  ring.scheduler().reattach(job, ring.emit(job));
  stop();
  EXPECT_EQ(job.parent(), nullptr);
  start();
  start();
  EXPECT_EQ(job.finished()->status(), -ECANCELED);
  world.executor.run();
  EXPECT_EQ(job.frees, 1);
}

TEST_F(RecoveryTest, TheFirstErrorWins) {
  auto entity = ring.entity();
  TestJob& job = push(*entity);
  settle();
  stop();
  ring.scheduler().fail_pending(job, -ETIME);
  ring.scheduler().fail_pending(job, -ENODATA);
  start(-ECANCELED);
  EXPECT_EQ(job.finished()->status(), -ETIME);
}

TEST_F(RecoveryTest, AKillWhileStoppedIsCarriedOut) {
  auto entity = ring.entity();
  for (int i = 0; i < 5; ++i) push(*entity);
  settle();
  stop();
  entity->kill(world.now());
  entity.reset();
  EXPECT_FALSE(held[3]->is_finished());
  start();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(held[i]->finished()->status(), i < 3 ? -ECANCELED : -ESRCH);
  }
}

TEST_F(RecoveryTest, DeadlineHintsFollowTheReemission) {
  auto entity = ring.entity();
  TestJob& job = push(*entity);
  settle();
  job.finished()->set_deadline(77);
  stop();
  ring.scheduler().reattach(job, ring.emit(job));
  EXPECT_EQ(job.parent()->deadline(), 77);
  start();
}

}  // namespace
}  // namespace fakegpu::sched
