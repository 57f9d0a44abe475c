// SPDX-License-Identifier: MIT
// The hand-written waits of igt's syncobj_wait and syncobj_timeline by meaning, and lifetimes.
#include "fence/syncobj_wait.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

#include "fakes.h"
#include "fence/chain.h"

namespace fakegpu::fence {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Answer = SyncobjWait::Answer;
using Entry = SyncobjWait::Entry;

constexpr WaitFlags kAny{};
constexpr WaitFlags kAll{.all = true};
constexpr WaitFlags kForSubmit{.for_submit = true};
constexpr WaitFlags kAvailable{.available = true};

struct SyncobjWaitTest : testing::Test {
  ~SyncobjWaitTest() override {
    wait.reset();
    for (SyncobjRef& box : boxes) box = nullptr;
    EXPECT_EQ(FakeFence::alive, 0);
  }
  std::optional<Answer> start(std::vector<Entry> entries, WaitFlags flags,
                              base::Nanos deadline = 0) {
    answers.clear();
    wait = std::make_unique<SyncobjWait>(std::move(entries), flags, deadline);
    return wait->start(50, [this](Answer answer) { answers.push_back(answer.first_signaled); });
  }
  // Waits for all boxes at point 0.
  std::optional<Answer> start(WaitFlags flags) {
    return start({{boxes[0]}, {boxes[1]}, {boxes[2]}}, flags);
  }
  FakeRef submit(size_t i) {
    FakeRef fence = fake();
    boxes[i]->replace(fence);
    return fence;
  }

  Contexts contexts;
  SyncobjRef boxes[3] = {base::make_ref<Syncobj>(), base::make_ref<Syncobj>(),
                         base::make_ref<Syncobj>()};
  std::unique_ptr<SyncobjWait> wait;
  std::vector<uint32_t> answers;  // first_signaled of each call of `done`
};

TEST_F(SyncobjWaitTest, NoEntriesIsSuccessAtOnce) {
  for (WaitFlags flags : {kAny, kAll, kForSubmit, kAvailable}) {
    const auto answer = start(std::vector<Entry>{}, flags);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->result, 0);
    EXPECT_EQ(answer->first_signaled, UINT32_MAX);
  }
}

TEST_F(SyncobjWaitTest, AbsentFenceIsAnErrorEvenBehindASignalledOne) {
  boxes[0]->replace(make_stub(1));
  for (WaitFlags flags : {kAny, kAll}) {
    const auto answer = start(flags);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->result, -EINVAL);
    EXPECT_EQ(answer->first_signaled, UINT32_MAX);
  }
  // Nothing was left registered.
  submit(1);
  EXPECT_THAT(answers, IsEmpty());
}

TEST_F(SyncobjWaitTest, APointThatIsNotThereYetIsAbsentToo) {
  FakeRef fence = fake();
  boxes[0]->add_point(contexts, fence, 5);
  EXPECT_EQ(start({{boxes[0], 6}}, kAny)->result, -EINVAL);
  EXPECT_FALSE(start({{boxes[0], 6}}, kForSubmit));
  EXPECT_FALSE(start({{boxes[0], 5}}, kAny));
  EXPECT_FALSE(start({{boxes[0], 2}}, kAny));
  fence->signal(1);
  EXPECT_THAT(answers, ElementsAre(0));
}

TEST_F(SyncobjWaitTest, AnErrorCountsAsSignalled) {
  FakeRef fence = submit(0);
  fence->set_error(-EIO);
  EXPECT_FALSE(start({{boxes[0]}}, kAny));
  fence->signal(1);
  EXPECT_THAT(answers, ElementsAre(0));
}

TEST_F(SyncobjWaitTest, AllHoldsTheFirstIndexThatWasDoneAtEntry) {
  FakeRef a = submit(0);
  FakeRef b = submit(1);
  FakeRef c = submit(2);
  b->signal(1);
  EXPECT_FALSE(start(kAll));
  c->signal(1);
  a->signal(1);
  EXPECT_THAT(answers, ElementsAre(1));
  FakeRef d = submit(0);
  boxes[1]->replace(d);
  boxes[2]->replace(d);
  EXPECT_FALSE(start(kAll));
  d->signal(1);
  EXPECT_THAT(answers, ElementsAre(UINT32_MAX));
}

