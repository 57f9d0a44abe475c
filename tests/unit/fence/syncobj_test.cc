// SPDX-License-Identifier: MIT
#include "fence/syncobj.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

#include "fakes.h"
#include "fence/chain.h"

namespace fakegpu::fence {
namespace {

using testing::ElementsAre;

struct SyncobjTest : testing::Test {
  ~SyncobjTest() override {
    box = nullptr;
    found = nullptr;
    fences.clear();
    EXPECT_EQ(FakeFence::alive, 0);
  }
  // Submits a point whose fence is fences[i].
  void submit(uint64_t point) {
    fences.push_back(fake());
    box->add_point(contexts, fences.back(), point);
  }
  void host_signal(uint64_t point) { box->add_point(contexts, make_stub(5), point); }
  uint64_t query() { return Chain::last_signaled(box->fence()); }
  uint64_t submitted() { return box->fence()->seqno(); }
  // find()'s result; `found` is the fence.
  int find(uint64_t point) {
    found = nullptr;
    return box->find(point, 99, found);
  }

  Contexts contexts;
  SyncobjRef box = base::make_ref<Syncobj>();
  std::vector<FakeRef> fences;
  FenceRef found;
};

TEST_F(SyncobjTest, EmptyBoxHasNothing) {
  EXPECT_FALSE(box->fence());
  EXPECT_EQ(query(), 0u);
  EXPECT_EQ(find(0), -EINVAL);
  EXPECT_EQ(find(1), -EINVAL);
}

TEST_F(SyncobjTest, BinaryFenceIsPointZeroOnly) {
  FakeRef fence = fake(1, 8);
  box->replace(fence);
  EXPECT_EQ(find(0), 0);
  EXPECT_EQ(found, FenceRef(fence));
  EXPECT_EQ(find(1), -EINVAL);
  fence->signal(1);
  EXPECT_EQ(query(), 0u);
}

TEST_F(SyncobjTest, PointThatIsPastAndGoneIsAStubOfNow) {
  submit(1);
  submit(2);
  fences[0]->signal(1);
  EXPECT_EQ(find(1), 0);
  EXPECT_TRUE(found->test_signaled());
  EXPECT_EQ(found->context(), 0u);
  EXPECT_EQ(found->timestamp(), 99);
  EXPECT_EQ(find(2), 0);
  EXPECT_EQ(found, box->fence());
  EXPECT_EQ(find(3), -EINVAL);
}

TEST_F(SyncobjTest, SignalledHeadAnswersForItself) {
  submit(4);
  fences[0]->signal(1);
  EXPECT_EQ(find(4), 0);
  EXPECT_EQ(found, box->fence());
  EXPECT_TRUE(found->is_signaled());
}

TEST_F(SyncobjTest, QueryGivesTheLastPointBeforeWhichAllIsDone) {
  for (uint64_t point : {2, 4, 6}) submit(point);
  EXPECT_EQ(query(), 0u);
  EXPECT_EQ(submitted(), 6u);
  fences[1]->signal(1);
  EXPECT_EQ(query(), 0u);
  fences[0]->signal(1);
  EXPECT_EQ(query(), 4u);
  fences[2]->signal(1);
  EXPECT_EQ(query(), 6u);
}

TEST_F(SyncobjTest, UnorderedPointsOneFiveThreeSixSeven) {
  for (uint64_t point : {1, 5, 3, 6, 7}) submit(point);
  EXPECT_EQ(query(), 0u);
  fences[0]->signal(1);
  fences[1]->signal(1);
  EXPECT_EQ(query(), 0u);
  fences[2]->signal(1);
  EXPECT_EQ(query(), 5u);
  fences[3]->signal(1);
  EXPECT_EQ(query(), 6u);
  fences[4]->signal(1);
  EXPECT_EQ(query(), 7u);
}

TEST_F(SyncobjTest, APendingPointBelowTheHeadDropsTheQueryToZero) {
  submit(4);
  fences[0]->signal(1);
  EXPECT_EQ(query(), 4u);
  submit(1);
  EXPECT_EQ(query(), 0u);
  EXPECT_EQ(submitted(), 4u);
}

TEST_F(SyncobjTest, HostSignalledPointCountsWhenTheEarlierOnesAreDone) {
  for (uint64_t point : {1, 2, 3, 5, 6}) submit(point);
  for (int i : {0, 1, 2}) fences[i]->signal(1);
  EXPECT_EQ(query(), 3u);
  host_signal(8);
  EXPECT_EQ(query(), 3u);
  fences[3]->signal(1);
  EXPECT_EQ(query(), 5u);
  fences[4]->signal(1);
  EXPECT_EQ(query(), 8u);
}

TEST_F(SyncobjTest, HostSignalledPointsInOrder) {
  for (uint64_t point = 1; point <= 20; ++point) {
    host_signal(point);
    EXPECT_EQ(query(), point);
  }
}

TEST_F(SyncobjTest, SignallingPointZeroLeavesPendingPointsPending) {
  submit(1);
  host_signal(0);
  EXPECT_EQ(submitted(), 1u);
  EXPECT_FALSE(box->fence()->is_signaled());
  EXPECT_EQ(query(), 0u);
  fences[0]->signal(1);
  EXPECT_TRUE(box->fence()->is_signaled());
  EXPECT_EQ(query(), 1u);
  submit(2);
  box->replace(make_stub(1));
  EXPECT_TRUE(box->fence()->is_signaled());
  EXPECT_EQ(query(), 0u);
}

TEST_F(SyncobjTest, PointsAroundThirtyTwoBitsStayMonotone) {
  const uint64_t points[] = {1,          0x7ffffffe,  0x7fffffff,  0x80000000,        0x80000001,
                             0xfffffffe, 0xffffffffu, 0x100000000, 0x100000001ull + 5};
  for (uint64_t point : points) submit(point);
  for (size_t i = 0; i < fences.size(); ++i) {
    fences[i]->signal(1);
    EXPECT_EQ(query(), points[i]);
  }
}

TEST_F(SyncobjTest, AddingAPointOnABinaryFenceWaitsForBoth) {
  FakeRef below = fake();
  box->replace(below);
  host_signal(3);
  EXPECT_EQ(query(), 0u);
  below->signal(1);
  EXPECT_EQ(query(), 3u);
}

TEST_F(SyncobjTest, AddingAChainAsAPointAddsWhatItWaitsFor) {
  for (uint64_t point : {1, 2}) {
    fences.push_back(fake(point));
    box->add_point(contexts, fences.back(), point);
  }
  auto other = base::make_ref<Syncobj>();
  other->add_point(contexts, box->fence(), 9);
  EXPECT_FALSE(Chain::from(Chain::from(other->fence().get())->contained().get()));
  EXPECT_EQ(Chain::last_signaled(other->fence()), 0u);
  fences[1]->signal(1);
  EXPECT_EQ(Chain::last_signaled(other->fence()), 0u);
  fences[0]->signal(1);
  EXPECT_EQ(Chain::last_signaled(other->fence()), 9u);
}

// TRANSFER to point 0 is find() in the source and replace() in the destination.
TEST_F(SyncobjTest, ATransferredPointIsAStubBelowTheHeadAndANodeAtTheHead) {
  submit(1);
  submit(2);
  for (FakeRef& fence : fences) fence->signal(1);
  auto other = base::make_ref<Syncobj>();
  ASSERT_EQ(find(1), 0);
  other->replace(found);
  EXPECT_EQ(Chain::last_signaled(other->fence()), 0u);
  ASSERT_EQ(find(2), 0);
  other->replace(found);
  EXPECT_EQ(Chain::last_signaled(other->fence()), 2u);
}

TEST_F(SyncobjTest, ObserversHearThatItIsGone) {
  struct Gone final : SyncobjObserver {
    void syncobj_changed(Syncobj&) override { ADD_FAILURE(); }
    void syncobj_gone() override {
      EXPECT_FALSE(linked());
      ++gone;
    }
    int gone = 0;
  } first, second;
  box->observe(first);
  box->observe(second);
  box = nullptr;
  EXPECT_EQ(first.gone, 1);
  EXPECT_EQ(second.gone, 1);
}

TEST_F(SyncobjTest, ResetLetsTheFenceGo) {
  submit(1);
  box->replace(nullptr);
  EXPECT_EQ(fences[0]->ref_count(), 1u);
  EXPECT_EQ(find(0), -EINVAL);
}

// Sees changes; and does `then` each time.
struct Observer final : SyncobjObserver {
  void syncobj_changed(Syncobj& box) override {
    ++calls;
    seen = box.fence();
    if (then) then();
  }
  int calls = 0;
  FenceRef seen;
  base::UniqueFunction<void()> then;
};

TEST_F(SyncobjTest, ObserversHearOfEveryOtherFence) {
  Observer observer;
  box->observe(observer);
  FakeRef fence = fake();
  box->replace(fence);
  EXPECT_EQ(observer.calls, 1);
  EXPECT_EQ(observer.seen, FenceRef(fence));
  box->replace(fence);
  EXPECT_EQ(observer.calls, 1);
  box->replace(nullptr);
  EXPECT_EQ(observer.calls, 2);
  box->replace(nullptr);
  EXPECT_EQ(observer.calls, 2);
  host_signal(1);
  EXPECT_EQ(observer.calls, 3);
  EXPECT_EQ(observer.seen, box->fence());
}

TEST_F(SyncobjTest, ObserversMayUnregisterThemselvesAndOthers) {
  std::vector<std::unique_ptr<Observer>> observers;
  for (int i = 0; i < 4; ++i) {
    observers.push_back(std::make_unique<Observer>());
    box->observe(*observers.back());
  }
  observers[1]->then = [&] {
    observers[0].reset();
    observers[1]->unlink();
    observers[3].reset();
  };
  host_signal(1);
  EXPECT_EQ(observers[2]->calls, 1);
  host_signal(2);
  EXPECT_EQ(observers[1]->calls, 1);
  EXPECT_EQ(observers[2]->calls, 2);
}

TEST_F(SyncobjTest, ObserverRegisteredMeanwhileHearsOnlyTheNextChange) {
  Observer late;
  Observer early;
  early.then = [&] {
    if (!late.linked()) box->observe(late);
  };
  box->observe(early);
  host_signal(1);
  EXPECT_EQ(late.calls, 0);
  host_signal(2);
  EXPECT_EQ(late.calls, 1);
  EXPECT_EQ(early.calls, 2);
}

TEST_F(SyncobjTest, ObserverMayChangeTheBoxAgainOrLetItGo) {
  Observer other;
  Observer changes;
  changes.then = [&] {
    if (changes.calls == 1) box->replace(nullptr);
    if (changes.calls == 2) box = nullptr;
  };
  box->observe(changes);
  box->observe(other);
  box->replace(make_stub(1));
  EXPECT_FALSE(box);
  EXPECT_EQ(changes.calls, 2);
  EXPECT_GE(other.calls, 1);
  EXPECT_FALSE(other.seen);
  EXPECT_FALSE(other.linked());
}

}  // namespace
}  // namespace fakegpu::fence
