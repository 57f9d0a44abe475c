// SPDX-License-Identifier: MIT
// The kernel's dma-resv selftests by meaning (drivers/dma-buf/st-dma-resv.c), for each usage, and
// the rules of what may overwrite what.
#include "fence/resv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "fakes.h"
#include "fence/array.h"

namespace fakegpu::fence {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Usage = Resv::Usage;

constexpr Usage kUsages[] = {Usage::kKernel, Usage::kWrite, Usage::kRead, Usage::kBookkeep};

std::vector<Fence*> fences_of(const std::vector<Resv::Entry>& entries) {
  std::vector<Fence*> fences;
  for (const auto& entry : entries) fences.push_back(entry.fence.get());
  return fences;
}

struct ResvTest : testing::Test {
  void add(const FenceRef& fence, Usage usage) {
    resv.reserve(1);
    resv.add(fence, usage);
  }
  std::vector<Fence*> pending(Usage usage) { return fences_of(resv.pending(usage)); }
  std::vector<Fence*> slots() { return fences_of(resv.entries()); }

  Contexts contexts;
  Resv resv;
};

TEST_F(ResvTest, EmptyHasSignalled) {
  for (Usage usage : kUsages) {
    EXPECT_TRUE(resv.test_signaled(usage));
    EXPECT_THAT(pending(usage), IsEmpty());
    EXPECT_FALSE(resv.singleton(contexts, usage));
  }
}

struct ResvOfUsage : ResvTest, testing::WithParamInterface<Usage> {
  ResvOfUsage() { add(fence, GetParam()); }
  FakeRef fence = fake();
};

INSTANTIATE_TEST_SUITE_P(Usages, ResvOfUsage, testing::ValuesIn(kUsages));

TEST_P(ResvOfUsage, LetsItsFenceGo) {
  EXPECT_EQ(fence->ref_count(), 2u);
  resv = Resv();
  EXPECT_EQ(fence->ref_count(), 1u);
}

TEST_P(ResvOfUsage, HasSignalledWhenItsFenceHas) {
  EXPECT_FALSE(resv.test_signaled(GetParam()));
  fence->signal(1);
  EXPECT_TRUE(resv.test_signaled(GetParam()));
}

TEST_P(ResvOfUsage, TheSlotsHoldTheFenceAndItsUsage) {
  for (bool signaled : {false, true}) {
    if (signaled) fence->signal(1);
    ASSERT_THAT(slots(), ElementsAre(fence.get()));
    EXPECT_EQ(resv.entries()[0].usage, GetParam());
  }
}

TEST_P(ResvOfUsage, IsSeenByThoseWhoAskForAsMuch) {
  for (Usage asked : kUsages) {
    const bool seen = asked >= GetParam();
    EXPECT_EQ(pending(asked).size(), seen ? 1u : 0u);
    EXPECT_EQ(resv.test_signaled(asked), !seen);
  }
}

TEST_P(ResvOfUsage, OneFenceIsItsOwnSingleton) {
  EXPECT_EQ(resv.singleton(contexts, GetParam()), FenceRef(fence));
  fence->signal(1);
  EXPECT_FALSE(resv.singleton(contexts, GetParam()));
}

TEST_F(ResvTest, AWriterWaitsForAllAndAReaderForWriters) {
  EXPECT_EQ(Resv::usage_rw(true), Usage::kRead);
  EXPECT_EQ(Resv::usage_rw(false), Usage::kWrite);
}

TEST_F(ResvTest, SingletonOfSeveralWaitsForAllThatCount) {
  FakeRef kernel = fake(1), write = fake(2), read = fake(3);
  add(kernel, Usage::kKernel);
  add(write, Usage::kWrite);
  add(read, Usage::kRead);
  const FenceRef both = resv.singleton(contexts, Usage::kWrite);
  EXPECT_THAT(Array::from(both.get())->members(), ElementsAre(kernel, write));
  kernel->signal(1);
  EXPECT_FALSE(both->is_signaled());
  write->signal(1);
  EXPECT_TRUE(both->is_signaled());
  EXPECT_EQ(resv.singleton(contexts, Usage::kRead), FenceRef(read));
}

TEST_F(ResvTest, ALaterFenceOfTheContextTakesThePlaceOfAnEarlier) {
  FakeRef first = fake(1, 1), other = fake(2, 1), second = fake(1, 2);
  add(first, Usage::kRead);
  add(other, Usage::kRead);
  add(second, Usage::kRead);
  EXPECT_THAT(slots(), ElementsAre(second.get(), other.get()));
  EXPECT_EQ(first->ref_count(), 1u);
}

TEST_F(ResvTest, AnEarlierFenceOfTheContextDoesNotTakeThePlaceOfALater) {
  FakeRef first = fake(1, 1), second = fake(1, 2);
  add(second, Usage::kRead);
  add(first, Usage::kRead);
  EXPECT_THAT(slots(), ElementsAre(second.get(), first.get()));
}

TEST_F(ResvTest, AUsageIsPromotedAndNeverDemoted) {
  FakeRef fence = fake();
  for (Usage usage : {Usage::kBookkeep, Usage::kRead, Usage::kWrite, Usage::kKernel}) {
    add(fence, usage);
    ASSERT_THAT(slots(), ElementsAre(fence.get()));
    EXPECT_EQ(resv.entries()[0].usage, usage);
  }
  add(fence, Usage::kRead);
  EXPECT_EQ(resv.entries()[0].usage, Usage::kKernel);
  EXPECT_EQ(slots().size(), 2u);
}

TEST_F(ResvTest, AFenceThatHasSignalledMakesRoom) {
  FakeRef done = fake(1), polled = fake(2), fence = fake(3), next = fake(4);
  add(done, Usage::kKernel);
  add(polled, Usage::kKernel);
  done->signal(1);
  add(fence, Usage::kBookkeep);
  EXPECT_THAT(slots(), ElementsAre(fence.get(), polled.get()));
  polled->done_when_polled = true;
  add(next, Usage::kRead);
  EXPECT_THAT(slots(), ElementsAre(fence.get(), next.get()));
}

TEST_F(ResvTest, SlotsHaveToBeReserved) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(resv.add(fake(), Usage::kRead), "slots_");
  resv.reserve(5);
  for (uint64_t i = 0; i < 5; ++i) resv.add(fake(i), Usage::kRead);
  EXPECT_DEATH(resv.add(fake(5), Usage::kRead), "slots_");
  // No slot is needed for what takes the place of another.
  resv.add(fake(0, 2), Usage::kRead);
  EXPECT_EQ(slots().size(), 5u);
}

