// SPDX-License-Identifier: MIT
// Timelines of 100,000 points. Recursion would overflow the stack; quadratic work shows in the
// number of times that fences are asked, and in minutes.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>

#include "fakes.h"
#include "fence/chain.h"
#include "fence/syncobj.h"
#include "fence/syncobj_wait.h"

namespace fakegpu::fence {
namespace {

constexpr size_t kPoints = 100'000;

struct ChainScale : testing::Test {
  ChainScale() { FakeFence::polls = 0; }
  ~ChainScale() override {
    listeners.reset();
    nodes.clear();
    fences.clear();
    box = nullptr;
    EXPECT_EQ(FakeFence::alive, 0);
  }
  void build() {
    box = base::make_ref<Syncobj>();
    for (size_t i = 0; i < kPoints; ++i) {
      fences.push_back(fake(7, i + 1));
      box->add_point(contexts, fences.back(), i + 1);
      if (keep_nodes) nodes.emplace_back(box->fence());
    }
  }
  void listen_to_all() {
    listeners = std::make_unique<Listener[]>(kPoints);
    for (size_t i = 0; i < kPoints; ++i) ASSERT_EQ(nodes[i]->add_callback(listeners[i]), 0);
  }
  void expect_linear() { EXPECT_LT(FakeFence::polls, 12 * kPoints); }

  Contexts contexts;
  base::Ref<Syncobj> box;
  bool keep_nodes = false;
  std::vector<FakeRef> fences;
  std::vector<FenceRef> nodes;
  std::unique_ptr<Listener[]> listeners;
};

TEST_F(ChainScale, IsBuiltAndDestroyedPending) {
  build();
  expect_linear();
  box = nullptr;
  for (FakeRef& fence : fences) ASSERT_EQ(fence->ref_count(), 1u);
}

TEST_F(ChainScale, IsDestroyedWhileItsHeadIsListenedTo) {
  LogCapture log;
  build();
  Listener listener;
  box->fence()->add_callback(listener);
  fences.clear();
  box = nullptr;
  EXPECT_EQ(listener.calls, 1);
}

TEST_F(ChainScale, HeadHearsTheLastOfAnyOrder) {
  for (int order = 0; order < 3; ++order) {
    FakeFence::polls = 0;
    fences.clear();
    build();
    Listener listener;
    box->fence()->add_callback(listener);
    std::vector<FakeRef> shuffled = fences;
    if (order == 1) std::reverse(shuffled.begin(), shuffled.end());
    if (order == 2) std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(1));
    for (FakeRef& fence : shuffled) {
      ASSERT_EQ(listener.calls, 0);
      fence->signal(1);
    }
    EXPECT_EQ(listener.calls, 1);
    expect_linear();
  }
}

TEST_F(ChainScale, EveryPointHearsInAnyOrder) {
  keep_nodes = true;
  for (int order = 0; order < 3; ++order) {
    FakeFence::polls = 0;
    nodes.clear();
    fences.clear();
    build();
    listen_to_all();
    std::vector<FakeRef> shuffled = fences;
    if (order == 1) std::reverse(shuffled.begin(), shuffled.end());
    if (order == 2) std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(1));
    for (FakeRef& fence : shuffled) fence->signal(1);
    for (size_t i = 0; i < kPoints; ++i) ASSERT_EQ(listeners[i].calls, 1);
    expect_linear();
  }
}

TEST_F(ChainScale, OnePointCostsWhatItSignals) {
  keep_nodes = true;
  build();
  listen_to_all();
  FakeFence::polls = 0;
  for (size_t i = 0; i < 100; ++i) fences[i]->signal(1);
  EXPECT_LT(FakeFence::polls, 400u);
  FakeFence::polls = 0;
  for (size_t i = 0; i < 100; ++i) fences[kPoints - 1 - i]->signal(1);
  EXPECT_LT(FakeFence::polls, 400u);
}

TEST_F(ChainScale, PollingFindsThatEverythingIsDone) {
  build();
  for (FakeRef& fence : fences) fence->done_when_polled = true;
  EXPECT_TRUE(box->fence()->is_signaled());
}

TEST_F(ChainScale, EnablingFindsThatEverythingIsDone) {
  build();
  for (FakeRef& fence : fences) fence->done_when_enabled = true;
  Listener listener;
  EXPECT_EQ(box->fence()->add_callback(listener), -ENOENT);
}

