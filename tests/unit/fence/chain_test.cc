// SPDX-License-Identifier: MIT
// The kernel's dma-fence-chain selftests by meaning (drivers/dma-buf/st-dma-fence-chain.c).
#include "fence/chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <numeric>
#include <random>

#include "fakes.h"
#include "fence/array.h"

namespace fakegpu::fence {
namespace {

using testing::ElementsAre;

struct ChainTest : testing::Test {
  // Points seqno(0), seqno(1) ... each on top of the one before.
  template <typename F>
  void build(size_t n, F seqno) {
    for (size_t i = 0; i < n; ++i) {
      fences.push_back(fake(100 + i));
      chains.push_back(Chain::create(contexts, i > 0 ? FenceRef(chains.back()) : FenceRef(),
                                     fences.back(), seqno(i)));
    }
  }
  void build(size_t n) {
    build(n, [](size_t i) { return i + 1; });
  }
  void listen_to_all() {
    listeners = std::make_unique<Listener[]>(chains.size());
    for (size_t i = 0; i < chains.size(); ++i) chains[i]->add_callback(listeners[i]);
  }
  ~ChainTest() override {
    listeners.reset();
    chains.clear();
    fences.clear();
    EXPECT_EQ(FakeFence::alive, 0);
  }

  // What find_seqno makes of `from`: the fence, and its result in `result`.
  FenceRef find(const FenceRef& from, uint64_t seqno) {
    FenceRef fence = from;
    result = Chain::find_seqno(fence, seqno);
    return fence;
  }

