// SPDX-License-Identifier: MIT
#include <algorithm>
#include <map>
#include <random>

#include "mock_ring.h"

namespace fakegpu::sched {
namespace {

using Order = std::vector<const TestJob*>;

class FifoTest : public SchedTest {
 protected:
  FifoTest() : SchedTest({.name = "gfx", .credit_limit = 1}) {}
};

TEST(PolicyTable, NamesMakePoliciesOfThatName) {
  EXPECT_GE(policy_names().size(), 2u);
  EXPECT_EQ(policy_names()[0], "prepaid");
  for (const std::string_view name : policy_names()) {
    auto policy = make_policy(name);
    ASSERT_TRUE(policy);
    EXPECT_EQ((*policy)->name(), name);
    EXPECT_EQ((*policy)->pick(), nullptr);
    EXPECT_EQ((*policy)->ready(), 0u);
  }
  auto unknown = make_policy("lottery");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), EINVAL);
}

TEST_F(FifoTest, TheOldestHeadGoesFirst) {
  auto a = ring.entity();
  auto b = ring.entity();
  TestJob& a1 = push(*a, 100);
  run_for(1);
  TestJob& a2 = push(*a, 100);
  run_for(1);
  TestJob& b1 = push(*b, 100);
  run_for(1);
  TestJob& a3 = push(*a, 100);
  world.executor.run();
  EXPECT_EQ(ring.order, (Order{&a1, &a2, &b1, &a3}));
}

TEST_F(FifoTest, AmongHeadsOfOneInstantTheFirstComerGoesFirst) {
  auto a = ring.entity();
  auto b = ring.entity();
  auto c = ring.entity();
  TestJob& c1 = push(*c, 10);
  TestJob& a1 = push(*a, 10);
  TestJob& b1 = push(*b, 10);
  TestJob& b2 = push(*b, 10);
  TestJob& a2 = push(*a, 10);
  world.executor.run();
  EXPECT_EQ(ring.order, (Order{&c1, &a1, &b1, &a2, &b2}));
}

TEST_F(FifoTest, PriorityIsStrict) {
  std::unique_ptr<Entity> entities[kPriorities];
  TestJob* jobs[kPriorities];
  for (size_t i = kPriorities; i-- > 0;) {
    entities[i] = ring.entity(static_cast<Priority>(i));
    jobs[i] = &push(*entities[i], 10);
    push(*entities[i], 10);
    run_for(0);
  }
  world.executor.run();
  // The lowest found the ring idle; then the best first, each emptied before the next.
  EXPECT_EQ(ring.order[0], jobs[3]);
  EXPECT_EQ(ring.order[1], jobs[0]);
  EXPECT_EQ(ring.order[3], jobs[1]);
  EXPECT_EQ(ring.order[5], jobs[2]);
}

TEST_F(FifoTest, ANewPriorityReordersWaitingEntities) {
  auto blocker = ring.entity();
  push(*blocker, 10);
  settle();
  auto a = ring.entity();
  auto b = ring.entity(Priority::kLow);
  TestJob& a1 = push(*a, 10);
  TestJob& b1 = push(*b, 10);
  settle();
  EXPECT_EQ(ring.scheduler().policy().ready(), 2u);
  b->set_priority(Priority::kHigh);
  EXPECT_EQ(b->priority(), Priority::kHigh);
  EXPECT_EQ(ring.scheduler().policy().ready(), 2u);
  world.executor.run();
  EXPECT_EQ(ring.order[1], &b1);
  EXPECT_EQ(ring.order[2], &a1);
}

TEST_F(FifoTest, KilledEntitiesLeaveThePolicy) {
  auto blocker = ring.entity();
  push(*blocker, 10);
  std::vector<std::unique_ptr<Entity>> entities;
  for (int i = 0; i < 20; ++i) {
    entities.push_back(ring.entity());
    push(*entities.back(), 10);
  }
  settle();
  EXPECT_EQ(ring.scheduler().policy().ready(), 20u);
  for (size_t i = 0; i < entities.size(); i += 2) entities[i]->kill(world.now());
  EXPECT_EQ(ring.scheduler().policy().ready(), 10u);
  world.executor.run();
  ASSERT_EQ(ring.order.size(), 11u);
  for (size_t i = 1; i < 11; ++i) EXPECT_EQ(ring.order[i], held[2 * i].get());
}