TEST_F(SyncobjWaitTest, AnyGivesTheLowestIndexThatOneSignalMadeDone) {
  FakeRef shared = fake();
  boxes[0]->replace(fake());
  EXPECT_FALSE(start({{boxes[0]}, {boxes[1]}, {boxes[2]}}, kForSubmit));
  boxes[2]->replace(shared);
  boxes[1]->replace(shared);
  shared->signal(1);
  EXPECT_THAT(answers, ElementsAre(1));
}

TEST_F(SyncobjWaitTest, AnySnapshotIgnoresResubmission) {
  FakeRef first = submit(0);
  EXPECT_FALSE(start({{boxes[0]}}, kAny));
  FakeRef second = submit(0);
  second->signal(1);
  EXPECT_THAT(answers, IsEmpty());
  boxes[0]->replace(nullptr);
  EXPECT_THAT(answers, IsEmpty());
  first->signal(2);
  EXPECT_THAT(answers, ElementsAre(0));
}

TEST_F(SyncobjWaitTest, AllSnapshotIgnoresResetOfWhatWasDone) {
  FakeRef a = submit(0);
  FakeRef b = submit(1);
  a->signal(1);
  EXPECT_FALSE(start({{boxes[0]}, {boxes[1]}}, kAll));
  boxes[0]->replace(nullptr);
  submit(0);
  b->signal(2);
  EXPECT_THAT(answers, ElementsAre(0));
}

TEST_F(SyncobjWaitTest, ForSubmitSnapshotIsTheFirstFenceThatComes) {
  EXPECT_FALSE(start({{boxes[0]}}, kForSubmit));
  FakeRef first = submit(0);
  FakeRef second = submit(0);
  second->signal(1);
  EXPECT_THAT(answers, IsEmpty());
  first->signal(2);
  EXPECT_THAT(answers, ElementsAre(0));
}

TEST_F(SyncobjWaitTest, ResetDuringWaitForSubmitKeepsWaitingForASubmission) {
  FakeRef other = submit(1);
  EXPECT_FALSE(start({{boxes[0]}, {boxes[1]}}, {.all = true, .for_submit = true}));
  boxes[0]->replace(nullptr);
  other->signal(1);
  FakeRef fence = submit(0);
  boxes[0]->replace(nullptr);
  EXPECT_THAT(answers, IsEmpty());
  fence->signal(2);
  EXPECT_THAT(answers, ElementsAre(UINT32_MAX));
}

TEST_F(SyncobjWaitTest, DelayedSignalByTheHost) {
  EXPECT_FALSE(start({{boxes[0]}}, kForSubmit));
  boxes[0]->replace(make_stub(1));
  EXPECT_THAT(answers, ElementsAre(0));
}

TEST_F(SyncobjWaitTest, AvailableAnswersWhenThePointAppears) {
  boxes[0]->add_point(contexts, fake(), 3);
  EXPECT_EQ(start({{boxes[0], 3}}, kAvailable)->first_signaled, 0u);
  EXPECT_FALSE(start({{boxes[0], 4}, {boxes[1], 1}}, {.all = true, .available = true}));
  boxes[1]->add_point(contexts, fake(), 2);
  EXPECT_THAT(answers, IsEmpty());
  boxes[0]->add_point(contexts, fake(), 4);
  EXPECT_THAT(answers, ElementsAre(UINT32_MAX));
}

TEST_F(SyncobjWaitTest, APointThatIsPastWhenItAppearsIsDone) {
  EXPECT_FALSE(start({{boxes[0], 1}}, kForSubmit));
  FenceRef head = Chain::create(contexts, nullptr, make_stub(1), 1);
  boxes[0]->replace(Chain::create(contexts, head, fake(), 2));
  EXPECT_THAT(answers, ElementsAre(0));
}

