// SPDX-License-Identifier: MIT
#include "fence/sw_sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cerrno>
#include <climits>
#include <memory>
#include <string>

#include "fakes.h"
#include "fence/unwrap.h"

namespace fakegpu::fence {
namespace {

using testing::ElementsAre;

struct SwSyncTest : testing::Test {
  FenceRef at(uint32_t value) { return timeline->create_fence(value, now); }
  void inc(uint32_t step) { timeline->inc(step, now); }

  base::Nanos now = 100;
  Contexts contexts;
  SwTimelineRef timeline = base::make_ref<SwTimeline>(contexts, "client");
};

TEST_F(SwSyncTest, FencesCarryTheTimelinesIdentity) {
  const FenceRef fence = at(3);
  EXPECT_EQ(fence->driver_name(), "sw_sync");
  EXPECT_EQ(fence->timeline_name(), "client");
  EXPECT_EQ(fence->context(), timeline->context());
  EXPECT_EQ(fence->seqno(), 3u);
  EXPECT_NE(base::make_ref<SwTimeline>(contexts, "")->context(), timeline->context());
  EXPECT_EQ(base::make_ref<SwTimeline>(contexts, std::string(40, 'c'))->name(),
            std::string(31, 'c'));
}

TEST_F(SwSyncTest, IncrementSignalsWhatIsReached) {
  const FenceRef one = at(1), two = at(2), four = at(4);
  now = 200;
  inc(1);
  EXPECT_EQ(one->status(), 1);
  EXPECT_EQ(one->timestamp(), 200);
  EXPECT_EQ(two->status(), 0);
  inc(2);
  EXPECT_EQ(two->status(), 1);
  EXPECT_EQ(four->status(), 0);
  EXPECT_EQ(timeline->value(), 3u);
  inc(1);
  EXPECT_EQ(four->status(), 1);
}

TEST_F(SwSyncTest, AValueAlreadyReachedHasSignalled) {
  inc(5);
  for (uint32_t value : {0u, 4u, 5u}) {
    const FenceRef fence = at(value);
    EXPECT_TRUE(fence->test_signaled());
    EXPECT_EQ(fence->timestamp(), 100);
    EXPECT_EQ(fence->seqno(), value);
  }
  EXPECT_FALSE(at(6)->is_signaled());
}

TEST_F(SwSyncTest, SignalsInOrderOfValues) {
  std::vector<uint32_t> order;
  std::vector<FenceRef> fences;
  std::vector<std::unique_ptr<Listener>> listeners;
  for (uint32_t value : {5, 2, 9, 1, 7}) {
    fences.push_back(at(value));
    listeners.push_back(std::make_unique<Listener>([&order, value] { order.push_back(value); }));
    fences.back()->add_callback(*listeners.back());
  }
  inc(8);
  EXPECT_THAT(order, ElementsAre(1, 2, 5, 7));
}

TEST_F(SwSyncTest, APendingValueHasOneFence) {
  const FenceRef first = at(1);
  EXPECT_EQ(at(1), first);
  inc(1);
  EXPECT_FALSE(at(1) == first);
}

TEST_F(SwSyncTest, ADroppedFenceIsForgotten) {
  at(1);
  inc(1);
  EXPECT_EQ(timeline->ref_count(), 1u);
}

TEST_F(SwSyncTest, ClosingEndsWhatIsPendingWithNoSuchEntry) {
  const FenceRef done = at(1), one = at(2), two = at(3);
  inc(1);
  timeline->close(300);
  timeline = nullptr;
  EXPECT_EQ(done->status(), 1);
  EXPECT_EQ(one->status(), -ENOENT);
  EXPECT_EQ(two->status(), -ENOENT);
  EXPECT_EQ(two->timestamp(), 300);
  EXPECT_EQ(one->timeline_name(), "client");
}

TEST_F(SwSyncTest, CountsAroundThirtyTwoBits) {
  inc(0xfffffff0);
  const FenceRef before = at(0xfffffffe), after = at(3);
  EXPECT_TRUE(Fence::is_later(*after, *before));
  EXPECT_EQ(merge(contexts, std::vector{before, after}), after);
  inc(0xe);
  EXPECT_TRUE(before->test_signaled());
  EXPECT_FALSE(after->test_signaled());
  inc(5);
  EXPECT_EQ(timeline->value(), 3u);
  EXPECT_TRUE(after->test_signaled());
  EXPECT_TRUE(at(0xfffffffe)->test_signaled());
}

TEST_F(SwSyncTest, TheFutureIsHalfTheRange) {
  EXPECT_FALSE(at(INT_MAX)->test_signaled());
  EXPECT_TRUE(at(0x80000000)->test_signaled());
  EXPECT_TRUE(at(UINT32_MAX)->test_signaled());
}

TEST_F(SwSyncTest, AStepAboveIntMaxPassesEverything) {
  const FenceRef last = at(INT_MAX);
  inc(UINT32_MAX);
  EXPECT_TRUE(last->test_signaled());
  EXPECT_EQ(timeline->value(), UINT32_MAX);
}

TEST_F(SwSyncTest, CallbacksMayDropFencesAndTheTimeline) {
  std::vector<FenceRef> fences;
  for (uint32_t value = 1; value <= 4; ++value) fences.push_back(at(value));
  Listener drops([&] {
    fences.clear();
    timeline = nullptr;
  });
  fences[0]->add_callback(drops);
  inc(3);
  EXPECT_EQ(drops.calls, 1);
  EXPECT_FALSE(timeline);
}

TEST_F(SwSyncTest, AFenceLetGoWhileSomebodyListensMakesWayForAnother) {
  LogCapture log;
  FenceRef next;
  Listener listener([&] { next = at(1); });
  FenceRef fence = at(1);
  fence->add_callback(listener);
  fence = nullptr;
  EXPECT_EQ(listener.status, -EDEADLK);
  ASSERT_TRUE(next);
  EXPECT_FALSE(next->test_signaled());
  inc(1);
  EXPECT_EQ(next->status(), 1);
}

TEST_F(SwSyncTest, DeadlineIsTheEarliestThatWasSet) {
  const FenceRef fence = at(1);
  base::Nanos deadline = 77;
  EXPECT_EQ(SwTimeline::deadline(*fence, deadline), -ENOENT);
  for (base::Nanos when : {50, 30, 40}) fence->set_deadline(when);
  EXPECT_EQ(SwTimeline::deadline(*fence, deadline), 0);
  EXPECT_EQ(deadline, 30);
  deadline = 77;
  EXPECT_EQ(SwTimeline::deadline(*fake(), deadline), -EINVAL);
  EXPECT_EQ(deadline, 77);
}

// A value has been reached if it is not ahead of the timeline's: the kernel's comparison, one fence
// at a time.
TEST(SwSync, SignalsExactlyWhatIsReachedAndInOrder) {
  EXPECT_TRUE(rc::check([] {
    Contexts contexts;
    auto timeline = base::make_ref<SwTimeline>(contexts, "client");
    timeline->inc(*rc::gen::element<uint32_t>(0, INT_MAX, 0xfffffff8), 0);
    std::vector<FenceRef> fences;
    std::vector<std::unique_ptr<Listener>> listeners;
    std::vector<uint32_t> order;
    for (int step = *rc::gen::inRange(1, 40); step > 0; --step) {
      if (*rc::gen::inRange(0, 3) != 0) {
        const uint32_t value = timeline->value() + *rc::gen::inRange<uint32_t>(0, 24) - 4;
        const FenceRef fence = timeline->create_fence(value, 0);
        RC_ASSERT(fence->seqno() == value);
        fences.push_back(fence);
        auto listener = std::make_unique<Listener>([&order, value] { order.push_back(value); });
        if (fence->add_callback(*listener) == 0) listeners.push_back(std::move(listener));
      } else {
        order.clear();
        timeline->inc(*rc::gen::inRange<uint32_t>(0, 8), 0);
        for (size_t i = 1; i < order.size(); ++i)
          RC_ASSERT(static_cast<int32_t>(order[i] - order[i - 1]) >= 0);
      }
      for (const FenceRef& fence : fences) {
        const bool ahead =
            static_cast<int32_t>(static_cast<uint32_t>(fence->seqno()) - timeline->value()) > 0;
        RC_ASSERT(fence->test_signaled() == !ahead);
      }
    }
    timeline->close(0);
    for (const FenceRef& fence : fences) RC_ASSERT(fence->test_signaled());
  }));
}

}  // namespace
}  // namespace fakegpu::fence