class RoundRobinTest : public testing::Test {
 protected:
  RoundRobinTest() : ring(world, {.name = "gfx", .credit_limit = 1}, "rr") {}
  ~RoundRobinTest() override {
    ring.scheduler().fini(world.now(), -ECANCELED);
    EXPECT_EQ(world.live_jobs - static_cast<int>(held.size()), 0);
  }
  TestJob& push(Entity& entity) {
    held.push_back(submit(world, entity, 10));
    return *held.back();
  }

  World world;
  MockRing ring;
  std::vector<TestJobRef> held;
};

TEST_F(RoundRobinTest, EntitiesTakeTurnsWhateverTheirBacklog) {
  auto hog = ring.entity();
  for (int i = 0; i < 6; ++i) push(*hog);
  world.executor.run_for(5);
  auto late = ring.entity();
  for (int i = 0; i < 3; ++i) push(*late);
  world.executor.run();
  std::vector<int> turns;
  for (const TestJob* job : ring.order) {
    const auto at = std::find(held.begin(), held.end(), TestJobRef(const_cast<TestJob*>(job)));
    turns.push_back(at - held.begin() < 6 ? 0 : 1);
  }
  EXPECT_EQ(turns, (std::vector<int>{0, 0, 1, 0, 1, 0, 1, 0, 0}));
}

TEST_F(RoundRobinTest, NewcomersDoNotPassThoseThatWait) {
  std::vector<std::unique_ptr<Entity>> entities;
  entities.push_back(ring.entity());
  push(*entities.back());
  TestJob& waiting = push(*entities.back());
  world.executor.run_for(1);
  for (int i = 0; i < 5; ++i) {
    entities.push_back(ring.entity());
    push(*entities.back());
  }
  world.executor.run_for(10);
  // Served at 0, so it now stands behind nobody who came later and ahead of the late five.
  for (int i = 0; i < 5; ++i) {
    entities.push_back(ring.entity());
    push(*entities.back());
  }
  world.executor.run();
  const auto place = std::find(ring.order.begin(), ring.order.end(), &waiting);
  EXPECT_LE(place - ring.order.begin(), 6);
}

TEST_F(RoundRobinTest, PriorityIsStrict) {
  auto low = ring.entity(Priority::kLow);
  auto high = ring.entity(Priority::kHigh);
  TestJob& low1 = push(*low);
  TestJob& low2 = push(*low);
  world.executor.run_for(1);
  TestJob& high1 = push(*high);
  TestJob& high2 = push(*high);
  world.executor.run();
  EXPECT_EQ(ring.order, (Order{&low1, &high1, &high2, &low2}));
}

// Many entities, removed and re-sorted at random: what comes out is sorted.
TEST_F(FifoTest, OrderHoldsForThousandsOfEntities) {
  auto blocker = ring.entity(Priority::kKernel);
  push(*blocker, 100'000);
  std::mt19937_64 random(5);
  std::vector<std::unique_ptr<Entity>> entities;
  for (int i = 0; i < 3000; ++i) {
    entities.push_back(ring.entity(static_cast<Priority>(random() % kPriorities)));
    push(*entities.back(), 1);
    run_for(random() % 3);
  }
  for (int i = 0; i < 3000; ++i) {
    Entity& entity = *entities[random() % entities.size()];
    entity.set_priority(static_cast<Priority>(random() % kPriorities));
    if (i % 10 == 0) entity.kill(world.now());
  }
  std::vector<size_t> alive;
  for (size_t i = 0; i < entities.size(); ++i) {
    if (!entities[i]->killed()) alive.push_back(i);
  }
  auto key = [&](size_t i) {
    return std::make_pair(entities[i]->priority(), held[i + 1]->pushed_at());
  };
  std::sort(alive.begin(), alive.end(), [&](size_t a, size_t b) { return key(a) < key(b); });
  world.executor.run();
  ASSERT_EQ(ring.order.size(), alive.size() + 1);
  std::map<const Job*, size_t> index;
  for (const size_t i : alive) index[held[i + 1].get()] = i;
  for (size_t i = 0; i < alive.size(); ++i) {
    EXPECT_EQ(key(index.at(ring.order[i + 1])), key(alive[i]));
  }
}

}  // namespace
}  // namespace fakegpu::sched