  Contexts contexts;
  std::vector<FakeRef> fences;
  std::vector<base::Ref<Chain>> chains;
  std::unique_ptr<Listener[]> listeners;
  int result = 0;
};

TEST_F(ChainTest, FindsTheNodeOfEverySeqno) {
  build(64);
  const FenceRef head = chains.back();
  EXPECT_EQ(find(head, 0), head);
  EXPECT_EQ(result, 0);
  for (size_t i = 0; i < 64; ++i) {
    EXPECT_EQ(find(head, i + 1), FenceRef(chains[i]));
    EXPECT_EQ(result, 0);
    EXPECT_EQ(find(chains[i], i + 1), FenceRef(chains[i]));
    find(chains[i], i + 2);
    EXPECT_EQ(result, -EINVAL);
    if (i > 0) {
      EXPECT_EQ(find(chains[i], i), FenceRef(chains[i - 1]));
    }
  }
}

TEST_F(ChainTest, OnlyAChainHasSeqnosToFind) {
  FakeRef plain = fake(1, 10);
  EXPECT_EQ(find(plain, 0), FenceRef(plain));
  EXPECT_EQ(result, 0);
  find(plain, 5);
  EXPECT_EQ(result, -EINVAL);
  find(nullptr, 5);
  EXPECT_EQ(result, -EINVAL);
}

TEST_F(ChainTest, FindsNothingForAPointThatIsDoneAndGone) {
  build(2);
  fences[0]->signal(1);
  EXPECT_FALSE(find(chains[1], 1));
  EXPECT_EQ(result, 0);
}

TEST_F(ChainTest, FindsAnOlderPendingNodeForOneThatOvertookIt) {
  build(3);
  fences[1]->signal(1);
  EXPECT_EQ(find(chains[2], 2), FenceRef(chains[0]));
  EXPECT_EQ(find(chains[1], 2), FenceRef(chains[1]));
  EXPECT_FALSE(chains[1]->is_signaled());
}

TEST_F(ChainTest, DoesNotLookForASeqnoInAnotherContext) {
  build(4, [](size_t i) { return std::array<uint64_t, 4>{5, 7, 3, 9}[i]; });
  // Point 3 came late, and so stands for 7 in the context that 9 joined.
  fences[2]->signal(1);
  EXPECT_EQ(find(chains[3], 4), FenceRef(chains[1]));
}

TEST_F(ChainTest, FindsTheNextNodeForASeqnoInAGap) {
  build(64, [](size_t i) { return 2 * i + 1; });
  const FenceRef head = chains.back();
  for (size_t i = 0; i < 63; ++i) {
    EXPECT_EQ(find(head, 2 * i + 1), FenceRef(chains[i]));
    EXPECT_EQ(find(head, 2 * i + 2), FenceRef(chains[i + 1]));
  }
}

TEST_F(ChainTest, FindingAndSignallingInAnyOrderNeverSkipsAPendingPoint) {
  std::mt19937 random(3);
  for (int round = 0; round < 30; ++round) {
    chains.clear();
    fences.clear();
    build(64);
    std::vector<size_t> left(64);
    std::iota(left.begin(), left.end(), 0);
    std::shuffle(left.begin(), left.end(), random);
    while (!left.empty()) {
      const uint64_t seqno = 1 + random() % 64;
      FenceRef found = find(chains.back(), seqno);
      ASSERT_EQ(result, 0);
      bool pending = false;
      for (size_t i = 0; i < seqno; ++i) pending |= !fences[i]->test_signaled();
      ASSERT_EQ(found && !found->is_signaled(), pending) << seqno;
      if (random() % 2) {
        fences[left.back()]->signal(1);
        left.pop_back();
      }
    }
    EXPECT_TRUE(chains.back()->is_signaled());
  }
}

TEST_F(ChainTest, SignalsForward) {
  build(64);
  for (size_t i = 0; i < 64; ++i) {
    fences[i]->signal(1);
    EXPECT_TRUE(chains[i]->is_signaled());
    if (i < 63) {
      EXPECT_FALSE(chains[i + 1]->is_signaled());
    }
  }
}

TEST_F(ChainTest, SignalsBackwardOnlyWhenTheFirstHas) {
  build(64);
  for (size_t i = 64; i-- > 0;) {
    EXPECT_FALSE(chains[63]->is_signaled());
    EXPECT_FALSE(chains[i]->is_signaled());
    fences[i]->signal(1);
  }
  for (auto& chain : chains) EXPECT_TRUE(chain->is_signaled());
}

// The order in which nodes are listened to and their fences signalled, each 64 long.
void check_waiters(ChainTest& test, const std::vector<size_t>& order) {
  test.build(64);
  test.listen_to_all();
  std::vector<bool> done(64);
  base::Nanos now = 0;
  for (size_t next : order) {
    test.fences[next]->signal(++now);
    done[next] = true;
    bool before = true;
    for (size_t i = 0; i < 64; ++i) {
      before = before && done[i];
      ASSERT_EQ(test.listeners[i].calls, before ? 1 : 0) << i;
      ASSERT_EQ(test.chains[i]->test_signaled(), before);
    }
  }
  // A node signalled when the last of what it covers did.
  base::Nanos latest = 0;
  for (size_t i = 0; i < 64; ++i) {
    latest = std::max(latest, test.fences[i]->timestamp());
    EXPECT_EQ(test.chains[i]->timestamp(), latest);
  }
}

std::vector<size_t> ascending() {
  std::vector<size_t> order(64);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

TEST_F(ChainTest, WaitersForward) {
  check_waiters(*this, ascending());
}

TEST_F(ChainTest, WaitersBackward) {
  auto order = ascending();
  std::reverse(order.begin(), order.end());
  check_waiters(*this, order);
}

TEST_F(ChainTest, WaitersInRandomOrder) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    listeners.reset();
    chains.clear();
    fences.clear();
    auto order = ascending();
    std::shuffle(order.begin(), order.end(), std::mt19937(seed));
    check_waiters(*this, order);
  }
}

TEST_F(ChainTest, WaitersAreToldWhateverIsWalkedOrDroppedMeanwhile) {
  std::mt19937 random(11);
  for (int round = 0; round < 200; ++round) {
    listeners.reset();
    chains.clear();
    fences.clear();
    build(24);
    listen_to_all();
    auto order = ascending();
    order.resize(24);
    std::shuffle(order.begin(), order.end(), random);
    for (size_t next : order) {
      // Lets a node go; its listener first, as one that holds no reference must.
      const size_t gone = random() % 23;
      listeners[gone].unlink();
      chains[gone] = nullptr;
      const size_t walked = random() % 24;
      if (chains[walked]) chains[walked]->walk();
      FenceRef found = chains[23];
      Chain::find_seqno(found, 1 + random() % 24);
      fences[next]->signal(1);
    }
    for (size_t i = 0; i < 24; ++i) {
      if (chains[i]) {
        ASSERT_EQ(listeners[i].calls, 1);
      }
    }
  }
}

TEST_F(ChainTest, JoinsTheContextOnlyWithAHigherSeqno) {
  FakeRef fence = fake();
  auto first = Chain::create(contexts, nullptr, fence, 4);
  EXPECT_EQ(first->previous_seqno(), 0u);
  auto second = Chain::create(contexts, first, fence, 6);
  EXPECT_EQ(second->context(), first->context());
  EXPECT_EQ(second->previous_seqno(), 4u);
  for (uint64_t seqno : {uint64_t{0}, uint64_t{3}, uint64_t{6}}) {
    auto other = Chain::create(contexts, second, fence, seqno);
    EXPECT_NE(other->context(), second->context());
    EXPECT_EQ(other->seqno(), 6u);
    EXPECT_EQ(other->previous_seqno(), 0u);
  }
  auto on_plain = Chain::create(contexts, fake(1, 50), fence, 2);
  EXPECT_EQ(on_plain->seqno(), 2u);
  EXPECT_EQ(on_plain->previous_seqno(), 0u);
  EXPECT_FALSE(second->context() == on_plain->context());
}

TEST_F(ChainTest, SeqnosAreSixtyFourBits) {
  FakeRef fence = fake();
  FenceRef head;
  const std::vector<uint64_t> points = {0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
                                        UINT64_MAX};
  for (uint64_t point : points) head = Chain::create(contexts, head, fence, point);
  for (uint64_t point : points) {
    FenceRef found = find(head, point);
    ASSERT_EQ(result, 0);
    EXPECT_EQ(found->seqno(), point);
    EXPECT_EQ(found->context(), head->context());
  }
}

TEST_F(ChainTest, APlainFenceBelowIsWaitedForToo) {
  for (bool listen : {false, true}) {
    FakeRef below = fake();
    FakeRef own = fake();
    auto node = Chain::create(contexts, below, own, 1);
    Listener listener;
    if (listen) node->add_callback(listener);
    own->signal(1);
    EXPECT_FALSE(node->is_signaled());
    EXPECT_EQ(find(node, 1), FenceRef(node));
    below->signal(2);
    EXPECT_EQ(listener.calls, listen ? 1 : 0);
    EXPECT_TRUE(node->is_signaled());
    EXPECT_EQ(node->timestamp(), 2);
  }
}

TEST_F(ChainTest, MayContainAnArray) {
  FakeRef a = fake(), b = fake();
  auto node = Chain::create(contexts, nullptr, Array::create(contexts, {a, b}), 1);
  Listener listener;
  node->add_callback(listener);
  a->signal(1);
  EXPECT_EQ(listener.calls, 0);
  b->signal(2);
  EXPECT_EQ(listener.calls, 1);
}

TEST_F(ChainTest, ErrorsDoNotSpread) {
  build(2);
  listen_to_all();
  fences[0]->set_error(-EIO);
  fences[0]->signal(1);
  fences[1]->signal(1);
  EXPECT_EQ(listeners[0].status, 1);
  EXPECT_EQ(listeners[1].status, 1);
}

TEST_F(ChainTest, PollsWithoutRegistering) {
  build(8);
  for (FakeRef& fence : fences) fence->done_when_polled = true;
  EXPECT_TRUE(chains[7]->is_signaled());
  for (FakeRef& fence : fences) EXPECT_EQ(fence->enables, 0);
}

TEST_F(ChainTest, APolledFenceTellsTheNodesAboveIt) {
  build(4);
  listen_to_all();
  for (size_t i : {3, 2, 1}) fences[i]->signal(1);
  fences[0]->done_when_polled = true;
  EXPECT_TRUE(chains[2]->is_signaled());
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(listeners[i].calls, 1);
}

TEST_F(ChainTest, WalkingDropsWhatIsDone) {
  build(8);
  for (size_t i : {0, 1, 3, 5, 6}) fences[i]->signal(1);
  base::Ref<Chain> head = chains[7];
  chains.clear();
  EXPECT_EQ(head->walk()->seqno(), 5u);
  EXPECT_EQ(fences[6]->ref_count(), 1u);
  EXPECT_EQ(fences[3]->ref_count(), 2u);
  EXPECT_EQ(Chain::from(head->walk().get())->walk()->seqno(), 3u);
  EXPECT_EQ(fences[3]->ref_count(), 1u);
  EXPECT_FALSE(Chain::from(Chain::from(head->walk().get())->walk().get())->walk());
}

TEST_F(ChainTest, FromKnowsChainsOnly) {
  build(1);
  FakeRef plain = fake();
  EXPECT_EQ(Chain::from(nullptr), nullptr);
  EXPECT_EQ(Chain::from(plain.get()), nullptr);
  EXPECT_EQ(Chain::from(Array::create(contexts, {plain}).get()), nullptr);
  EXPECT_EQ(Chain::from(chains[0].get()), chains[0].get());
}

TEST_F(ChainTest, DeadlineGoesToEveryPendingFenceOnce) {
  build(4);
  fences[2]->signal(1);
  chains[1]->set_deadline(200);
  chains[3]->set_deadline(300);
  EXPECT_THAT(fences[3]->deadlines, ElementsAre(300));
  EXPECT_THAT(fences[2]->deadlines, ElementsAre());
  EXPECT_THAT(fences[1]->deadlines, ElementsAre(200));
  chains[3]->set_deadline(100);
  EXPECT_THAT(fences[1]->deadlines, ElementsAre(200, 100));
  EXPECT_THAT(fences[0]->deadlines, ElementsAre(200, 100));
}

TEST_F(ChainTest, DeadlineReachesAPlainFenceBelow) {
  FakeRef below = fake();
  Chain::create(contexts, below, fake(), 1)->set_deadline(9);
  EXPECT_THAT(below->deadlines, ElementsAre(9));
}

TEST_F(ChainTest, DroppedNodeStopsListening) {
  build(3);
  chains[2]->enable_signaling();
  fences[2]->signal(1);
  chains.clear();
  for (FakeRef& fence : fences) {
    EXPECT_EQ(fence->ref_count(), 1u);
    fence->signal(1);
  }
}

TEST_F(ChainTest, DroppedWithListenersSignalsDeadlock) {
  LogCapture log;
  build(3);
  Listener head, middle;
  chains[2]->add_callback(head);
  chains[1]->add_callback(middle);
  chains.clear();
  EXPECT_EQ(head.status, -EDEADLK);
  EXPECT_EQ(middle.status, -EDEADLK);
  EXPECT_EQ(log.lines.size(), 2u);
}

TEST_F(ChainTest, ANodeMayGoWhileItLooksBelow) {
  build(2);
  auto listener = std::make_unique<Listener>();
  chains[1]->add_callback(*listener);
  fences[0]->when_polled = [&] {
    listener.reset();
    chains.clear();
  };
  fences[1]->signal(1);
  EXPECT_TRUE(chains.empty());
}

TEST_F(ChainTest, NodesMayGoWhileTheyAreSignalled) {
  std::mt19937 random(5);
  for (int round = 0; round < 100; ++round) {
    listeners.reset();
    chains.clear();
    fences.clear();
    build(16);
    listen_to_all();
    for (size_t i = 0; i < 16; ++i)
      listeners[i].then = [&, i] {
        for (size_t j : {i, (i + 1) % 16, random() % 16}) {
          listeners[j].unlink();
          chains[j] = nullptr;
        }
      };
    std::vector<FakeRef> order = fences;
    std::shuffle(order.begin(), order.end(), random);
    for (FakeRef& fence : order) fence->signal(1);
  }
}

}  // namespace
}  // namespace fakegpu::fence
