// SPDX-License-Identifier: MIT
// Urgency travels from who waits to who is waited for.
#include <rapidcheck.h>

#include "fence/chain.h"
#include "load.h"

namespace fakegpu::sched {
namespace {

class UrgencyTest : public SchedTest {
 protected:
  UrgencyTest() : SchedTest({.name = "gfx", .credit_limit = 1, .in_order = false}) {
    use("prepaid");
  }
  void use(std::string_view policy) {
    ring.scheduler().set_policy(std::move(*make_policy(policy)));
  }
  std::unique_ptr<Entity> client(uint64_t id, Priority priority = Priority::kNormal) {
    return ring.entity(priority, id);
  }
  static fence::Urgency waited() { return {.waited = true}; }
  // In which place the job ran.
  long place(const TestJob& job) const {
    return std::find(ring.order.begin(), ring.order.end(), &job) - ring.order.begin();
  }
};

TEST_F(UrgencyTest, AHighJobPullsTheLowJobItDependsOn) {
  auto low = client(1, Priority::kLow);
  auto normal = client(2);
  auto high = client(3, Priority::kHigh);
  push(*normal, ms(1));
  for (int i = 0; i < 20; ++i) push(*normal, ms(1));
  push(*low, ms(1));
  TestJob& wanted = push(*low, ms(1));
  run_for(ms(2));
  TestJob& urgent = push(*high, ms(1), 1, {wanted.finished()});
  world.executor.run();
  // The one that runs, the two of the low entity, and then it.
  EXPECT_LE(place(wanted), 5);
  EXPECT_EQ(place(urgent), place(wanted) + 1);
}

TEST_F(UrgencyTest, AWaitForAJobThatRunsLiftsNobodyBehindIt) {
  auto entity = client(1);
  TestJob& running = push(*entity, ms(1));
  push(*entity, ms(1));
  settle();
  ASSERT_TRUE(running.is_scheduled());
  fence::Urgency urgency = waited();
  entity->urge(running.finished()->seqno(), urgency);
  EXPECT_FALSE(entity->lift().lifted());
  entity->urge(running.finished()->seqno() + 1, urgency);
  EXPECT_TRUE(entity->lift().lifted());
  world.executor.run();
}

TEST_F(UrgencyTest, TheDependantPays) {
  auto low = client(1, Priority::kLow);
  auto other = client(2, Priority::kHigh);
  auto high = client(3, Priority::kHigh);
  for (int i = 0; i < 40; ++i) {
    TestJob& work = push(*low, ms(1));
    push(*high, ms(1), 1, {work.finished()});
    push(*other, ms(1));
  }
  run_for(ms(60));
  // What client 1 does for client 3 is 3's: together they get what 2 gets.
  EXPECT_NEAR(static_cast<double>(low->usage().gpu_time + high->usage().gpu_time),
              static_cast<double>(other->usage().gpu_time), 4e6);
}

TEST_F(UrgencyTest, TravelsAlongAChainOfEntities) {
  std::vector<std::unique_ptr<Entity>> low;
  std::vector<TestJob*> chain;
  for (uint64_t i = 0; i < 8; ++i) {
    low.push_back(client(10 + i, Priority::kLow));
    std::vector<fence::FenceRef> before;
    if (!chain.empty()) before.push_back(chain.back()->finished());
    chain.push_back(&push(*low.back(), ms(1), 1, before));
  }
  auto normal = client(1);
  for (int i = 0; i < 100; ++i) push(*normal, ms(1));
  auto high = client(2, Priority::kHigh);
  TestJob& urgent = push(*high, ms(1), 1, {chain.back()->finished()});
  world.executor.run();
  EXPECT_LE(place(urgent), 20);
}

// Bounded inversion: what a HIGH job depends on runs at HIGH's own share of the ring, whatever
// priority it has and whoever else is busy.
TEST(Urgency, AnInversionIsBoundedByTheWorkThatIsDependedOn) {
  EXPECT_TRUE(rc::check([] {
    const auto credits = *rc::gen::inRange<uint32_t>(1, 4);
    const auto busy = *rc::gen::inRange(1, 8);
    const auto links = *rc::gen::inRange<size_t>(1, 12);
    std::mt19937 random(*rc::gen::arbitrary<uint32_t>());
    LoadedRing ring("prepaid", credits);
    World& world = ring.world();
    for (int i = 0; i < busy; ++i) ring.run(deep(ms(1)));
    ring.run_for(ms(20));
    // A chain through LOW entities of others, each with jobs of its own ahead.
    std::vector<std::unique_ptr<Entity>> entities;
    std::vector<TestJobRef> jobs;
    std::vector<fence::FenceRef> wanted;
    Nanos work = 0;
    const auto add = [&](Entity& entity, std::vector<fence::FenceRef> dependencies) {
      const Nanos length = 1 + random() % kNanosPerMilli;
      work += length;
      jobs.push_back(submit(world, entity, length, 1, std::move(dependencies)));
    };
    for (size_t link = 0; link < links; ++link) {
      entities.push_back(ring.ring().entity(Priority::kLow, 100 + random() % 4));
      for (unsigned ahead = random() % 3; ahead > 0; --ahead) add(*entities.back(), {});
      add(*entities.back(), std::exchange(wanted, {}));
      wanted.push_back(jobs.back()->finished());
    }
    entities.push_back(ring.ring().entity(Priority::kHigh, 200));
    add(*entities.back(), wanted);
    const Nanos pushed = world.now();
    ring.run_for(4 * work + ms(1000));
    RC_ASSERT(jobs.back()->is_finished());
    const Nanos bound = work + work * busy / 4 + ms(1) * (busy + 1) * credits;
    RC_ASSERT(jobs.back()->finished_at() - pushed <= bound);
  }));
}

TEST_F(UrgencyTest, AWaitLiftsWithinTheClientFirst) {
  auto batch = client(1);
  auto frame = client(1);
  for (int i = 0; i < 10; ++i) push(*batch, ms(1));
  run_for(ms(3));
  for (int i = 0; i < 3; ++i) push(*frame, ms(1));
  TestJob& wanted = *held.back();
  fence::Urgency urgency = waited();
  wanted.finished()->urge(urgency);
  world.executor.run();
  EXPECT_LE(place(wanted), 7);
}

TEST_F(UrgencyTest, GoesThroughContainers) {
  auto low = client(1, Priority::kLow);
  auto normal = client(2);
  for (int i = 0; i < 20; ++i) push(*normal, ms(1));
  TestJob& wanted = push(*low, ms(1));
  fence::FenceRef chain;
  chain = fence::Chain::create(world.contexts, chain, wanted.finished(), 1);
  auto high = client(3, Priority::kHigh);
  TestJob& urgent = push(*high, ms(1), 1, {chain});
  world.executor.run();
  EXPECT_LE(place(urgent), 4);
}

TEST_F(UrgencyTest, ALiftEndsWithTheJobThatIsWanted) {
  auto entity = client(1);
  TestJob& running = push(*entity, ms(1));
  TestJob& wanted = push(*entity, ms(1));
  push(*entity, ms(1));
  settle();
  EXPECT_TRUE(running.is_scheduled());
  fence::Urgency urgency = waited();
  wanted.finished()->urge(urgency);
  EXPECT_TRUE(entity->lift().lifted());
  run_for(ms(1));
  EXPECT_TRUE(wanted.is_scheduled());
  EXPECT_FALSE(entity->lift().lifted());
}

TEST_F(UrgencyTest, WhatCannotBeHastenedIsLeftAlone) {
  auto entity = client(1);
  TestJob& job = push(*entity, ms(1));
  settle();
  fence::Urgency urgency = waited();
  job.finished()->urge(urgency);  // runs already
  EXPECT_FALSE(entity->lift().lifted());
  world.executor.run();
  urgency = waited();
  job.finished()->urge(urgency);  // done
  EXPECT_EQ(urgency.visits_left, fence::Urgency::kMaxVisits);
  entity.reset();
  urgency = waited();
  job.finished()->urge(urgency);
}

TEST_F(UrgencyTest, OneWaitVisitsABoundedNumberOfJobs) {
  std::vector<std::unique_ptr<Entity>> entities;
  fence::FenceRef before = world.foreign_fence();
  const fence::FenceRef gate = before;
  for (uint64_t i = 0; i < 1000; ++i) {
    entities.push_back(client(i + 1));
    before = push(*entities.back(), 1, 1, {before}).finished();
  }
  settle();
  fence::Urgency urgency = waited();
  before->urge(urgency);
  EXPECT_EQ(urgency.visits_left, 0u);
  size_t lifted = 0;
  for (const auto& entity : entities) lifted += entity->lift().lifted();
  EXPECT_LE(lifted, fence::Urgency::kMaxVisits);
  EXPECT_GT(lifted, 50u);
  gate->signal(world.now());
  world.executor.run();
  for (const auto& job : held) EXPECT_TRUE(job->is_finished());
}

TEST_F(UrgencyTest, PoliciesOfLinuxDoNotHeedIt) {
  for (const char* policy : {"fifo", "rr", "fair"}) {
    use(policy);
    auto entity = client(1);
    push(*entity, ms(1));
    TestJob& job = push(*entity, ms(1));
    settle();
    job.finished()->set_deadline(1);
    EXPECT_FALSE(entity->lift().lifted()) << policy;
    world.executor.run();
  }
}

class EdfTest : public UrgencyTest {
 protected:
  EdfTest() { use("edf"); }
};

TEST_F(EdfTest, TheEarliestDeadlineGoesFirst) {
  auto a = client(1);
  auto b = client(2);
  auto c = client(3);
  push(*a, ms(1));
  settle();
  TestJob& later = push(*a, ms(1));
  TestJob& sooner = push(*b, ms(1));
  TestJob& never = push(*c, ms(1));
  later.finished()->set_deadline(ms(20));
  sooner.finished()->set_deadline(ms(10));
  world.executor.run();
  EXPECT_LT(place(sooner), place(later));
  EXPECT_LT(place(later), place(never));
}

TEST_F(EdfTest, WithoutADeadlineTheTurnComesBySubmission) {
  auto batch = client(1);
  auto frames = client(2);
  push(*batch, ms(1));
  settle();
  TestJob& patient = push(*batch, ms(1));
  for (int i = 0; i < 300; ++i) {
    push(*frames, ms(1)).finished()->set_deadline(world.now() + ms(3));
    run_for(ms(1));
  }
  EXPECT_TRUE(patient.is_finished());
  EXPECT_LE(patient.started_at(), ms(110));
  world.executor.run();
}

}  // namespace
}  // namespace fakegpu::sched