TEST_F(SyncobjWaitTest, LaterPointsDoNotDelayAnEarlierOne) {
  FakeRef one = fake();
  boxes[0]->add_point(contexts, one, 1);
  EXPECT_FALSE(start({{boxes[0], 1}}, kAny));
  boxes[0]->add_point(contexts, fake(), 2);
  one->signal(1);
  EXPECT_THAT(answers, ElementsAre(0));
}

TEST_F(SyncobjWaitTest, OneBoxMayBeSeveralEntries) {
  FakeRef fence = submit(0);
  EXPECT_FALSE(start({{boxes[0]}, {boxes[0]}, {boxes[0]}}, kAll));
  fence->signal(1);
  EXPECT_THAT(answers, ElementsAre(UINT32_MAX));
  EXPECT_FALSE(start({{boxes[1]}, {boxes[1]}}, {.all = true, .for_submit = true}));
  submit(1)->signal(1);
  EXPECT_THAT(answers, ElementsAre(UINT32_MAX));
  EXPECT_FALSE(start({{boxes[2]}, {boxes[2]}}, kForSubmit));
  boxes[2]->replace(make_stub(1));
  EXPECT_THAT(answers, ElementsAre(0));
}

TEST_F(SyncobjWaitTest, PollsFencesThatDoNotReport) {
  FakeRef fence = submit(0);
  fence->done_when_polled = true;
  EXPECT_EQ(start({{boxes[0]}}, kAny)->result, 0);
  EXPECT_FALSE(start({{boxes[1]}}, kForSubmit));
  FakeRef late = fake();
  late->done_when_polled = true;
  boxes[1]->replace(late);
  EXPECT_THAT(answers, ElementsAre(0));
}

TEST_F(SyncobjWaitTest, AFenceThatIsDoneWhenEnabledAnswersAtOnce) {
  FakeRef a = submit(0);
  FakeRef b = submit(1);
  FakeRef c = submit(2);
  b->done_when_enabled = true;
  const auto answer = start(kAny);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->first_signaled, 1u);
  EXPECT_EQ(c->enables, 0);
  a->signal(1);
  EXPECT_THAT(answers, IsEmpty());
}

TEST_F(SyncobjWaitTest, EnablingMaySignalSeveralEntriesAtOnce) {
  FakeRef a = submit(0);
  FakeRef b = submit(1);
  b->done_when_enabled = true;
  b->when_enabled = [&] { a->signal(1); };
  const auto answer = start({{boxes[0]}, {boxes[1]}}, kAny);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->first_signaled, 0u);
  EXPECT_THAT(answers, IsEmpty());
}

TEST_F(SyncobjWaitTest, EnablingMaySubmitWhatIsMissing) {
  FakeRef a = submit(0);
  a->when_enabled = [&] { boxes[1]->replace(make_stub(1)); };
  EXPECT_FALSE(start({{boxes[0]}, {boxes[1]}}, {.all = true, .for_submit = true}));
  a->signal(2);
  EXPECT_THAT(answers, ElementsAre(UINT32_MAX));
}

TEST_F(SyncobjWaitTest, DeadlineGoesToEveryLatchedFence) {
  FakeRef first = submit(0);
  EXPECT_FALSE(start({{boxes[0]}, {boxes[1]}}, {.all = true, .for_submit = true}, 1234));
  EXPECT_THAT(first->deadlines, ElementsAre(1234));
  FakeRef late = submit(1);
  EXPECT_THAT(late->deadlines, ElementsAre(1234));
  FakeRef none = submit(2);
  EXPECT_FALSE(start({{boxes[2]}}, kAny));
  EXPECT_THAT(none->deadlines, IsEmpty());
}