TEST_F(ResvTest, AddingNeedsNoMemory) {
  resv.reserve(16);
  const Resv::Entry* const where = resv.entries().data();
  for (uint64_t i = 0; i < 16; ++i) resv.add(fake(i), Usage::kRead);
  EXPECT_EQ(resv.entries().data(), where);
}

TEST_F(ResvTest, ContainersAreNotAdded) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  resv.reserve(1);
  EXPECT_DEATH(resv.add(Array::create(contexts, {fake()}), Usage::kRead), "is_container");
}

TEST_F(ResvTest, ReplacingGivesEveryFenceOfAContextAnother) {
  FakeRef a = fake(1, 1), b = fake(2, 1), c = fake(1, 2), update = fake(3, 1);
  add(a, Usage::kWrite);
  add(b, Usage::kWrite);
  add(c, Usage::kBookkeep);
  resv.replace_fences(1, update, Usage::kBookkeep);
  EXPECT_THAT(slots(), ElementsAre(update.get(), b.get(), update.get()));
  EXPECT_THAT(pending(Usage::kRead), ElementsAre(b.get()));
  EXPECT_EQ(a->ref_count(), 1u);
  resv.replace_fences(9, a, Usage::kKernel);
  EXPECT_THAT(slots(), ElementsAre(update.get(), b.get(), update.get()));
}

