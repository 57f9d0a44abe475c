// SPDX-License-Identifier: MIT
#include "fence/array.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "fakes.h"

namespace fakegpu::fence {
namespace {

using testing::ElementsAre;
using Mode = Array::Mode;

struct ArrayTest : testing::Test {
  explicit ArrayTest(size_t n = 3) {
    for (size_t i = 0; i < n; ++i) fences.push_back(fake(i + 1));
  }
  ~ArrayTest() override {
    array = nullptr;
    fences.clear();
    EXPECT_EQ(FakeFence::alive, 0);
  }
  void make(Mode mode) { array = Array::create(contexts, {fences.begin(), fences.end()}, mode); }

  Contexts contexts;
  std::vector<FakeRef> fences;
  base::Ref<Array> array;
  Listener listener;
};

TEST_F(ArrayTest, AllWaitsForTheLastMember) {
  make(Mode::kAll);
  array->add_callback(listener);
  fences[2]->signal(30);
  fences[0]->signal(10);
  EXPECT_FALSE(array->is_signaled());
  fences[1]->signal(20);
  EXPECT_EQ(listener.calls, 1);
  EXPECT_EQ(array->status(), 1);
  EXPECT_EQ(array->timestamp(), 30);
  EXPECT_EQ(array->timeline_name(), "unbound");
}

TEST_F(ArrayTest, AnyTakesTheFirstMember) {
  make(Mode::kAny);
  array->add_callback(listener);
  fences[1]->signal(20);
  EXPECT_EQ(listener.calls, 1);
  EXPECT_EQ(array->timestamp(), 20);
  fences[0]->signal(30);
  EXPECT_EQ(listener.calls, 1);
}

TEST_F(ArrayTest, AnyTellsWhichMemberSignalled) {
  make(Mode::kAny);
  array->add_callback(listener);
  EXPECT_EQ(array->first_signaled(), -EAGAIN);
  fences[2]->signal(1);
  EXPECT_EQ(array->first_signaled(), 2);
  fences[1]->signal(2);
  EXPECT_EQ(array->first_signaled(), 1);
  EXPECT_EQ(Array::create(contexts, {}, Mode::kAny)->first_signaled(), -EINVAL);
}

TEST_F(ArrayTest, HoldsNoContainers) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  make(Mode::kAll);
  EXPECT_DEATH(Array::create(contexts, {array}), "is_container");
}

TEST_F(ArrayTest, PollsItsMembersWithoutRegistering) {
  make(Mode::kAll);
  EXPECT_FALSE(array->is_signaled());
  for (FakeRef& fence : fences) fence->done_when_polled = true;
  EXPECT_TRUE(array->is_signaled());
  for (FakeRef& fence : fences) EXPECT_EQ(fence->enables, 0);
  FakeRef never = fake();
  FakeRef done = fake();
  auto any = Array::create(contexts, {never, done}, Mode::kAny);
  EXPECT_FALSE(any->is_signaled());
  done->signal(5);
  EXPECT_FALSE(any->test_signaled());
  EXPECT_TRUE(any->is_signaled());
  EXPECT_EQ(any->timestamp(), 5);
  EXPECT_EQ(never->enables + done->enables, 0);
}

TEST_F(ArrayTest, PollingAnEnabledArrayFindsWhatDoesNotReport) {
  make(Mode::kAll);
  array->add_callback(listener);
  for (FakeRef& fence : fences) fence->done_when_polled = true;
  EXPECT_EQ(listener.calls, 0);
  EXPECT_TRUE(array->is_signaled());
  EXPECT_EQ(listener.calls, 1);
}

TEST_F(ArrayTest, FirstMemberErrorToArriveWins) {
  make(Mode::kAll);
  array->add_callback(listener);
  fences[2]->set_error(-ETIME);
  fences[2]->signal(10);
  fences[0]->set_error(-EIO);
  fences[0]->signal(10);
  EXPECT_EQ(array->error(), 0);
  fences[1]->signal(10);
  EXPECT_EQ(listener.status, -ETIME);
}

TEST_F(ArrayTest, ErrorsFromBeforeAnybodyListenedCountInOrderOfTime) {
  for (bool listen : {false, true}) {
    FakeRef a = fake(), b = fake(), c = fake();
    a->set_error(-EIO);
    a->signal(20);
    b->set_error(-ETIME);
    b->signal(10);
    auto array = Array::create(contexts, {a, b, c});
    if (listen) array->add_callback(listener);
    c->set_error(-ECANCELED);
    c->signal(30);
    EXPECT_TRUE(array->is_signaled());
    EXPECT_EQ(array->status(), -ETIME);
    EXPECT_EQ(array->timestamp(), 30);
  }
}

TEST_F(ArrayTest, AnErrorAfterAnyHasSignalledIsNotTheArrays) {
  make(Mode::kAny);
  array->add_callback(listener);
  fences[1]->signal(10);
  fences[0]->set_error(-EIO);
  LogCapture log;
  fences[0]->signal(20);
  EXPECT_EQ(array->status(), 1);
  EXPECT_TRUE(log.lines.empty());
}

TEST_F(ArrayTest, AnyReportsTheErrorOfItsWinner) {
  make(Mode::kAny);
  fences[2]->set_error(-EIO);
  fences[2]->signal(7);
  fences[0]->signal(9);
  EXPECT_EQ(array->add_callback(listener), -ENOENT);
  EXPECT_EQ(array->status(), -EIO);
  EXPECT_EQ(array->timestamp(), 7);
}

TEST_F(ArrayTest, SignalledMembersNeedNoWaiting) {
  for (FakeRef& fence : fences) fence->signal(4);
  make(Mode::kAll);
  EXPECT_EQ(array->add_callback(listener), -ENOENT);
  EXPECT_EQ(array->timestamp(), 4);
}

TEST_F(ArrayTest, MemberThatIsDoneWhenEnabledCounts) {
  make(Mode::kAll);
  fences[0]->done_when_enabled = true;
  // Enabling the second takes the third along.
  fences[1]->when_enabled = [this] { fences[2]->signal(8); };
  EXPECT_EQ(array->add_callback(listener), 0);
  fences[1]->signal(9);
  EXPECT_EQ(listener.calls, 1);
  EXPECT_EQ(array->timestamp(), 9);
}

TEST_F(ArrayTest, EnablingOneMemberMaySignalAnyAndSpareTheRest) {
  make(Mode::kAny);
  fences[0]->when_enabled = [this] { fences[0]->signal(3); };
  EXPECT_EQ(array->add_callback(listener), -ENOENT);
  EXPECT_EQ(fences[1]->enables, 0);
}

TEST_F(ArrayTest, WithoutMembersItHasSignalled) {
  for (Mode mode : {Mode::kAll, Mode::kAny}) {
    EXPECT_TRUE(Array::create(contexts, {}, mode)->is_signaled());
    EXPECT_EQ(Array::create(contexts, {}, mode)->add_callback(listener), -ENOENT);
  }
}

TEST_F(ArrayTest, OneFenceMayBeSeveralMembers) {
  fences[1] = fences[0];
  make(Mode::kAll);
  array->add_callback(listener);
  fences[0]->signal(1);
  EXPECT_EQ(listener.calls, 0);
  fences[2]->signal(2);
  EXPECT_EQ(listener.calls, 1);
}

TEST_F(ArrayTest, DeadlineGoesToEveryMember) {
  make(Mode::kAll);
  array->set_deadline(100);
  for (FakeRef& fence : fences) EXPECT_THAT(fence->deadlines, ElementsAre(100));
}

TEST_F(ArrayTest, DroppedArrayStopsListening) {
  make(Mode::kAll);
  array->enable_signaling();
  array = nullptr;
  for (FakeRef& fence : fences) {
    EXPECT_EQ(fence->ref_count(), 1u);
    fence->signal(1);
  }
}

TEST_F(ArrayTest, DroppedWithListenersSignalsDeadlock) {
  LogCapture log;
  make(Mode::kAll);
  array->add_callback(listener);
  array = nullptr;
  EXPECT_EQ(listener.status, -EDEADLK);
  EXPECT_EQ(log.lines.size(), 1u);
}

TEST_F(ArrayTest, MayGoWhileAMemberSignals) {
  for (Mode mode : {Mode::kAll, Mode::kAny}) {
    for (FakeRef& fence : fences) fence = fake();
    make(mode);
    Listener drops([this] { array = nullptr; });
    array->add_callback(drops);
    for (FakeRef& fence : fences) fence->signal(1);
    EXPECT_EQ(drops.calls, 1);
    EXPECT_FALSE(array);
  }
}

TEST_F(ArrayTest, MembersThatOnlyTheArrayHoldsGoWithIt) {
  make(Mode::kAll);
  array->enable_signaling();
  LogCapture log;
  fences.clear();
  EXPECT_EQ(FakeFence::alive, 3);
  array = nullptr;
  EXPECT_EQ(FakeFence::alive, 0);
  EXPECT_TRUE(log.lines.empty());
}

}  // namespace
}  // namespace fakegpu::fence
