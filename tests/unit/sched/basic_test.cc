// SPDX-License-Identifier: MIT
// Upstream's KUnit cases "basic" and "credits", and what jobs and their fences are.
#include "base/log.h"
#include "mock_ring.h"

namespace fakegpu::sched {
namespace {

using BasicTest = SchedTest;

class OneCreditTest : public SchedTest {
 protected:
  OneCreditTest() : SchedTest({.name = "gfx", .credit_limit = 1}) {}
};

TEST_F(BasicTest, JobIsScheduledUnaidedAndFinishesWhenTheRingAdvances) {
  auto entity = ring.entity();
  TestJob& job = push(*entity);
  EXPECT_FALSE(job.is_scheduled());
  settle();
  EXPECT_TRUE(job.is_scheduled());
  run_for(kNanosPerSecond / 2);
  EXPECT_FALSE(job.is_finished());
  EXPECT_EQ(ring.advance(1), 1);
  EXPECT_EQ(ring.advance(1), 0);
  EXPECT_TRUE(job.is_finished());
  EXPECT_EQ(job.error(), 0);
  settle();
  EXPECT_EQ(job.state(), JobState::kFreed);
  EXPECT_EQ(job.frees, 1);
}

TEST_F(OneCreditTest, AHundredJobsOfOneEntityTakeTheirTimeAndNoMore) {
  auto entity = ring.entity();
  for (int i = 0; i < 100; ++i) push(*entity, kNanosPerMilli);
  run_for(100 * kNanosPerMilli - 1);
  EXPECT_FALSE(held.back()->is_finished());
  run_for(1);
  EXPECT_TRUE(held.back()->is_finished());
  for (size_t i = 0; i < held.size(); ++i) EXPECT_EQ(ring.order[i], held[i].get());
}

TEST_F(BasicTest, ChainOfDependentJobsOfOneEntityFinishes) {
  auto entity = ring.entity();
  push(*entity, kNanosPerMilli);
  for (int i = 1; i < 100; ++i) {
    push(*entity, kNanosPerMilli, 1, {held.back()->finished()});
  }
  run_for(100 * kNanosPerMilli);
  EXPECT_TRUE(held.back()->is_finished());
}

TEST_F(BasicTest, IndependentQueuesFinish) {
  std::unique_ptr<Entity> entities[4];
  for (auto& entity : entities) entity = ring.entity();
  for (int i = 0; i < 100; ++i) push(*entities[i % 4], kNanosPerMilli);
  run_for(100 * kNanosPerMilli);
  for (const TestJobRef& job : held) EXPECT_TRUE(job->is_finished());
}

TEST_F(OneCreditTest, InterdependentQueuesFinishInDependencyOrder) {
  std::unique_ptr<Entity> entities[4];
  for (auto& entity : entities) entity = ring.entity();
  push(*entities[0], kNanosPerMilli);
  for (int i = 1; i < 100; ++i) {
    push(*entities[i % 4], kNanosPerMilli, 1, {held.back()->finished()});
  }
  run_for(100 * kNanosPerMilli);
  EXPECT_TRUE(held.back()->is_finished());
  for (size_t i = 0; i < held.size(); ++i) EXPECT_EQ(ring.order[i], held[i].get());
}

TEST_F(OneCreditTest, EntitiesMayGoWhileTheirChainedJobsAreQueued) {
  std::unique_ptr<Entity> entities[4];
  for (auto& entity : entities) entity = ring.entity();
  push(*entities[0], kNanosPerMilli);
  for (int i = 1; i < 100; ++i) {
    push(*entities[i % 4], kNanosPerMilli, 1, {held.back()->finished()});
  }
  run_for(50 * kNanosPerMilli);
  ASSERT_TRUE(held[49]->is_finished());
  for (auto& entity : entities) {
    entity->kill(world.now());
    entity.reset();
  }
  world.executor.run();
  int killed = 0;
  for (const TestJobRef& job : held) {
    EXPECT_EQ(job->state(), JobState::kFreed);
    EXPECT_EQ(job->frees, 1);
    killed += job->error() == -ESRCH;
    EXPECT_EQ(job->runs, job->error() == -ESRCH ? 0 : 1);
  }
  EXPECT_EQ(killed, 49);  // the 51st was on the ring
}

TEST_F(OneCreditTest, SecondJobWaitsForTheCreditOfTheFirst) {
  auto entity = ring.entity();
  TestJob& first = push(*entity);
  TestJob& second = push(*entity);
  run_for(kNanosPerSecond);
  EXPECT_TRUE(first.is_scheduled());
  EXPECT_FALSE(second.is_scheduled());
  EXPECT_EQ(ring.advance(1), 1);
  settle();
  EXPECT_TRUE(second.is_scheduled());
  EXPECT_EQ(ring.advance(1), 1);
  EXPECT_TRUE(second.is_finished());
}

class CreditTest : public SchedTest {
 protected:
  CreditTest() : SchedTest({.name = "gfx", .credit_limit = 4}) {}
};

TEST_F(CreditTest, NobodyOvertakesAHeadThatDoesNotFit) {
  auto big = ring.entity(Priority::kHigh);
  auto small = ring.entity(Priority::kLow);
  push(*big, TestJob::kUntilAdvanced, 2);
  settle();
  TestJob& waiting = push(*big, TestJob::kUntilAdvanced, 3);
  TestJob& fits = push(*small, TestJob::kUntilAdvanced, 1);
  settle();
  EXPECT_FALSE(waiting.is_scheduled());
  EXPECT_FALSE(fits.is_scheduled());
  EXPECT_EQ(ring.scheduler().credits_in_flight(), 2u);
  ring.advance(1);
  settle();
  EXPECT_TRUE(waiting.is_scheduled());
  EXPECT_TRUE(fits.is_scheduled());
  EXPECT_EQ(ring.scheduler().credits_in_flight(), 4u);
}

TEST_F(CreditTest, AJobLargerThanTheRingRunsAlone) {
  auto entity = ring.entity();
  std::string logged;
  base::set_log_sink([&](base::LogLevel, std::string_view line) { logged += line; });
  TestJob& huge = push(*entity, TestJob::kUntilAdvanced, 9);
  base::set_log_sink(nullptr);
  EXPECT_NE(logged.find("truncate 9 to 4"), std::string::npos) << logged;
  TestJob& next = push(*entity, TestJob::kUntilAdvanced, 0);
  EXPECT_EQ(huge.credits(), 4u);
  EXPECT_EQ(next.credits(), 1u);
  settle();
  EXPECT_TRUE(huge.is_scheduled());
  EXPECT_FALSE(next.is_scheduled());
}

TEST_F(CreditTest, CreditsAreBackBeforeFinishedSignals) {
  struct Look final : fence::Callback {
    explicit Look(Scheduler& scheduler) : scheduler(scheduler) {}
    void fence_signaled(fence::Fence&) override { credits = scheduler.credits_in_flight(); }
    Scheduler& scheduler;
    uint32_t credits = 99;
  } look(ring.scheduler());
  auto entity = ring.entity();
  TestJob& job = push(*entity, TestJob::kUntilAdvanced, 3);
  ASSERT_EQ(job.finished()->add_callback(look), 0);
  settle();
  EXPECT_EQ(ring.scheduler().credits_in_flight(), 3u);
  ring.advance(1);
  EXPECT_EQ(look.credits, 0u);
}

TEST_F(BasicTest, FencesAreWhatUpstreamsAre) {
  auto entity = ring.entity();
  TestJob& first = push(*entity);
  TestJob& second = push(*entity);
  EXPECT_EQ(first.scheduled()->seqno(), 1u);
  EXPECT_EQ(second.finished()->seqno(), 2u);
  EXPECT_EQ(first.scheduled()->context(), entity->fence_context());
  EXPECT_EQ(first.finished()->context(), entity->fence_context() + 1);
  EXPECT_EQ(first.finished()->driver_name(), "drm_sched");
  EXPECT_EQ(first.finished()->timeline_name(), "gfx");
}

TEST_F(BasicTest, FencesOutliveJobEntityAndScheduler) {
  fence::FenceRef finished;
  fence::FenceRef scheduled;
  {
    World other;
    MockRing short_lived(other, {.name = "sdma0"});
    auto entity = short_lived.entity();
    {
      const TestJobRef job = submit(other, *entity, 5);
      finished = job->finished();
    }
    other.executor.run();
    EXPECT_EQ(other.live_jobs, 0);
    {
      const TestJobRef job = submit(other, *entity, 5);
      scheduled = job->scheduled();
    }
    other.executor.run();
    entity->kill(0);
    entity.reset();
    short_lived.scheduler().fini(0, 0);
  }
  EXPECT_EQ(finished->timeline_name(), "sdma0");
  EXPECT_EQ(finished->timestamp(), 5);
  EXPECT_EQ(scheduled->timeline_name(), "sdma0");
}

TEST_F(BasicTest, ParentIsVisibleWhenScheduledSignals) {
  struct Look final : fence::Callback {
    void fence_signaled(fence::Fence&) override { saw_parent = job->parent() != nullptr; }
    Job* job = nullptr;
    bool saw_parent = false;
  } look;
  auto entity = ring.entity();
  TestJob& job = push(*entity);
  look.job = &job;
  ASSERT_EQ(job.scheduled()->add_callback(look), 0);
  settle();
  EXPECT_TRUE(look.saw_parent);
  EXPECT_EQ(job.entity(), nullptr);
}

TEST_F(BasicTest, RunJobMayHaveNothingToDoFailOrBeDoneAlready) {
  auto entity = ring.entity();
  const Outcome outcomes[] = {Outcome::kNothingToDo, Outcome::kFails, Outcome::kAlreadySignaled};
  for (const Outcome outcome : outcomes) {
    TestJob& job = push(*entity);
    job.outcome = outcome;
    settle();
    EXPECT_TRUE(job.is_scheduled());
    EXPECT_TRUE(job.is_finished());
    EXPECT_EQ(job.error(), outcome == Outcome::kFails ? -EIO : 0);
    EXPECT_EQ(job.state(), JobState::kFreed);
    EXPECT_EQ(entity->error(), job.error());
  }
  EXPECT_EQ(ring.scheduler().credits_in_flight(), 0u);
}

TEST_F(BasicTest, AJobThatDoesNotExecuteStillFinishesAfterTheOneBefore) {
  auto entity = ring.entity();
  auto other = ring.entity();
  TestJob& slow = push(*entity);
  for (int i = 0; i < 3; ++i) push(*entity).outcome = Outcome::kFails;
  TestJob& unrelated = push(*other);
  unrelated.outcome = Outcome::kNothingToDo;
  settle();
  EXPECT_TRUE(unrelated.is_finished());
  for (size_t i = 1; i < 4; ++i) {
    EXPECT_TRUE(held[i]->is_scheduled());
    EXPECT_FALSE(held[i]->is_finished());
  }
  EXPECT_EQ(ring.scheduler().credits_in_flight(), 1u);
  ring.advance(1);
  EXPECT_TRUE(slow.is_finished());
  settle();
  for (size_t i = 1; i < 4; ++i) EXPECT_EQ(held[i]->finished()->status(), -EIO);
}

TEST_F(BasicTest, HardwareErrorBecomesTheFinishedFencesError) {
  auto entity = ring.entity();
  TestJob& job = push(*entity);
  settle();
  job.parent()->set_error(-ENODATA);
  ring.advance(1);
  EXPECT_EQ(job.finished()->status(), -ENODATA);
  EXPECT_EQ(entity->error(), -ENODATA);
}

TEST_F(BasicTest, DeadlineReachesTheHardwareFenceNowOrLater) {
  auto entity = ring.entity();
  TestJob& early = push(*entity);
  early.finished()->set_deadline(500);
  settle();
  EXPECT_EQ(early.parent()->deadline(), 500);
  early.finished()->set_deadline(300);
  EXPECT_EQ(early.parent()->deadline(), 300);
  early.finished()->set_deadline(400);
  EXPECT_EQ(early.parent()->deadline(), 300);
}

TEST_F(OneCreditTest, StatsCountExecutionAndWait) {
  auto entity = ring.entity();
  push(*entity, 100);
  push(*entity, 30);
  world.executor.run();
  EXPECT_EQ(entity->usage().pushed, 2u);
  EXPECT_EQ(entity->usage().completed, 2u);
  EXPECT_EQ(entity->usage().gpu_time, 130);
  EXPECT_EQ(entity->usage().wait_time, 100);
}

TEST_F(BasicTest, JobsBehindOthersOnTheRingDoNotCountAsExecuting) {
  auto entity = ring.entity();
  push(*entity, 100);
  TestJob& second = push(*entity, 30);
  world.executor.run();
  EXPECT_EQ(second.started_at(), 100);
  EXPECT_EQ(second.finished_at(), 130);
  EXPECT_EQ(entity->usage().gpu_time, 130);
}

TEST_F(BasicTest, AnArmedJobThatIsDroppedStillSignals) {
  auto entity = ring.entity();
  fence::FenceRef finished;
  {
    auto job = base::make_ref<TestJob>(world, *entity, 1);
    job->arm();
    finished = job->finished();
  }
  EXPECT_EQ(finished->status(), -ECANCELED);
  EXPECT_EQ(world.live_jobs, 0);
}

TEST_F(BasicTest, AJobThatIsDroppedUnarmedLeavesNoTrace) {
  auto entity = ring.entity();
  base::make_ref<TestJob>(world, *entity, 1)->add_dependency(world.foreign_fence());
  EXPECT_EQ(world.live_jobs, 0);
  TestJob& job = push(*entity);
  EXPECT_EQ(job.finished()->seqno(), 1u);
}

TEST_F(BasicTest, EventsCarryTheKernelsNamesAndFields) {
  base::TextTrace text;
  world.tracer.set_sink(&text);
  auto entity = ring.entity();
  auto foreign = world.foreign_fence();
  TestJob& job = push(*entity, 10, 1, {foreign});
  settle();
  foreign->signal(world.now());
  world.executor.run();
  world.tracer.set_sink(nullptr);
  const auto own = fmt::format("fence_context={} fence_seqno=1", job.finished()->context());
  const auto dependency = fmt::format("{} ctx={} seqno=1", own, foreign->context());
  const auto counts = "job_count=0 hw_job_count=0 client_id=7";
  EXPECT_EQ(text.text(),
            fmt::format("0.000000000: drm_sched_job_queue: dev=fakegpu name=gfx {} {}\n"
                        "0.000000000: drm_sched_job_add_dep: {}\n"
                        "0.000000000: drm_sched_job_unschedulable: {}\n"
                        "0.000000000: drm_sched_job_run: dev=fakegpu name=gfx {} job_count=0 "
                        "hw_job_count=1 client_id=7\n"
                        "0.000000010: drm_sched_job_done: {}\n",
                        own, counts, dependency, dependency, own, own));
}

TEST(JobSize, JobAndItsFencesStaySmall) {
  EXPECT_LE(sizeof(Job), 232u);
  EXPECT_LE(sizeof(Job) + 2 * sizeof(fence::Fence) + 4 * sizeof(void*), 400u);
}

}  // namespace
}  // namespace fakegpu::sched
