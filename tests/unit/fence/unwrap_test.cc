// SPDX-License-Identifier: MIT
// The kernel's dma-fence-unwrap selftests by meaning (drivers/dma-buf/st-dma-fence-unwrap.c), and
// what merging keeps for any set of fences.
#include "fence/unwrap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "fakes.h"
#include "fence/array.h"
#include "fence/chain.h"

namespace fakegpu::fence {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct UnwrapTest : testing::Test {
  ~UnwrapTest() override {
    merged = nullptr;
    EXPECT_EQ(FakeFence::alive, 0);
  }
  static std::vector<Fence*> leaves(const FenceRef& head) {
    std::vector<Fence*> found;
    Unwrap walk(head);
    while (Fence* leaf = walk.next()) found.push_back(leaf);
    return found;
  }
  FenceRef array(std::vector<FenceRef> members) {
    return Array::create(contexts, std::move(members));
  }
  FenceRef chain(FenceRef previous, FenceRef contained, uint64_t seqno = 1) {
    return Chain::create(contexts, std::move(previous), std::move(contained), seqno);
  }
  void merge(const std::vector<FenceRef>& fences) { merged = fence::merge(contexts, fences); }
  // What `merged` waits for.
  std::vector<Fence*> members() { return leaves(merged); }

  Contexts contexts;
  FenceRef merged;
};

TEST_F(UnwrapTest, NothingHasNoLeaves) {
  EXPECT_THAT(leaves(nullptr), IsEmpty());
}

TEST_F(UnwrapTest, APlainFenceIsItsOwnLeaf) {
  FakeRef fence = fake();
  EXPECT_THAT(leaves(fence), ElementsAre(fence.get()));
  fence->signal(1);
  EXPECT_THAT(leaves(fence), ElementsAre(fence.get()));
}

TEST_F(UnwrapTest, AnArraysLeavesAreItsMembersInOrder) {
  FakeRef a = fake(), b = fake(), c = fake();
  EXPECT_THAT(leaves(array({c, a, b})), ElementsAre(c.get(), a.get(), b.get()));
  EXPECT_THAT(leaves(array({})), IsEmpty());
}

TEST_F(UnwrapTest, AChainsLeavesAreItsFencesNewestFirst) {
  FakeRef a = fake(), b = fake(), c = fake();
  EXPECT_THAT(leaves(chain(chain(a, b), c, 2)), ElementsAre(c.get(), b.get(), a.get()));
}

TEST_F(UnwrapTest, ArraysInAChainAreTakenApart) {
  FakeRef a = fake(), b = fake(), c = fake(), d = fake(), e = fake();
  const FenceRef head = chain(chain(array({a, b}), array({}), 1), array({c, d}), 2);
  EXPECT_THAT(leaves(head), ElementsAre(c.get(), d.get(), a.get(), b.get()));
  EXPECT_THAT(leaves(chain(head, e, 3)), ElementsAre(e.get(), c.get(), d.get(), a.get(), b.get()));
}

TEST_F(UnwrapTest, WalkingDropsNodesThatAreDone) {
  FakeRef a = fake(), b = fake(), c = fake();
  const FenceRef head = chain(chain(a, b), c, 2);
  b->signal(1);
  EXPECT_THAT(leaves(head), ElementsAre(c.get(), a.get()));
  EXPECT_EQ(b->ref_count(), 1u);
}

TEST_F(UnwrapTest, AHundredThousandPointsCostNoStack) {
  FenceRef head;
  for (uint64_t i = 1; i <= 100'000; ++i) head = chain(head, array({fake(i), fake(i)}), i);
  EXPECT_EQ(leaves(head).size(), 200'000u);
}

TEST_F(UnwrapTest, MergingNothingGivesASignalledStub) {
  merge({});
  EXPECT_EQ(merged->status(), 1);
  EXPECT_EQ(merged->timestamp(), 0);
  merge({nullptr});
  EXPECT_EQ(merged->driver_name(), "stub");
}

TEST_F(UnwrapTest, MergingSignalledFencesGivesAStubOfTheLatestSignal) {
  FakeRef a = fake(1), b = fake(2), c = fake(3);
  a->signal(5);
  b->set_error(-EIO);
  b->signal(9);
  c->signal(7);
  merge({a, array({b, c})});
  EXPECT_EQ(merged->driver_name(), "stub");
  EXPECT_EQ(merged->status(), 1);
  EXPECT_EQ(merged->timestamp(), 9);
}

TEST_F(UnwrapTest, MergingLeavesASinglePendingFenceAsItIs) {
  FakeRef a = fake(1), b = fake(2);
  a->signal(1);
  merge({a, chain(nullptr, b)});
  EXPECT_EQ(merged, FenceRef(b));
}

TEST_F(UnwrapTest, MergingOneContextKeepsTheLatest) {
  FakeRef a = fake(1, 1), b = fake(1, 2);
  merge({a, b});
  EXPECT_EQ(merged, FenceRef(b));
  merge({b, a});
  EXPECT_EQ(merged, FenceRef(b));
}

TEST_F(UnwrapTest, MergingAFenceWithItselfGivesThatFence) {
  FakeRef a = fake(1, 1);
  merge({a, array({a, a}), a});
  EXPECT_EQ(merged, FenceRef(a));
}

TEST_F(UnwrapTest, MergedFencesStandByAscendingContext) {
  FakeRef a = fake(7, 1), b = fake(3, 9), c = fake(5, 2);
  merge({a, b, c});
  EXPECT_EQ(merged->driver_name(), "dma_fence_array");
  EXPECT_THAT(members(), ElementsAre(b.get(), c.get(), a.get()));
}

TEST_F(UnwrapTest, MergingMixesContexts) {
  FakeRef a1 = fake(1, 1), a2 = fake(1, 2), b1 = fake(2, 1), b2 = fake(2, 2);
  merge({array({a1, b2}), chain(b1, a2)});
  EXPECT_THAT(members(), ElementsAre(a2.get(), b2.get()));
  a2->signal(1);
  EXPECT_FALSE(merged->is_signaled());
  b2->signal(2);
  EXPECT_TRUE(merged->is_signaled());
}

TEST_F(UnwrapTest, MergingAsksOwnersThatDoNotReport) {
  FakeRef a = fake(1), b = fake(2);
  a->done_when_polled = true;
  merge({a, b});
  EXPECT_EQ(merged, FenceRef(b));
}

// Counts in 32 bits, as a sw_sync timeline.
class Wrapping final : public Fence {
 public:
  explicit Wrapping(uint32_t seqno) : Fence(1, seqno) { count_in_32_bits(); }
  std::string_view timeline_name() const override { return "wrapping"; }
};

TEST_F(UnwrapTest, MergingFollowsSeqnosAroundThirtyTwoBits) {
  const FenceRef before = base::make_ref<Wrapping>(0xfffffff0);
  const FenceRef after = base::make_ref<Wrapping>(5);
  EXPECT_TRUE(Fence::is_later(*after, *before));
  EXPECT_FALSE(Fence::is_later(*before, *after));
  for (const auto& order : {std::vector{before, after}, std::vector{after, before}}) {
    merge(order);
    EXPECT_EQ(merged, after);
  }
}

// A plain fence, or a container of such, of few contexts; some have signalled.
FenceRef random_tree(Contexts& contexts, std::vector<FakeRef>& made) {
  const auto plain = [&] {
    made.push_back(fake(*rc::gen::inRange<uint64_t>(1, 6), *rc::gen::inRange<uint64_t>(1, 20)));
    return FenceRef(made.back());
  };
  const auto array_or_plain = [&]() -> FenceRef {
    if (*rc::gen::inRange(0, 2) == 0) return plain();
    std::vector<FenceRef> members;
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i) members.push_back(plain());
    return Array::create(contexts, std::move(members));
  };
  FenceRef head = array_or_plain();
  for (int i = *rc::gen::inRange(0, 5); i > 0; --i)
    head = Chain::create(contexts, head, array_or_plain(), *rc::gen::inRange<uint64_t>(0, 9));
  return head;
}

TEST(Merge, KeepsExactlyTheLatestPendingFenceOfEachContext) {
  EXPECT_TRUE(rc::check([] {
    Contexts contexts;
    std::vector<FakeRef> made;
    std::vector<FenceRef> trees;
    for (int i = *rc::gen::inRange(0, 5); i > 0; --i) trees.push_back(random_tree(contexts, made));
    base::Nanos now = 0;
    for (const FakeRef& fence : made)
      if (*rc::gen::inRange(0, 3) == 0) fence->signal(++now);

    std::map<uint64_t, uint64_t> expected;
    for (const FakeRef& fence : made)
      if (!fence->test_signaled())
        expected[fence->context()] = std::max(expected[fence->context()], fence->seqno());

    const FenceRef merged = merge(contexts, trees);
    std::map<uint64_t, uint64_t> kept;
    uint64_t previous = 0;
    Unwrap leaves(merged);
    while (Fence* leaf = leaves.next()) {
      if (leaf->test_signaled()) continue;
      RC_ASSERT(leaf->context() > previous);
      previous = leaf->context();
      kept[leaf->context()] = leaf->seqno();
    }
    RC_ASSERT(kept == expected);
    // It signals when, and only when, the last of them has.
    RC_ASSERT(merged->is_signaled() == expected.empty());
    for (const FakeRef& fence : made) fence->signal(++now);
    RC_ASSERT(merged->is_signaled());
  }));
  EXPECT_EQ(FakeFence::alive, 0);
}

}  // namespace
}  // namespace fakegpu::fence
