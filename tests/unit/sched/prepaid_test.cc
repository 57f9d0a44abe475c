// SPDX-License-Identifier: MIT
// What "prepaid" promises: shares, waits, and that there is no way around paying.
#include <rapidcheck.h>

#include "load.h"

namespace fakegpu::sched {
namespace {

double share(const Load& one, const Load& other) {
  return static_cast<double>(one.gpu_time()) /
         static_cast<double>(one.gpu_time() + other.gpu_time());
}

TEST(Prepaid, AClientThatNeverQueuesTwoJobsPaysLikeAnother) {
  LoadedRing ring("prepaid");
  Load& many = ring.run(deep(ms(1)));
  Load& single = ring.run(sync(ms(50)));
  ring.run_for(ms(2000));
  EXPECT_NEAR(share(single, many), 0.5, 0.025);
  EXPECT_GT(many.gpu_time() + single.gpu_time(), ms(1990));
}

TEST(Prepaid, ABatchAfterALongTimeOfSingleJobsIsNoShock) {
  for (const int seconds : {1, 5}) {
    LoadedRing ring("prepaid");
    ring.run(deep(ms(4)));
    Load& single = ring.run(sync(ms(2)));
    ring.run_for(ms(1000) * seconds);
    single.set_batch(2);
    ring.run_for(ms(100));
    EXPECT_LE(single.longest(), ms(20));
  }
}

TEST(Prepaid, PrioritiesAreWeights) {
  LoadedRing high_ring("prepaid");
  Load& high = high_ring.run(deep(ms(1)), 1, Priority::kHigh);
  Load& normal = high_ring.run(deep(ms(1)), 2, Priority::kNormal);
  high_ring.run_for(ms(4000));
  EXPECT_NEAR(static_cast<double>(high.gpu_time()) / normal.gpu_time(), 4.0, 0.05);

  LoadedRing low_ring("prepaid");
  Load& regular = low_ring.run(deep(ms(1)), 1, Priority::kNormal);
  Load& low = low_ring.run(deep(ms(1)), 2, Priority::kLow);
  low_ring.run_for(ms(4000));
  EXPECT_NEAR(static_cast<double>(regular.gpu_time()) / low.gpu_time(), 8.0, 0.1);
}

TEST(Prepaid, AHundredEntitiesAreOneClient) {
  LoadedRing ring("prepaid");
  Load& single = ring.run(deep(ms(1)), 1);
  std::vector<Load*> many;
  for (int i = 0; i < 100; ++i) many.push_back(&ring.run(deep(ms(1)), 2));
  ring.run_for(ms(4000));
  EXPECT_NEAR(static_cast<double>(single.gpu_time()), 2e9, 5e6);
  // And they share what the client gets.
  for (const Load* one : many) EXPECT_NEAR(static_cast<double>(one->gpu_time()), 2e7, 1.1e6);
}

TEST(Prepaid, LowPriorityHasAFloor) {
  LoadedRing ring("prepaid");
  for (int i = 0; i < 100; ++i) ring.run(deep(ms(1)));
  Load& low = ring.run(deep(ms(1)), 1000, Priority::kLow);
  ring.run_for(ms(6400));
  // Its weight alone would give it 1/801.
  EXPECT_NEAR(static_cast<double>(low.gpu_time()), 6.4e9 / 32, 3e6);
}

// A job that took less than expected gives back what low priority was credited for it, or had.
TEST(Prepaid, GoesOnFromACreditThatIsOverdrawn) {
  const PolicyMemory memory[] = {{nullptr, "now", 0, {5, -7, 1}}, {nullptr, "table", 0, {0, 0, 0}}};
  const auto policy = *make_policy("prepaid");
  ASSERT_TRUE(policy->restore({}, memory));
  std::vector<PolicyMemory> saved;
  policy->save({}, saved);
  ASSERT_FALSE(saved.empty());
  EXPECT_EQ(saved[0].numbers, memory[0].numbers);
}

TEST(Prepaid, ASleeperHasNoCreditAndNoPenalty) {
  LoadedRing ring("prepaid");
  Load& busy = ring.run(deep(ms(1)));
  ring.run_for(ms(3000));
  const Nanos before = busy.gpu_time();
  Load& sleeper = ring.run(deep(ms(1)));
  ring.run_for(ms(100));
  EXPECT_NEAR(static_cast<double>(sleeper.gpu_time()), 5e7, 2e6);
  EXPECT_NEAR(static_cast<double>(busy.gpu_time() - before), 5e7, 2e6);
}

TEST(Prepaid, AFreshEntityForEachJobDoesNotShedTheDebt) {
  LoadedRing ring("prepaid");
  Load& honest = ring.run(deep(ms(1)), 1);
  Nanos used = 0;
  std::unique_ptr<Entity> entity;
  while (ring.world().now() < ms(2000)) {
    entity = ring.ring().entity(Priority::kNormal, 2);
    const TestJobRef job = submit(ring.world(), *entity, ms(50));
    while (!job->is_finished()) ring.run_for(ms(1));
    used += ms(50);
    entity.reset();
  }
  EXPECT_NEAR(static_cast<double>(used) / static_cast<double>(honest.gpu_time()), 1.0, 0.1);
}

TEST(Prepaid, ALowEntityForEachJobDoesNotTakeMoreThanTheFloor) {
  LoadedRing ring("prepaid");
  Load& honest = ring.run(deep(ms(1)), 1);
  ring.run_for(ms(10));
  Nanos used = 0;
  while (ring.world().now() < ms(8000)) {
    auto entity = ring.ring().entity(Priority::kLow, 2);
    const TestJobRef job = submit(ring.world(), *entity, ms(20));
    while (!job->is_finished()) ring.run_for(ms(1));
    used += ms(20);
  }
  EXPECT_LE(used, honest.gpu_time() / 8 + ms(20));
}

TEST(Prepaid, AnIdleRingPaysDebts) {
  LoadedRing ring("prepaid");
  Load& debtor = ring.add(sync(ms(100), ms(500)), 1);
  debtor.start();
  ring.run_for(ms(300));  // it has used 100 ms, and the ring was idle for longer
  Load& other = ring.run(deep(ms(1)), 2);
  Load& again = ring.run(sync(ms(1)), 1);
  ring.run_for(ms(10));
  EXPECT_GE(again.completed(), 4u);
  EXPECT_GE(other.completed(), 4u);
}

TEST(Prepaid, KernelJobsGoFirst) {
  LoadedRing ring("prepaid");
  Load& kernel = ring.run(deep(ms(1)), 1, Priority::kKernel);
  Load& high = ring.run(deep(ms(1)), 2, Priority::kHigh);
  ring.run_for(ms(100));
  EXPECT_GE(kernel.gpu_time(), ms(98));
  EXPECT_LE(high.gpu_time(), ms(1));
}

// For any two clients that always have jobs: what they used over their weights differs by no more
// than each one's longest job for every job that may be in flight, and one besides.
void check_share_bound(bool lifted) {
  const auto credits = *rc::gen::inRange<uint32_t>(1, 4);
  const auto seed = *rc::gen::arbitrary<uint32_t>();
  const std::vector<int> longest = {*rc::gen::inRange(1, 40), *rc::gen::inRange(1, 40),
                                    *rc::gen::inRange(1, 40)};
  const std::vector<bool> is_high = {*rc::gen::arbitrary<bool>(), *rc::gen::arbitrary<bool>(),
                                     *rc::gen::arbitrary<bool>()};
  std::mt19937 random(seed);
  LoadedRing ring("prepaid", credits);
  std::vector<std::unique_ptr<Entity>> entities;
  std::vector<std::vector<TestJobRef>> jobs(3);
  for (size_t i = 0; i < 3; ++i) {
    entities.push_back(ring.ring().entity(is_high[i] ? Priority::kHigh : Priority::kNormal, i + 1));
    for (int j = 0; j < 1500; ++j) {
      const Nanos length = random() % (longest[i] * 100'000u) + 1;
      jobs[i].push_back(submit(ring.world(), *entities[i], length));
      if (lifted && random() % 2) {
        fence::Urgency urgency{.waited = true};
        jobs[i].back()->finished()->urge(urgency);
      }
    }
  }
  const auto cost = [&](size_t i) {
    return static_cast<double>(entities[i]->usage().gpu_time) / (is_high[i] ? 4 : 1);
  };
  const double lead = lifted ? 2 * 1e6 : 0;
  for (int slice = 0; slice < 100; ++slice) {
    ring.run_for(300'000);
    for (size_t i = 0; i < 3; ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (entities[i]->idle() || entities[j]->idle()) return;
        const double bound =
            (credits + 1) *
                (longest[i] / (is_high[i] ? 4. : 1.) + longest[j] / (is_high[j] ? 4. : 1.)) * 1e5 +
            lead;
        RC_ASSERT(std::abs(cost(i) - cost(j)) <= bound);
      }
    }
  }
}

TEST(Prepaid, SharesDifferByNoMoreThanTheBound) {
  EXPECT_TRUE(rc::check([] { check_share_bound(false); }));
}

TEST(Prepaid, WaitersMoveSharesByNoMoreThanTheLead) {
  EXPECT_TRUE(rc::check([] { check_share_bound(true); }));
}

// Also one that was never there before, when another stands where the ring's virtual time does.
TEST(Prepaid, AClientThatIsNewGoesNextToo) {
  constexpr Nanos kLongest = 469906;
  LoadedRing ring("prepaid", 2);
  for (const Nanos length : {kLongest - 35648, kLongest, kLongest - 35648}) ring.run(deep(length));
  ring.run_for(2 * 4 * kLongest);
  auto comer = ring.ring().entity(Priority::kNormal, 1000);
  const TestJobRef job = submit(ring.world(), *comer, 1);
  ring.run_for(10 * kLongest);
  ASSERT_TRUE(job->is_finished());
  EXPECT_LE(job->started_at() - job->pushed_at(), 2 * kLongest);
}

// Who uses less than its share and comes back goes next: it waits for what is in flight. If that
// takes less than was expected, whose it is may go before once more: it has that much to get back.
void check_wait_bound(bool alike) {
  const auto others = *rc::gen::inRange(1, 9);
  const auto credits = *rc::gen::inRange<uint32_t>(1, 4);
  const Nanos longest = *rc::gen::inRange(100'000, 4'000'000);
  LoadedRing ring("prepaid", credits);
  for (int i = 0; i < others; ++i)
    ring.run(deep(alike ? longest : longest - *rc::gen::inRange<Nanos>(0, longest / 2)));
  ring.run_for(2 * (others + 1) * longest);  // all had a turn since they came
  auto sleeper = ring.ring().entity(Priority::kNormal, 1000);
  for (int i = 0; i < 50; ++i) {
    const Nanos length = *rc::gen::inRange<Nanos>(1, longest);
    const TestJobRef job = submit(ring.world(), *sleeper, length);
    ring.run_for((others + 1) * length + (others + 2 * credits + 2) * longest);
    RC_ASSERT(job->is_finished());
    RC_ASSERT(job->started_at() - job->pushed_at() <= (alike ? 1 : 2) * credits * longest);
  }
}

TEST(Prepaid, AClientBelowItsShareWaitsOnlyForWhatIsInFlight) {
  EXPECT_TRUE(rc::check([] { check_wait_bound(true); }));
}

TEST(Prepaid, AClientBelowItsShareWaitsForNoMoreThanWhatWasChargedTooMuch) {
  EXPECT_TRUE(rc::check([] { check_wait_bound(false); }));
}

}  // namespace
}  // namespace fakegpu::sched
