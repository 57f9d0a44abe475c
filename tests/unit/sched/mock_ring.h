// SPDX-License-Identifier: MIT
// A ring in virtual time, after upstream's KUnit mock scheduler: jobs with a duration end by
// themselves, those without end when the test advances the ring.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "allocations.h"
#include "base/virtual_executor.h"
#include "sched/scheduler.h"

namespace fakegpu::sched {

using base::kNanosPerMicro;
using base::kNanosPerMilli;
using base::kNanosPerSecond;
using base::Nanos;

class MockRing;
class TestJob;

// What all rings of a test share.
struct World {
  explicit World(uint64_t seed = 1) : executor(seed), tracer(executor) {}

  Nanos now() const { return executor.now(); }
  base::Ref<fence::ManualFence> foreign_fence() {
    return base::make_ref<fence::ManualFence>(contexts.allocate(), 1, "foreign");
  }

  AccountRef client(uint64_t id) {
    AccountRef& account = clients[id];
    if (!account) account = base::make_ref<Account>(id);
    return account;
  }

  base::VirtualExecutor executor;
  base::Tracer tracer;
  fence::Contexts contexts;
  std::map<uint64_t, AccountRef> clients;
  int live_jobs = 0;
};

enum class Outcome { kExecutes, kNothingToDo, kFails, kAlreadySignaled };

class TestJob final : public Job {
 public:
  static constexpr Nanos kUntilAdvanced = -1;

  TestJob(World& world, Entity& entity, Nanos duration, uint32_t credits = 1)
      : Job(entity, credits), world_(world), duration(duration) {
    ++world_.live_jobs;
  }

  bool is_scheduled() const { return scheduled()->test_signaled(); }
  bool is_finished() const { return finished()->test_signaled(); }
  int error() const { return finished()->error(); }

 private:
  ~TestJob() override { --world_.live_jobs; }

  World& world_;

 public:
  Nanos duration;
  Outcome outcome = Outcome::kExecutes;
  fence::FenceRef blocker;  // what prepare_job has it wait for
  int runs = 0;
  int frees = 0;
};

using TestJobRef = base::Ref<TestJob>;

// A job that is pushed at once.
inline TestJobRef submit(World& world, Entity& entity, Nanos duration, uint32_t credits = 1,
                         std::vector<fence::FenceRef> dependencies = {}) {
  auto job = base::make_ref<TestJob>(world, entity, duration, credits);
  for (fence::FenceRef& dependency : dependencies) job->add_dependency(std::move(dependency));
  job->arm();
  job->push(world.now());
  return job;
}

class MockRing final : public Backend {
 public:
  MockRing(World& world, SchedulerOptions options, std::string_view policy = "fifo")
      : world_(world), context_(world.contexts.allocate()), in_order_(options.in_order) {
    scheduler_ = std::make_unique<Scheduler>(std::move(options), std::move(*make_policy(policy)),
                                             *this, world.contexts, world.tracer);
  }

  Scheduler& scheduler() { return *scheduler_; }
  // Entities of one number share an account.
  std::unique_ptr<Entity> entity(Priority priority = Priority::kNormal, uint64_t client = 7) {
    Scheduler* const schedulers[] = {scheduler_.get()};
    return std::move(*Entity::create(priority, schedulers, world_.client(client)));
  }

  void pump() {
    kicked_ = false;
    scheduler_->pump(world_.now());
    set_timer();
  }
  bool kick_pending() const { return kicked_; }

  // Ends up to `count` jobs, oldest first; returns how many.
  int advance(int count) {
    int done = 0;
    for (; done < count && !emissions_.empty(); ++done) complete(emissions_.front().fence);
    return done;
  }
  // What a reset does to the ring: nothing emitted so far completes any more.
  void drop_emissions() {
    for (Emission& emission : emissions_) world_.executor.cancel(emission.timer);
    emissions_.clear();
  }
  fence::FenceRef emit(TestJob& job) {
    auto fence = base::make_ref<fence::ManualFence>(context_, ++emitted_, "hw");
    emissions_.push_back({fence, job.duration, 0});
    start_emissions();
    return fence;
  }
  size_t emissions() const { return emissions_.size(); }