TEST_F(ResvTest, DeadlineGoesToWhatIsPendingAndAskedFor) {
  FakeRef done = fake(1), write = fake(2), read = fake(3);
  add(done, Usage::kWrite);
  add(write, Usage::kWrite);
  add(read, Usage::kRead);
  done->signal(1);
  resv.set_deadline(Usage::kWrite, 50);
  EXPECT_THAT(done->deadlines, IsEmpty());
  EXPECT_THAT(write->deadlines, ElementsAre(50));
  EXPECT_THAT(read->deadlines, IsEmpty());
}

TEST_F(ResvTest, CopyingTakesWhatIsPendingUpToRead) {
  FakeRef done = fake(1), write = fake(2), read = fake(3), bookkeep = fake(4), before = fake(5);
  add(done, Usage::kKernel);
  add(write, Usage::kWrite);
  add(read, Usage::kRead);
  add(bookkeep, Usage::kBookkeep);
  done->signal(1);
  Resv copy;
  copy.reserve(1);
  copy.add(before, Usage::kWrite);
  copy.copy_fences(resv);
  EXPECT_THAT(fences_of(copy.entries()), ElementsAre(write.get(), read.get()));
  EXPECT_EQ(copy.entries()[1].usage, Usage::kRead);
  EXPECT_EQ(before->ref_count(), 1u);
  EXPECT_EQ(slots().size(), 4u);
}

TEST_F(ResvTest, WhatASignalSetsOffMayAddAndReserve) {
  FakeRef polled = fake(1), late = fake(2), added = fake(3);
  Listener listener([&] {
    for (uint64_t i = 10; i < 20; ++i) add(fake(i), Usage::kRead);
    add(late, Usage::kKernel);
  });
  add(polled, Usage::kRead);
  polled->add_callback(listener);
  polled->done_when_polled = true;
  resv.reserve(8);
  EXPECT_EQ(pending(Usage::kRead).size(), 11u);
  EXPECT_THAT(pending(Usage::kKernel), ElementsAre(late.get()));
  for (uint64_t i = 30; i < 38; ++i) resv.add(fake(i), Usage::kRead);
  EXPECT_EQ(pending(Usage::kRead).size(), 19u);
}

// However fences come, signal and are replaced: whoever asks waits for all that was added.
TEST(Resv, NeverLosesAPendingFence) {
  EXPECT_TRUE(rc::check([] {
    Resv resv;
    std::vector<Resv::Entry> added;
    base::Nanos now = 0;
    for (int step = *rc::gen::inRange(1, 60); step > 0; --step) {
      if (added.empty() || *rc::gen::inRange(0, 3) != 0) {
        const Resv::Entry entry{
            fake(*rc::gen::inRange<uint64_t>(1, 6), *rc::gen::inRange<uint64_t>(1, 10)),
            kUsages[*rc::gen::inRange(0, 4)]};
        resv.reserve(*rc::gen::inRange<size_t>(1, 4));
        resv.add(entry.fence, entry.usage);
        added.push_back(entry);
      } else {
        // A context signals in order: all up to some fence of it.
        const Fence& last = *added[*rc::gen::inRange<size_t>(0, added.size())].fence;
        for (const auto& entry : added)
          if (entry.fence->context() == last.context() && entry.fence->seqno() <= last.seqno())
            entry.fence->signal(++now);
      }
      for (Usage asked : kUsages) {
        const auto pending = resv.pending(asked);
        for (const auto& entry : added) {
          if (entry.usage > asked || entry.fence->test_signaled()) continue;
          RC_ASSERT(std::any_of(pending.begin(), pending.end(), [&](const Resv::Entry& found) {
            return found.fence->context() == entry.fence->context() &&
                   found.fence->seqno() >= entry.fence->seqno();
          }));
        }
      }
    }
  }));
  EXPECT_EQ(FakeFence::alive, 0);
}

}  // namespace
}  // namespace fakegpu::fence
