// SPDX-License-Identifier: MIT
#include "fence/sync_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "fakes.h"
#include "fence/array.h"
#include "fence/chain.h"

namespace fakegpu::fence {
namespace {

using testing::ElementsAre;

class Named final : public Fence {
 public:
  Named(std::string driver, std::string timeline, uint64_t context, uint64_t seqno)
      : Fence(context, seqno), driver_(std::move(driver)), timeline_(std::move(timeline)) {}
  std::string_view driver_name() const override { return driver_; }
  std::string_view timeline_name() const override { return timeline_; }

 private:
  std::string driver_, timeline_;
};

std::string text(const SyncFile::Name& name) {
  EXPECT_EQ(name.back(), '\0');
  return name.data();
}

struct SyncFileTest : testing::Test {
  ~SyncFileTest() override {
    file = nullptr;
    EXPECT_EQ(FakeFence::alive, 0);
  }
  void open(FenceRef fence, std::string_view name = {}) {
    file = base::make_ref<SyncFile>(std::move(fence), name);
  }
  std::vector<int> statuses() const {
    std::vector<int> all;
    for (const auto& fence : info.fences) all.push_back(fence.status);
    return all;
  }

  Contexts contexts;
  SyncFileRef file;
  SyncFile::Info info;
};

TEST_F(SyncFileTest, NameComesFromTheFenceWhenTheUserGaveNone) {
  open(base::make_ref<Named>("drm_sched", "gfx", 12, 34));
  EXPECT_EQ(text(file->name()), "drm_sched-gfx12-34");
  open(base::make_ref<Named>("a", "b", UINT64_MAX, UINT64_MAX));
  EXPECT_EQ(text(file->name()), "a-b18446744073709551615--1");
  open(Array::create(contexts, {fake()}));
  EXPECT_EQ(text(file->name()), "dma_fence_array-unbound1-1");
  open(Chain::create(contexts, nullptr, fake(), 8));
  EXPECT_EQ(text(file->name()), "dma_fence_chain-unbound2-8");
}

TEST_F(SyncFileTest, NamesAreCutToThirtyOneBytes) {
  open(fake(), std::string(40, 'n'));
  EXPECT_EQ(text(file->name()), std::string(31, 'n'));
  open(fake(), std::string_view("ab\0cd", 5));
  EXPECT_EQ(text(file->name()), "ab");
  const std::string driver(40, 'd'), timeline(40, 't');
  open(base::make_ref<Named>(driver, timeline, 1, 1));
  EXPECT_EQ(text(file->name()), std::string(31, 'd'));
  ASSERT_EQ(file->info(1, info), 0);
  EXPECT_EQ(text(info.fences[0].driver_name), std::string(31, 'd'));
  EXPECT_EQ(text(info.fences[0].obj_name), std::string(31, 't'));
}

TEST_F(SyncFileTest, InfoTellsOfEveryLeaf) {
  FakeRef a = fake(1), b = fake(2), c = fake(3);
  open(Chain::create(contexts, a, Array::create(contexts, {b, c}), 1), "mine");
  c->set_error(-ETIME);
  c->signal(70);
  ASSERT_EQ(file->info(3, info), 0);
  EXPECT_EQ(text(info.name), "mine");
  EXPECT_EQ(info.num_fences, 3u);
  EXPECT_THAT(statuses(), ElementsAre(0, -ETIME, 0));
  EXPECT_EQ(info.fences[0].timestamp_ns, 0u);
  EXPECT_EQ(info.fences[1].timestamp_ns, 70u);
  EXPECT_EQ(text(info.fences[0].obj_name), "fake");
  EXPECT_EQ(text(info.fences[0].driver_name), "fakegpu");
  EXPECT_EQ(info.status, 0);
}

TEST_F(SyncFileTest, OverallStatusIsTheFirstThatIsNotOne) {
  FakeRef a = fake(1), b = fake(2), c = fake(3);
  open(Array::create(contexts, {a, b, c}));
  a->signal(1);
  b->set_error(-EIO);
  b->signal(1);
  ASSERT_EQ(file->info(8, info), 0);
  EXPECT_THAT(statuses(), ElementsAre(1, -EIO, 0));
  EXPECT_EQ(info.status, -EIO);
  c->signal(1);
  ASSERT_EQ(file->info(8, info), 0);
  EXPECT_EQ(info.status, -EIO);
}

TEST_F(SyncFileTest, OverallStatusIsOneWhenAllAre) {
  FakeRef a = fake(1), b = fake(2);
  open(Array::create(contexts, {a, b}));
  a->signal(1);
  b->signal(1);
  ASSERT_EQ(file->info(2, info), 0);
  EXPECT_EQ(info.status, 1);
}

TEST_F(SyncFileTest, AskedForNoFencesItGivesTheirNumberAndTheStatusOfTheWhole) {
  FakeRef a = fake(1), b = fake(2);
  open(Array::create(contexts, {a, b}));
  ASSERT_EQ(file->info(0, info), 0);
  EXPECT_EQ(info.num_fences, 2u);
  EXPECT_TRUE(info.fences.empty());
  EXPECT_EQ(info.status, 0);
  a->set_error(-EIO);
  a->signal(1);
  b->signal(1);
  ASSERT_EQ(file->info(0, info), 0);
  EXPECT_EQ(info.status, -EIO);
}

TEST_F(SyncFileTest, TheStatusOfAChainHidesErrorsOfItsMembers) {
  FakeRef a = fake(1);
  open(Chain::create(contexts, nullptr, a, 1));
  a->set_error(-EIO);
  a->signal(1);
  ASSERT_EQ(file->info(0, info), 0);
  EXPECT_EQ(info.status, 1);
  ASSERT_EQ(file->info(1, info), 0);
  EXPECT_EQ(info.status, -EIO);
}

TEST_F(SyncFileTest, TooLittleRoomIsRefusedAndChangesNothing) {
  open(Array::create(contexts, {fake(1), fake(2), fake(3)}));
  info.num_fences = 77;
  EXPECT_EQ(file->info(2, info), -EINVAL);
  EXPECT_EQ(info.num_fences, 77u);
  EXPECT_EQ(file->info(3, info), 0);
}

TEST_F(SyncFileTest, MergeWaitsForBothAndLeavesThem) {
  FakeRef a = fake(1), b = fake(2);
  open(a);
  auto other = base::make_ref<SyncFile>(b);
  auto merged = SyncFile::merge(contexts, "both", *file, *other);
  EXPECT_EQ(text(merged->name()), "both");
  EXPECT_EQ(file->fence(), FenceRef(a));
  EXPECT_EQ(other->fence(), FenceRef(b));
  a->signal(1);
  EXPECT_FALSE(merged->fence()->is_signaled());
  b->signal(1);
  EXPECT_TRUE(merged->fence()->is_signaled());
}

TEST_F(SyncFileTest, MergeOfSignalledFilesHasOneFence) {
  FakeRef a = fake(1), b = fake(2);
  open(a);
  auto other = base::make_ref<SyncFile>(b);
  a->signal(3);
  b->signal(4);
  auto merged = SyncFile::merge(contexts, "", *file, *other);
  ASSERT_EQ(merged->info(1, info), 0);
  EXPECT_EQ(text(info.name), "stub-stub0-0");
  EXPECT_THAT(statuses(), ElementsAre(1));
  EXPECT_EQ(info.fences[0].timestamp_ns, 4u);
}

TEST_F(SyncFileTest, PollingWakesOnceWhenItSignals) {
  FakeRef a = fake();
  open(a);
  Listener waker;
  EXPECT_FALSE(file->poll(waker));
  EXPECT_FALSE(file->poll(waker));
  EXPECT_EQ(a->enables, 1);
  a->set_error(-EIO);
  a->signal(1);
  EXPECT_EQ(waker.calls, 1);
  EXPECT_TRUE(file->poll(waker));
  EXPECT_EQ(waker.calls, 1);
}

TEST_F(SyncFileTest, PollingFindsWhatDoesNotReport) {
  FakeRef a = fake();
  open(a);
  Listener waker;
  a->done_when_polled = true;
  EXPECT_TRUE(file->poll(waker));
  FakeRef b = fake();
  open(b);
  Listener other;
  b->done_when_enabled = true;
  EXPECT_TRUE(file->poll(other));
  EXPECT_EQ(other.calls, 0);
}

TEST_F(SyncFileTest, DeadlineGoesToTheFence) {
  FakeRef a = fake(1), b = fake(2);
  open(Array::create(contexts, {a, b}));
  file->set_deadline(40);
  EXPECT_THAT(a->deadlines, ElementsAre(40));
  EXPECT_THAT(b->deadlines, ElementsAre(40));
}

}  // namespace
}  // namespace fakegpu::fence
