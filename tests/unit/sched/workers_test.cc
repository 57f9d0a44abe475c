// SPDX-License-Identifier: MIT
// Upstream's KUnit cases "concurrent", "priority" and "modify_sched". Their threads are events at
// random virtual times here, so each seed is another interleaving, and every policy has to pass.
#include <random>
#include <span>

#include "mock_ring.h"

namespace fakegpu::sched {
namespace {

class Workers : public testing::TestWithParam<std::string_view> {
 protected:
  // Calls `body(world, random)` with several seeds, and checks that no job is left.
  template <typename F>
  void for_seeds(F&& body) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      SCOPED_TRACE(fmt::format("seed {}", seed));
      World world(seed);
      std::mt19937_64 random(seed);
      body(world, random);
      EXPECT_EQ(world.live_jobs, 0);
    }
  }
  // `step()` now and then, until it returns false.
  static void now_and_then(World& world, std::mt19937_64& random, Nanos least, Nanos most,
                           std::function<bool()> step) {
    const Nanos when = world.now() + least + static_cast<Nanos>(random() % (most - least + 1));
    world.executor.post_at(when, [=, &world, &random, step = std::move(step)] {
      if (step()) now_and_then(world, random, least, most, step);
    });
  }
};

TEST_P(Workers, SubmitInParallel) {
  for_seeds([](World& world, std::mt19937_64& random) {
    MockRing ring(world, {.name = "gfx", .credit_limit = 1'000'000}, GetParam());
    std::vector<std::unique_ptr<Entity>> entities;
    std::vector<TestJobRef> jobs;
    for (uint64_t worker = 0; worker < 16; ++worker) {
      entities.push_back(ring.entity(Priority::kNormal, worker));
      now_and_then(world, random, 0, kNanosPerMicro,
                   [&world, &jobs, entity = entities.back().get(), left = 8]() mutable {
                     jobs.push_back(submit(world, *entity, TestJob::kUntilAdvanced));
                     return --left > 0;
                   });
    }
    world.executor.run();
    ASSERT_EQ(jobs.size(), 128u);
    for (const TestJobRef& job : jobs) EXPECT_TRUE(job->is_scheduled());
    EXPECT_EQ(ring.advance(128), 128);
    for (const TestJobRef& job : jobs) EXPECT_TRUE(job->is_finished());
    ring.scheduler().fini(world.now(), -ECANCELED);
  });
}

// A worker keeps eight jobs in flight: it submits one when it finds less.
TEST_P(Workers, SubmitInterleavedWindows) {
  for_seeds([](World& world, std::mt19937_64& random) {
    MockRing ring(world, {.name = "gfx", .credit_limit = 1'000'000}, GetParam());
    std::vector<std::unique_ptr<Entity>> entities;
    for (uint64_t worker = 0; worker < 16; ++worker) {
      entities.push_back(ring.entity(Priority::kNormal, worker));
      const Nanos duration = 100 * kNanosPerMicro * static_cast<Nanos>(worker + 1);
      now_and_then(world, random, duration, 4 * duration,
                   [&world, entity = entities.back().get(), duration, left = 40]() mutable {
                     if (entity->usage().unfinished() >= 8) return true;
                     submit(world, *entity, duration);
                     return --left > 0;
                   });
    }
    world.executor.run();
    for (const auto& entity : entities) EXPECT_EQ(entity->usage().completed, 40u);
    // 40 jobs of 100 us, 200 us, ... 1600 us. Towards the end the slow ones are alone.
    EXPECT_LE(world.now(), kNanosPerSecond);
    ring.scheduler().fini(world.now(), -ECANCELED);
  });
}

TEST_P(Workers, OfAllPrioritiesFinish) {
  for_seeds([](World& world, std::mt19937_64&) {
    MockRing ring(world, {.name = "gfx", .credit_limit = 1}, GetParam());
    std::unique_ptr<Entity> entities[kPriorities];
    for (size_t i = 0; i < kPriorities; ++i) entities[i] = ring.entity(static_cast<Priority>(i), i);
    for (size_t i = 0; i < 100; ++i) submit(world, *entities[i % kPriorities], kNanosPerMilli);
    world.executor.run();
    EXPECT_EQ(world.now(), 100 * kNanosPerMilli);
    for (const auto& entity : entities) EXPECT_EQ(entity->usage().completed, 25u);
    ring.scheduler().fini(world.now(), -ECANCELED);
  });
}

TEST_P(Workers, MayChangePriorityAllTheTime) {
  for_seeds([](World& world, std::mt19937_64& random) {
    MockRing ring(world, {.name = "gfx", .credit_limit = 1}, GetParam());
    std::unique_ptr<Entity> entities[4];
    for (size_t i = 0; i < 4; ++i) entities[i] = ring.entity(Priority::kNormal, i);
    for (size_t i = 0; i < 1000; ++i) submit(world, *entities[i % 4], 100 * kNanosPerMicro);
    now_and_then(world, random, 200 * kNanosPerMicro, 500 * kNanosPerMicro,
                 [&ring, &entities, step = size_t{0}]() mutable {
                   for (size_t i = 0; i < 4; ++i)
                     entities[i]->set_priority(static_cast<Priority>((step + i) % kPriorities));
                   ++step;
                   return ring.scheduler().usage().unfinished() > 0;
                 });
    world.executor.run();
    for (const auto& entity : entities) EXPECT_EQ(entity->usage().completed, 250u);
    EXPECT_LE(world.now(), 100 * kNanosPerMilli + 500 * kNanosPerMicro);
    ring.scheduler().fini(world.now(), -ECANCELED);
  });
}

TEST_P(Workers, MayChangeTheirSchedulersAllTheTime) {
  for_seeds([](World& world, std::mt19937_64& random) {
    std::vector<std::unique_ptr<MockRing>> rings;
    std::vector<Scheduler*> schedulers;
    for (int i = 0; i < 3; ++i) {
      rings.push_back(std::make_unique<MockRing>(
          world, SchedulerOptions{.name = "compute", .credit_limit = 4}, GetParam()));
      schedulers.push_back(&rings.back()->scheduler());
    }
    std::vector<std::unique_ptr<Entity>> entities;
    for (uint64_t i = 0; i < 13; ++i) {
      entities.push_back(
          std::move(*Entity::create(Priority::kNormal, schedulers, world.client(i))));
    }
    size_t pushed = 0;
    now_and_then(world, random, 0, 100 * kNanosPerMicro, [&] {
      submit(world, *entities[pushed % entities.size()], 100 * kNanosPerMicro);
      return ++pushed < 1000;
    });
    now_and_then(world, random, 0, 100 * kNanosPerMicro, [&] {
      const std::span<Scheduler* const> some(schedulers.data() + random() % 2, 1 + random() % 2);
      EXPECT_TRUE(entities[random() % entities.size()]->set_schedulers(some));
      return pushed < 1000;
    });
    world.executor.run();
    uint64_t completed = 0;
    for (const auto& entity : entities) completed += entity->usage().completed;
    EXPECT_EQ(completed, 1000u);
    for (Scheduler* scheduler : schedulers) {
      EXPECT_GT(scheduler->usage().completed, 0u);
      EXPECT_EQ(scheduler->score(), 0u);
    }
    entities.clear();
    for (Scheduler* scheduler : schedulers) scheduler->fini(world.now(), -ECANCELED);
  });
}

INSTANTIATE_TEST_SUITE_P(Sched, Workers, testing::ValuesIn(policy_names()),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace fakegpu::sched
