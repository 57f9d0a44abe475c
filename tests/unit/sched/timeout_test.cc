// SPDX-License-Identifier: MIT
// The execution clock: a job is charged for what it executes, not for what it waits.
#include "mock_ring.h"

namespace fakegpu::sched {
namespace {

constexpr Nanos kTimeout = 200 * kNanosPerMilli;

class TimeoutTest : public SchedTest {
 protected:
  explicit TimeoutTest(bool in_order = true)
      : SchedTest({.name = "gfx", .credit_limit = 8, .timeout = kTimeout, .in_order = in_order}) {}

  // As upstream's mock: the hung job's hardware fence signals -ETIMEDOUT.
  void kill_hung_jobs() {
    ring.on_timeout = [this](TestJob& job) {
      hung.push_back(&job);
      job.parent()->set_error(-ETIMEDOUT);
      ring.advance(1);
      return TimeoutVerdict::kReset;
    };
  }

  std::vector<const TestJob*> hung;
};

TEST_F(TimeoutTest, TheHandlerIsCalledAtTheTimeoutAndOnce) {
  kill_hung_jobs();
  auto entity = ring.entity();
  TestJob& job = push(*entity);
  run_for(kTimeout - 1);
  EXPECT_EQ(ring.timeouts, 0);
  run_for(1);
  EXPECT_EQ(ring.timeouts, 1);
  EXPECT_EQ(job.finished()->status(), -ETIMEDOUT);
  run_for(10 * kTimeout);
  EXPECT_EQ(ring.timeouts, 1);
  EXPECT_EQ(job.frees, 1);
}

TEST_F(TimeoutTest, WithoutAJobThereIsNoDeadline) {
  auto entity = ring.entity();
  EXPECT_FALSE(ring.scheduler().next_deadline());
  push(*entity, 10);
  EXPECT_FALSE(ring.scheduler().next_deadline());
  settle();
  EXPECT_EQ(ring.scheduler().next_deadline(), kTimeout);
  run_for(10);
  EXPECT_FALSE(ring.scheduler().next_deadline());
}

TEST_F(TimeoutTest, JobsBehindASlowButLegalHeadAreNotCharged) {
  kill_hung_jobs();
  auto entity = ring.entity();
  for (int i = 0; i < 8; ++i) push(*entity, kTimeout - 1);
  world.executor.run();
  EXPECT_EQ(ring.timeouts, 0);
  for (const TestJobRef& job : held) EXPECT_EQ(job->finished()->status(), 1);
}

TEST_F(TimeoutTest, NewJobsDoNotExtendTheHeadsDeadline) {
  kill_hung_jobs();
  auto entity = ring.entity();
  TestJob& job = push(*entity);
  for (int i = 0; i < 4; ++i) {
    run_for(kTimeout / 5);
    push(*entity, 1);
  }
  EXPECT_EQ(ring.scheduler().next_deadline(), kTimeout);
  run_for(kTimeout / 5);
  EXPECT_EQ(hung, (std::vector<const TestJob*>{&job}));
}

TEST_F(TimeoutTest, TheSecondJobsClockBeginsWhenTheFirstEnds) {
  kill_hung_jobs();
  auto entity = ring.entity();
  push(*entity, kTimeout / 2);
  TestJob& second = push(*entity);
  run_for(kTimeout / 2 + kTimeout - 1);
  EXPECT_EQ(ring.timeouts, 0);
  run_for(1);
  EXPECT_EQ(hung, (std::vector<const TestJob*>{&second}));
}

TEST_F(TimeoutTest, NoHangKeepsTheJobWithAFullTimeout) {
  auto entity = ring.entity();
  TestJob& job = push(*entity);
  run_for(2 * kTimeout - 1);
  EXPECT_EQ(ring.timeouts, 1);
  run_for(1);
  EXPECT_EQ(ring.timeouts, 2);
  EXPECT_FALSE(job.is_finished());
  EXPECT_EQ(ring.advance(1), 1);
  settle();
  EXPECT_EQ(job.finished()->status(), 1);
  EXPECT_EQ(job.frees, 1);
  EXPECT_EQ(job.started_at(), 0);
}

TEST_F(TimeoutTest, ALostInterruptIsNoHang) {
  struct Polled final : fence::Fence {
    Polled(World& world, Nanos done_at)
        : Fence(world.contexts.allocate(), 1), world(world), done_at(done_at) {}
    std::string_view timeline_name() const override { return "hw"; }
    bool poll_signaled() override {
      if (world.now() < done_at) return false;
      signal(done_at);
      return true;
    }
    World& world;
    Nanos done_at;
  };
  class LossyRing final : public Backend {
   public:
    explicit LossyRing(World& world) : world_(world) {}
    base::Result<fence::FenceRef> run_job(Job&) override {
      return fence::FenceRef(base::make_ref<Polled>(world_, 50));
    }
    TimeoutVerdict timed_out(Job&) override {
      ++timeouts;
      return TimeoutVerdict::kNoHang;
    }
    void kick(Scheduler&) override {}
    int timeouts = 0;

   private:
    World& world_;
  } backend(world);
  Scheduler scheduler({.name = "lossy", .timeout = 100}, std::move(*make_policy("fifo")), backend,
                      world.contexts, world.tracer);
  {
    Scheduler* const schedulers[] = {&scheduler};
    auto entity = std::move(*Entity::create(Priority::kNormal, schedulers, world.client(1)));
    TestJob& job = push(*entity);
    scheduler.pump(0);
    run_for(100);
    scheduler.check_timeouts(world.now());
    EXPECT_EQ(backend.timeouts, 0);
    EXPECT_EQ(job.finished()->timestamp(), 50);
  }
  scheduler.fini(world.now(), 0);
}

TEST_F(TimeoutTest, WithoutADeviceNothingRunsAndEverythingSignals) {
  ring.on_timeout = [](TestJob&) { return TimeoutVerdict::kNoDevice; };
  auto entity = ring.entity();
  for (int i = 0; i < 12; ++i) push(*entity);
  run_for(kTimeout);
  EXPECT_EQ(ring.timeouts, 1);
  EXPECT_EQ(ring.order.size(), 8u);
  TestJob& later = push(*entity);
  world.executor.run();
  EXPECT_EQ(ring.order.size(), 8u);
  for (const TestJobRef& job : held) EXPECT_EQ(job->finished()->status(), -ENODEV);
  EXPECT_EQ(later.frees, 1);
  EXPECT_FALSE(ring.scheduler().next_deadline());
}

TEST_F(TimeoutTest, AHandlerThatStopsAndLosesTheDeviceLeavesNobodyWaiting) {
  ring.on_timeout = [this](TestJob&) {
    ring.scheduler().stop(world.now());
    return TimeoutVerdict::kNoDevice;
  };
  auto entity = ring.entity();
  TestJob& running = push(*entity);
  run_for(kTimeout);
  TestJob& queued = push(*entity);
  world.executor.run();
  EXPECT_EQ(running.finished()->status(), -ENODEV);
  EXPECT_EQ(queued.finished()->status(), -ENODEV);
}

TEST_F(TimeoutTest, AHandlerMayStopNowAndStartLater) {
  ring.on_timeout = [this](TestJob&) {
    ring.scheduler().stop(world.now());
    ring.drop_emissions();
    world.executor.post_at(world.now() + kTimeout,
                           [this] { ring.scheduler().start(world.now(), -ETIME); });
    return TimeoutVerdict::kReset;
  };
  auto entity = ring.entity();
  TestJob& job = push(*entity);
  run_for(2 * kTimeout - 1);
  EXPECT_EQ(ring.timeouts, 1);
  EXPECT_FALSE(ring.scheduler().next_deadline());
  EXPECT_FALSE(job.is_finished());
  run_for(1);
  EXPECT_EQ(job.finished()->status(), -ETIME);
}

class ConcurrentTimeoutTest : public TimeoutTest {
 protected:
  ConcurrentTimeoutTest() : TimeoutTest(false) {}
};

TEST_F(ConcurrentTimeoutTest, EveryJobHasItsOwnClock) {
  auto entity = ring.entity();
  auto other = ring.entity();
  ring.on_timeout = [this](TestJob& job) {
    hung.push_back(&job);
    return TimeoutVerdict::kNoHang;
  };
  TestJob& first = push(*entity);
  run_for(10);
  TestJob& second = push(*other);
  run_for(kTimeout - 10);
  EXPECT_EQ(hung, (std::vector<const TestJob*>{&first}));
  run_for(10);
  EXPECT_EQ(hung, (std::vector<const TestJob*>{&first, &second}));
  run_for(kTimeout - 10);
  EXPECT_EQ(hung, (std::vector<const TestJob*>{&first, &second, &first}));
}

}  // namespace
}  // namespace fakegpu::sched