TEST_F(ChainScale, ADeadlineForEveryPoint) {
  keep_nodes = true;
  build();
  FakeFence::polls = 0;
  for (FenceRef& node : nodes) node->set_deadline(100);
  expect_linear();
  for (FakeRef& fence : fences) ASSERT_EQ(fence->deadline(), 100);
}

TEST_F(ChainScale, OneFenceAtEveryPoint) {
  box = base::make_ref<Syncobj>();
  FakeRef fence = fake();
  for (size_t i = 0; i < kPoints; ++i) {
    box->add_point(contexts, fence, i + 1);
    nodes.emplace_back(box->fence());
  }
  listen_to_all();
  fence->signal(1);
  for (size_t i = 0; i < kPoints; ++i) ASSERT_EQ(listeners[i].calls, 1);
}

TEST_F(ChainScale, OldPointsGoWithoutAnybodyWalking) {
  box = base::make_ref<Syncobj>();
  FakeRef stuck = fake();
  box->add_point(contexts, stuck, 1);
  for (size_t i = 1; i < kPoints; ++i) {
    FakeRef fence = fake();
    box->add_point(contexts, fence, i + 1);
    fence->signal(1);
    ASSERT_LT(FakeFence::alive, 64);
  }
}

TEST_F(ChainScale, AWaitOnEveryPointIsAnsweredByItsPoint) {
  constexpr size_t kWaits = 2000;
  box = base::make_ref<Syncobj>();
  std::vector<std::unique_ptr<SyncobjWait>> waits;
  size_t answers = 0;
  for (size_t i = 0; i < kWaits; ++i) {
    waits.push_back(std::make_unique<SyncobjWait>(std::vector<SyncobjWait::Entry>{{box, i + 1}},
                                                  WaitFlags{.for_submit = true}, 0));
    ASSERT_FALSE(waits.back()->start(0, [&answers, &waits, i](SyncobjWait::Answer) {
      ++answers;
      waits[i].reset();
    }));
  }
  for (size_t i = 0; i < kWaits; ++i) {
    fences.push_back(fake());
    box->add_point(contexts, fences.back(), i + 1);
  }
  EXPECT_EQ(answers, 0u);
  for (size_t i = 0; i < kWaits; ++i) {
    fences[i]->signal(1);
    ASSERT_EQ(answers, i + 1);
  }
}

TEST(SyncobjScale, TenThousandBoxesInOneWait) {
  constexpr size_t kBoxes = 10'000;
  for (bool all : {false, true}) {
    std::vector<SyncobjWait::Entry> entries;
    std::vector<FakeRef> fences;
    for (size_t i = 0; i < kBoxes; ++i) {
      fences.push_back(fake());
      entries.push_back({base::make_ref<Syncobj>(fences.back()), 0});
    }
    SyncobjWait wait(std::move(entries), {.all = all}, 0);
    size_t answers = 0;
    uint32_t first = 0;
    ASSERT_FALSE(wait.start(0, [&](SyncobjWait::Answer answer) {
      ++answers;
      first = answer.first_signaled;
    }));
    for (size_t i = kBoxes; i-- > 0;) {
      ASSERT_EQ(answers, all || i == kBoxes - 1 ? 0u : 1u);
      fences[i]->signal(1);
    }
    EXPECT_EQ(answers, 1u);
    EXPECT_EQ(first, all ? UINT32_MAX : kBoxes - 1);
  }
}

TEST(SyncobjScale, AThousandWaitersOnOneFence) {
  FakeRef fence = fake();
  auto box = base::make_ref<Syncobj>(fence);
  std::vector<std::unique_ptr<SyncobjWait>> waits(1000);
  std::vector<size_t> order;
  for (size_t i = 0; i < waits.size(); ++i) {
    waits[i] =
        std::make_unique<SyncobjWait>(std::vector<SyncobjWait::Entry>{{box, 0}}, WaitFlags{}, 0);
    ASSERT_FALSE(waits[i]->start(0, [&, i](SyncobjWait::Answer) {
      order.push_back(i);
      waits[i].reset();
    }));
  }
  fence->signal(1);
  EXPECT_EQ(order.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

}  // namespace
}  // namespace fakegpu::fence
