// SPDX-License-Identifier: MIT
#include "mock_ring.h"

namespace fakegpu::sched {
namespace {

class DependencyTest : public SchedTest {
 protected:
  DependencyTest() : other_ring(world, {.name = "sdma", .credit_limit = 16}) {}
  void TearDown() override {
    other_ring.scheduler().fini(world.now(), -ECANCELED);
    SchedTest::TearDown();
  }

  MockRing other_ring;
};

TEST_F(DependencyTest, OfOneContextOnlyTheLaterFenceIsKept) {
  auto entity = ring.entity();
  const uint64_t context = world.contexts.allocate();
  auto at = [&](uint64_t seqno) {
    return base::make_ref<fence::ManualFence>(context, seqno, "foreign");
  };
  auto newest = at(5'000'000'000);  // beyond 32 bits
  auto job = base::make_ref<TestJob>(world, *entity, 1);
  job->add_dependency(at(3));
  job->add_dependency(newest);
  job->add_dependency(at(4));
  job->add_dependency(nullptr);
  job->add_dependency(world.foreign_fence());
  ASSERT_EQ(job->dependencies().size(), 2u);
  EXPECT_EQ(job->dependencies()[0], fence::FenceRef(newest));
}

// Who else listens to a fence decides in which order its callbacks come, and must not show.
TEST_F(DependencyTest, ThoseWokenTogetherGoInTheOrderOfTheirPushes) {
  constexpr size_t kMany = 20;
  std::vector<std::unique_ptr<Entity>> entities;
  std::vector<base::Ref<fence::ManualFence>> fences;
  std::vector<const TestJob*> jobs;
  for (size_t i = 0; i < kMany; ++i) {
    entities.push_back(other_ring.entity());
    fences.push_back(world.foreign_fence());
    jobs.push_back(&push(*entities.back(), 1, 1, {fences.back()}));
  }
  settle();
  for (size_t i = 0; i < kMany; ++i) fences[i * 7 % kMany]->signal(world.now());
  settle();
  world.executor.run();
  EXPECT_EQ(other_ring.order, jobs);
}

TEST_F(DependencyTest, AddingConsumesTheReference) {
  auto entity = ring.entity();
  auto fence = world.foreign_fence();
  {
    auto job = base::make_ref<TestJob>(world, *entity, 1);
    job->add_dependency(fence);
    job->add_dependency(fence);
    EXPECT_EQ(fence->ref_count(), 2u);
  }
  EXPECT_EQ(fence->ref_count(), 1u);
}

TEST_F(DependencyTest, JobWaitsForEveryForeignFence) {
  auto entity = ring.entity();
  auto a = world.foreign_fence();
  auto b = world.foreign_fence();
  TestJob& job = push(*entity, 1, 1, {a, b});
  settle();
  b->signal(world.now());
  settle();
  EXPECT_FALSE(job.is_scheduled());
  a->signal(world.now());
  settle();
  EXPECT_TRUE(job.is_scheduled());
}

TEST_F(DependencyTest, ABlockedEntityDoesNotBlockOthers) {
  auto blocked = ring.entity(Priority::kHigh);
  auto free = ring.entity(Priority::kLow);
  push(*blocked, 1, 1, {world.foreign_fence()});
  TestJob& job = push(*free, 1);
  settle();
  EXPECT_TRUE(job.is_scheduled());
}

TEST_F(DependencyTest, AFailedDependencyDoesNotFailTheJob) {
  auto entity = ring.entity();
  auto foreign = world.foreign_fence();
  TestJob& job = push(*entity, 1, 1, {foreign});
  foreign->set_error(-EIO);
  foreign->signal(0);
  world.executor.run();
  EXPECT_EQ(job.finished()->status(), 1);
}

TEST_F(DependencyTest, OnTheSameInOrderRingScheduledIsEnough) {
  auto producer = ring.entity();
  auto consumer = ring.entity();
  TestJob& first = push(*producer);
  TestJob& second = push(*consumer, TestJob::kUntilAdvanced, 1, {first.finished()});
  settle();
  EXPECT_FALSE(first.is_finished());
  EXPECT_TRUE(second.is_scheduled());
  EXPECT_EQ(ring.order[0], &first);
}

TEST_F(DependencyTest, PipeliningStillWaitsForScheduled) {
  auto producer = ring.entity();
  auto consumer = ring.entity(Priority::kKernel);
  auto gate = world.foreign_fence();
  TestJob& first = push(*producer, TestJob::kUntilAdvanced, 1, {gate});
  TestJob& second = push(*consumer, TestJob::kUntilAdvanced, 1, {first.finished()});
  settle();
  EXPECT_FALSE(second.is_scheduled());
  gate->signal(world.now());
  settle();
  EXPECT_TRUE(second.is_scheduled());
  EXPECT_EQ(ring.order, (std::vector<const TestJob*>{&first, &second}));
}

TEST_F(DependencyTest, OnAnotherRingFinishedIsNeeded) {
  auto producer = ring.entity();
  auto consumer = other_ring.entity();
  TestJob& first = push(*producer);
  TestJob& second = push(*consumer, TestJob::kUntilAdvanced, 1, {first.finished()});
  settle();
  EXPECT_FALSE(second.is_scheduled());
  ring.advance(1);
  settle();
  EXPECT_TRUE(second.is_scheduled());
}

TEST_F(DependencyTest, AScheduledFenceOfAnotherRingIsWaitedForAsItIs) {
  auto producer = ring.entity();
  auto consumer = other_ring.entity();
  TestJob& first = push(*producer);
  TestJob& second = push(*consumer, TestJob::kUntilAdvanced, 1, {first.scheduled()});
  settle();
  EXPECT_TRUE(second.is_scheduled());
  EXPECT_FALSE(first.is_finished());
}

TEST_F(DependencyTest, AFailedJobOnTheSameRingIsWaitedForInFull) {
  auto producer = ring.entity();
  auto consumer = ring.entity();
  TestJob& slow = push(*producer);
  TestJob& failed = push(*producer);
  failed.outcome = Outcome::kFails;
  settle();
  ASSERT_TRUE(failed.is_scheduled());
  ASSERT_FALSE(failed.is_finished());
  TestJob& job = push(*consumer, TestJob::kUntilAdvanced, 1, {failed.finished()});
  settle();
  EXPECT_FALSE(job.is_scheduled());
  ring.advance(1);
  settle();
  EXPECT_TRUE(slow.is_finished());
  EXPECT_TRUE(job.is_scheduled());
}

TEST_F(DependencyTest, OwnEarlierJobsNeedNoWaiting) {
  auto entity = ring.entity();
  base::TextTrace text;
  world.tracer.set_sink(&text);
  TestJob& first = push(*entity);
  TestJob& second =
      push(*entity, TestJob::kUntilAdvanced, 1, {first.finished(), first.scheduled()});
  settle();
  world.tracer.set_sink(nullptr);
  EXPECT_TRUE(second.is_scheduled());
  EXPECT_EQ(text.text().find("unschedulable"), std::string::npos);
}

TEST_F(DependencyTest, OwnEarlierJobsNeedNoWaitingEvenIfTheyFailed) {
  auto entity = ring.entity();
  push(*entity);
  TestJob& failed = push(*entity);
  failed.outcome = Outcome::kFails;
  TestJob& job = push(*entity, TestJob::kUntilAdvanced, 1, {failed.finished()});
  settle();
  EXPECT_FALSE(failed.is_finished());
  EXPECT_TRUE(job.is_scheduled());
}

class OutOfOrderTest : public SchedTest {
 protected:
  OutOfOrderTest() : SchedTest({.name = "fw", .credit_limit = 16, .in_order = false}) {}
};

TEST_F(OutOfOrderTest, NothingIsPipelined) {
  auto entity = ring.entity();
  auto other = ring.entity();
  TestJob& first = push(*entity);
  TestJob& second = push(*entity, TestJob::kUntilAdvanced, 1, {first.finished()});
  TestJob& third = push(*other, TestJob::kUntilAdvanced, 1, {first.finished()});
  TestJob& fourth = push(*entity);
  settle();
  EXPECT_FALSE(second.is_scheduled());
  EXPECT_FALSE(third.is_scheduled());
  EXPECT_FALSE(fourth.is_scheduled());
  ring.advance(1);
  settle();
  EXPECT_TRUE(second.is_scheduled());
  EXPECT_TRUE(third.is_scheduled());
}

TEST_F(OutOfOrderTest, ATimelineNeverRunsBackwards) {
  auto entity = ring.entity();
  auto other = ring.entity();
  TestJob& slow = push(*entity, 100);
  TestJob& fast = push(*entity, 10);
  TestJob& unrelated = push(*other, 20);
  run_for(50);
  EXPECT_TRUE(unrelated.is_finished());
  EXPECT_FALSE(fast.is_finished());
  EXPECT_EQ(ring.scheduler().credits_in_flight(), 1u);
  run_for(50);
  EXPECT_TRUE(slow.is_finished());
  EXPECT_TRUE(fast.is_finished());
  EXPECT_EQ(fast.finished_at(), 10);
  EXPECT_EQ(fast.finished()->timestamp(), 100);
}

TEST_F(DependencyTest, PrepareIsAskedUntilItHasNoObjection) {
  std::vector<base::Ref<fence::ManualFence>> blockers = {world.foreign_fence(),
                                                         world.foreign_fence()};
  blockers.push_back(world.foreign_fence());
  blockers.back()->signal(0);  // one that turns out not to block
  size_t asked = 0;
  ring.on_prepare = [&](TestJob&) -> fence::FenceRef {
    return asked < blockers.size() ? fence::FenceRef(blockers[asked++]) : nullptr;
  };
  auto entity = ring.entity();
  auto foreign = world.foreign_fence();
  TestJob& job = push(*entity, 1, 1, {foreign});
  settle();
  EXPECT_EQ(asked, 0u);  // dependencies come first
  foreign->signal(0);
  settle();
  EXPECT_EQ(asked, 1u);
  blockers[0]->signal(0);
  settle();
  EXPECT_EQ(asked, 2u);
  EXPECT_FALSE(job.is_scheduled());
  blockers[1]->signal(0);
  settle();
  EXPECT_EQ(asked, 3u);
  EXPECT_TRUE(job.is_scheduled());
}

// A scheduled dependency is enough only because the ring keeps the order; these are not on it.
TEST_F(DependencyTest, AJobThatDoesNotExecuteFinishesAfterWhatItDependsOn) {
  auto producer = ring.entity();
  auto consumer = ring.entity();
  TestJob& slow = push(*producer);
  for (const Outcome outcome : {Outcome::kNothingToDo, Outcome::kFails})
    push(*consumer, 1, 1, {slow.finished()}).outcome = outcome;
  settle();
  for (size_t i = 1; i < 3; ++i) {
    EXPECT_TRUE(held[i]->is_scheduled());
    EXPECT_FALSE(held[i]->is_finished());
  }
  EXPECT_EQ(ring.scheduler().credits_in_flight(), 1u);
  ring.advance(1);
  settle();
  EXPECT_EQ(held[1]->finished()->status(), 1);
  EXPECT_EQ(held[2]->finished()->status(), -EIO);
}

TEST_F(DependencyTest, AJobCancelledOnTheRingFinishesAfterWhatItDependsOn) {
  auto producer = ring.entity();
  auto consumer = ring.entity();
  TestJob& slow = push(*producer);
  TestJob& cancelled = push(*consumer, 1, 1, {slow.finished()});
  settle();
  ring.scheduler().stop(world.now());
  ring.drop_emissions();
  ring.scheduler().fail_pending(cancelled, -ECANCELED);
  ring.scheduler().reattach(slow, ring.emit(slow));
  ring.scheduler().start(world.now(), -EIO);
  settle();
  EXPECT_FALSE(cancelled.is_finished());
  ring.advance(1);
  settle();
  EXPECT_EQ(cancelled.finished()->status(), -ECANCELED);
}

TEST_F(DependencyTest, AHundredThousandJobsInAChainNeedNoStack) {
  auto a = ring.entity();
  auto b = other_ring.entity();
  TestJobRef last = submit(world, *a, 0);
  for (int i = 1; i < 100'000; ++i) {
    TestJobRef job = submit(world, i % 2 ? *b : *a, 0, 1, {last->finished()});
    job->outcome = Outcome::kNothingToDo;
    last = job;
  }
  world.executor.run();
  EXPECT_TRUE(last->is_finished());
}

}  // namespace
}  // namespace fakegpu::sched