  fence::FenceRef prepare_job(Job& job) override {
    const UncountedAllocations ours;
    auto& test_job = static_cast<TestJob&>(job);
    if (on_prepare) return on_prepare(test_job);
    const fence::FenceRef& blocker = test_job.blocker;
    return blocker && !blocker->test_signaled() ? blocker : nullptr;
  }
  base::Result<fence::FenceRef> run_job(Job& base) override {
    const UncountedAllocations ours;
    auto& job = static_cast<TestJob&>(base);
    ++job.runs;
    order.push_back(&job);
    if (on_run) on_run(job);
    switch (job.outcome) {
      case Outcome::kExecutes:
        break;
      case Outcome::kNothingToDo:
        return fence::FenceRef();
      case Outcome::kFails:
        return base::fail(EIO, "the job fails");
      case Outcome::kAlreadySignaled: {
        auto fence = base::make_ref<fence::ManualFence>(context_, ++emitted_, "hw");
        fence->signal(world_.now());
        return fence::FenceRef(fence);
      }
    }
    return emit(job);
  }
  void free_job(Job& job) override {
    const UncountedAllocations ours;
    ++static_cast<TestJob&>(job).frees;
    EXPECT_TRUE(job.finished()->test_signaled());
    if (on_free) on_free(static_cast<TestJob&>(job));
  }
  TimeoutVerdict timed_out(Job& job) override {
    const UncountedAllocations ours;
    ++timeouts;
    return on_timeout(static_cast<TestJob&>(job));
  }
  void kick(Scheduler&) override {
    const UncountedAllocations ours;
    EXPECT_FALSE(kicked_) << "kicked twice before a pump";
    kicked_ = true;
    if (auto_pump) world_.executor.post([this] { pump(); });
  }

  bool auto_pump = true;
  int timeouts = 0;
  std::vector<const TestJob*> order;  // of run_job
  std::function<fence::FenceRef(TestJob&)> on_prepare;
  std::function<void(TestJob&)> on_run;
  std::function<void(TestJob&)> on_free;
  std::function<TimeoutVerdict(TestJob&)> on_timeout = [](TestJob&) {
    return TimeoutVerdict::kNoHang;
  };

 private:
  struct Emission {
    base::Ref<fence::ManualFence> fence;
    Nanos duration;
    base::TimerId timer;
  };

  void start_emissions() {
    const UncountedAllocations ours;
    for (Emission& emission : emissions_) {
      if (emission.duration >= 0 && emission.timer == 0) {
        emission.timer = world_.executor.post_at(
            world_.now() + emission.duration, [this, fence = emission.fence] { complete(fence); });
      }
      if (in_order_) break;
    }
  }
  void complete(base::Ref<fence::ManualFence> fence) {
    std::erase_if(emissions_, [&](const Emission& emission) {
      if (emission.fence == fence) world_.executor.cancel(emission.timer);
      return emission.fence == fence;
    });
    fence->signal(world_.now());
    start_emissions();
  }
  void set_timer() {
    const UncountedAllocations ours;
    world_.executor.cancel(timer_);
    timer_ = 0;
    if (const auto deadline = scheduler_->next_deadline()) {
      timer_ = world_.executor.post_at(*deadline, [this] {
        scheduler_->check_timeouts(world_.now());
        set_timer();
      });
    }
  }

  World& world_;
  uint64_t context_;
  uint64_t emitted_ = 0;
  bool in_order_;
  bool kicked_ = false;
  base::TimerId timer_ = 0;
  std::deque<Emission> emissions_;
  std::unique_ptr<Scheduler> scheduler_;
};

// One ring; fini and a leak check at the end.
class SchedTest : public testing::Test {
 protected:
  explicit SchedTest(SchedulerOptions options = {.name = "gfx", .credit_limit = 1'000'000})
      : ring(world, std::move(options)) {}

  void TearDown() override {
    ring.scheduler().fini(world.now(), -ECANCELED);
    EXPECT_EQ(ring.scheduler().credits_in_flight(), 0u);
    EXPECT_EQ(ring.scheduler().score(), 0u);
    held.clear();
    EXPECT_EQ(world.live_jobs, 0);
  }

  // Jobs are kept for looking at until the end.
  TestJob& push(Entity& entity, Nanos duration = TestJob::kUntilAdvanced, uint32_t credits = 1,
                std::vector<fence::FenceRef> dependencies = {}) {
    held.push_back(submit(world, entity, duration, credits, std::move(dependencies)));
    return *held.back();
  }
  void run_for(Nanos span) { world.executor.run_for(span); }
  // Everything that happens now.
  void settle() { run_for(0); }

  World world;
  MockRing ring;
  std::vector<TestJobRef> held;
};

}  // namespace fakegpu::sched