TEST_F(SyncobjWaitTest, DestroyedWaitIsSilentAndLetsGo) {
  FakeRef fence = submit(0);
  EXPECT_FALSE(start({{boxes[0]}, {boxes[1]}}, kForSubmit));
  EXPECT_EQ(boxes[1]->ref_count(), 2u);
  wait.reset();
  EXPECT_EQ(boxes[1]->ref_count(), 1u);
  EXPECT_EQ(fence->ref_count(), 2u);
  fence->signal(1);
  boxes[1]->replace(make_stub(1));
  EXPECT_THAT(answers, IsEmpty());
}

TEST_F(SyncobjWaitTest, HoldsTheFenceItLatched) {
  LogCapture log;
  Fence* raw = submit(0).get();
  EXPECT_FALSE(start({{boxes[0]}}, kAny));
  boxes[0]->replace(nullptr);
  EXPECT_EQ(FakeFence::alive, 1);
  FenceRef(raw)->signal(1);
  EXPECT_THAT(answers, ElementsAre(0));
  // Destroying a wait that alone holds its fence does not answer it.
  submit(0);
  EXPECT_FALSE(start({{boxes[0]}}, kAny));
  boxes[0]->replace(nullptr);
  wait.reset();
  EXPECT_THAT(answers, IsEmpty());
  EXPECT_EQ(log.lines.size(), 0u);
}

TEST_F(SyncobjWaitTest, DoneMayDestroyTheWait) {
  FakeRef fence = fake();
  for (int way = 0; way < 4; ++way) {
    bool called = false;
    const WaitFlags flags = way < 2 ? kForSubmit : WaitFlags{.for_submit = true, .available = true};
    boxes[0] = base::make_ref<Syncobj>();
    auto owned = std::make_unique<SyncobjWait>(
        std::vector<Entry>{{boxes[0]}, {boxes[0]}, {boxes[0], 0}}, flags, 0);
    ASSERT_FALSE(owned->start(0, [&](Answer) {
      called = true;
      owned.reset();
    }));
    if (way == 0) {
      FakeRef signals = submit(0);
      signals->signal(1);
    } else if (way == 1) {
      boxes[0]->replace(make_stub(1));
    } else if (way == 2) {
      boxes[0]->replace(fence);
    } else {
      boxes[0]->add_point(contexts, fence, 1);
    }
    EXPECT_TRUE(called);
    EXPECT_EQ(owned, nullptr);
  }
}

// A late fence that, when asked, signals what the same wait already listens to.
TEST_F(SyncobjWaitTest, DoneMayDestroyTheWaitWhileALateFenceIsLookedAt) {
  for (bool poll : {true, false}) {
    FakeRef early = submit(0);
    boxes[1] = base::make_ref<Syncobj>();
    auto owned =
        std::make_unique<SyncobjWait>(std::vector<Entry>{{boxes[0]}, {boxes[1]}}, kForSubmit, 0);
    uint32_t first = UINT32_MAX;
    ASSERT_FALSE(owned->start(0, [&](Answer answer) {
      first = answer.first_signaled;
      owned.reset();
    }));
    FakeRef late = fake();
    (poll ? late->when_polled : late->when_enabled) = [&] { early->signal(1); };
    boxes[1]->replace(late);
    EXPECT_EQ(first, 0u);
    EXPECT_EQ(owned, nullptr);
  }
}

TEST_F(SyncobjWaitTest, DoneMayStartAnotherWaitAndResubmit) {
  FakeRef fence = submit(0);
  std::unique_ptr<SyncobjWait> next;
  std::vector<uint32_t> order;
  SyncobjWait first({{boxes[0]}}, kAny, 0);
  ASSERT_FALSE(first.start(0, [&](Answer) {
    order.push_back(1);
    boxes[0]->replace(nullptr);
    next = std::make_unique<SyncobjWait>(std::vector<Entry>{{boxes[0]}}, kForSubmit, 0);
    EXPECT_FALSE(next->start(0, [&](Answer) { order.push_back(2); }));
  }));
  fence->signal(1);
  EXPECT_THAT(order, ElementsAre(1));
  boxes[0]->replace(make_stub(1));
  EXPECT_THAT(order, ElementsAre(1, 2));
}

}  // namespace
}  // namespace fakegpu::fence
