// SPDX-License-Identifier: MIT
#include "fence/syncobj_event.h"

#include <gtest/gtest.h>

#include <memory>

#include "fakes.h"
#include "fence/chain.h"

namespace fakegpu::fence {
namespace {

struct SyncobjEventTest : testing::Test {
  ~SyncobjEventTest() override {
    box = nullptr;
    EXPECT_EQ(FakeFence::alive, 0);
    EXPECT_EQ(held.use_count(), 1);
  }
  void watch(uint64_t point, bool available = false) {
    SyncobjEvent::watch(*box, point, available, [this, keeps = held] {
      ++told;
      if (then) then();
    });
  }
  // Somebody is registered: what a registration holds is released when it goes.
  bool registered() const { return held.use_count() > 1; }

  Contexts contexts;
  SyncobjRef box = base::make_ref<Syncobj>();
  std::shared_ptr<int> held = std::make_shared<int>();
  base::UniqueFunction<void()> then;
  int told = 0;
};

TEST_F(SyncobjEventTest, TellsOnceWhenTheFenceSignals) {
  FakeRef fence = fake();
  box->replace(fence);
  watch(0);
  EXPECT_EQ(told, 0);
  fence->signal(1);
  EXPECT_EQ(told, 1);
  EXPECT_FALSE(registered());
  box->replace(make_stub(1));
  EXPECT_EQ(told, 1);
}

TEST_F(SyncobjEventTest, TellsAtOnceOfWhatIsAlreadyTrue) {
  box->replace(make_stub(1));
  watch(0);
  EXPECT_EQ(told, 1);
  FakeRef fence = fake();
  box->replace(fence);
  watch(0, true);
  EXPECT_EQ(told, 2);
  EXPECT_FALSE(registered());
  FakeRef done = fake();
  done->done_when_enabled = true;
  box->replace(done);
  watch(0);
  EXPECT_EQ(told, 3);
}

TEST_F(SyncobjEventTest, WaitsForThePointToBeSubmitted) {
  watch(3);
  box->replace(make_stub(1));
  box->add_point(contexts, make_stub(1), 2);
  EXPECT_EQ(told, 0);
  FakeRef fence = fake();
  box->add_point(contexts, fence, 3);
  EXPECT_EQ(told, 0);
  fence->signal(1);
  EXPECT_EQ(told, 1);
}

TEST_F(SyncobjEventTest, AvailableIsEnough) {
  watch(3, true);
  FakeRef fence = fake();
  box->add_point(contexts, fence, 5);
  EXPECT_EQ(told, 1);
  EXPECT_FALSE(registered());
}

TEST_F(SyncobjEventTest, APointThatIsPastAndGoneTellsAtOnce) {
  FakeRef one = fake(1), two = fake(2);
  box->add_point(contexts, one, 1);
  box->add_point(contexts, two, 2);
  one->signal(1);
  watch(1);
  EXPECT_EQ(told, 1);
}

TEST_F(SyncobjEventTest, GoesSilentlyWithTheSyncobjWhileThePointIsAbsent) {
  watch(1);
  watch(0, true);
  watch(7);
  EXPECT_TRUE(registered());
  box = nullptr;
  EXPECT_FALSE(registered());
  EXPECT_EQ(told, 0);
}

TEST_F(SyncobjEventTest, OnceThePointExistsTheSyncobjDoesNotMatter) {
  FakeRef fence = fake();
  watch(1);
  box->add_point(contexts, fence, 1);
  box->replace(make_stub(1));
  EXPECT_EQ(told, 0);
  box->replace(nullptr);
  box = nullptr;
  EXPECT_EQ(told, 0);
  EXPECT_TRUE(registered());
  fence->signal(1);
  EXPECT_EQ(told, 1);
}

TEST_F(SyncobjEventTest, TheFenceOutlivesTheBoxForIt) {
  FakeRef fence = fake();
  box->replace(fence);
  watch(0);
  box = nullptr;
  Fence* const raw = fence.get();
  fence.reset();
  EXPECT_EQ(FakeFence::alive, 1);
  raw->signal(1);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(FakeFence::alive, 0);
}

TEST_F(SyncobjEventTest, EachRegistrationTellsForItself) {
  FakeRef fence = fake();
  for (int i = 0; i < 5; ++i) watch(0, i % 2 == 1);
  box->replace(fence);
  EXPECT_EQ(told, 2);
  fence->signal(1);
  EXPECT_EQ(told, 5);
}

TEST_F(SyncobjEventTest, WhoIsToldMayRegisterAgainOrLetTheSyncobjGo) {
  watch(0, true);
  watch(5);
  then = [this] {
    if (told == 1) {
      watch(9);
      box = nullptr;
    }
  };
  box->replace(make_stub(1));
  EXPECT_EQ(told, 1);
  EXPECT_FALSE(box);
}

}  // namespace
}  // namespace fakegpu::fence
