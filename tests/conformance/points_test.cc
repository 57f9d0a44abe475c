// SPDX-License-Identifier: MIT
// Timelines fed by hand, point by point and out of order, and what a waiter keeps: the hand-written
// half of igt's syncobj_wait and syncobj_timeline by meaning. Each fence has a sw_sync timeline of
// its own.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "blocked.h"
#include "client.h"
#include "ioctl/sync_file.h"

namespace fakegpu::conformance {
namespace {

constexpr uint32_t kImport = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE;
constexpr uint32_t kTimeline = 1u << 1;  // with a point: Linux 6.16
constexpr uint32_t kAll = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL;
constexpr uint32_t kForSubmit = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;

// A fence that is submitted when put into a box, and signals when told to.
class HandFence {
 public:
  explicit HandFence(const Client& client) : client_(client) {
    ioctl::SwSyncCreateFence arg = {.value = 1, .fence = -1};
    EXPECT_EQ(client_.fd_call(timeline_, ioctl::kSwSyncIocCreateFence, arg), 0);
    fence_ = Fd(arg.fence);
  }
  void submit(uint32_t handle, uint64_t point = 0) const {
    EXPECT_EQ(client_.fd_to_handle(fence_, handle, kImport | (point ? kTimeline : 0), point), 0);
  }
  void signal() const {
    ioctl::SwSyncInc arg = {1};
    EXPECT_EQ(client_.fd_call(timeline_, ioctl::kSwSyncIocInc, arg), 0);
  }

 private:
  const Client& client_;
  Fd timeline_ = client_.sw_sync();
  Fd fence_;
};

struct Points : testing::Test {
  uint64_t value(uint32_t flags = 0) const {
    uint64_t point = ~0ull;
    EXPECT_EQ(client.query({&handle, 1}, {&point, 1}, flags), 0);
    return point;
  }
  int signal(uint64_t point) const { return client.timeline_signal({&handle, 1}, {&point, 1}); }
  std::vector<HandFence> fences(size_t count) const {
    std::vector<HandFence> made;
    made.reserve(count);
    for (size_t i = 0; i < count; ++i) made.emplace_back(client);
    return made;
  }

  const Client client;
  const uint32_t handle = client.make_syncobj();
};

TEST_F(Points, SignalledOutOfOrderCountUpToTheFirstThatIsNot) {
  const auto each = fences(3);
  for (uint64_t i = 0; i < 3; ++i) each[i].submit(handle, i + 1);
  each[2].signal();
  EXPECT_EQ(value(), 0u);
  each[0].signal();
  EXPECT_EQ(value(), 1u);
  each[1].signal();
  EXPECT_EQ(value(), 3u);
}

TEST_F(Points, SubmittedOutOfOrderFormOneTimeline) {
  const uint64_t order[] = {1, 5, 3, 6, 7};
  const auto each = fences(std::size(order));
  for (size_t i = 0; i < std::size(order); ++i) each[i].submit(handle, order[i]);
  for (size_t i = 0; i < 3; ++i) each[i].signal();
  EXPECT_EQ(value(), 5u);
  each[4].signal();
  EXPECT_EQ(value(), 5u);
  each[3].signal();
  EXPECT_EQ(value(), 7u);
}

TEST_F(Points, SignalledByTheHostCountBehindThoseOfTheDevice) {
  const auto each = fences(2);
  ASSERT_EQ(signal(3), 0);
  each[0].submit(handle, 5);
  each[1].submit(handle, 7);
  ASSERT_EQ(signal(8), 0);
  EXPECT_EQ(value(), 3u);
  EXPECT_EQ(value(DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED), 8u);
  each[1].signal();
  EXPECT_EQ(value(), 3u);
  each[0].signal();
  EXPECT_EQ(value(), 8u);
}

TEST_F(Points, GrowBeyond31And32Bits) {
  for (const uint64_t bit : {31, 32, 63}) {
    for (const uint64_t point : {(1ull << bit) - 1, 1ull << bit, (1ull << bit) + 1}) {
      ASSERT_EQ(signal(point), 0);
      EXPECT_EQ(value(), point);
      EXPECT_EQ(client.timeline_wait({&handle, 1}, {&point, 1}, 0, 0), 0);
    }
  }
}

TEST_F(Points, ZeroAddsNothingToWaitForAndCompletesNothing) {
  const HandFence pending(client);
  pending.submit(handle, 2);
  ASSERT_EQ(signal(0), 0);
  EXPECT_EQ(value(), 0u);
  pending.signal();
  EXPECT_EQ(value(), 2u);
}

// A waiter keeps the fence that it saw first, whatever its box holds later.
TEST_F(Points, AreWaitedForAsTheyWereAtFirst) {
  for (const uint32_t flags : {0u, kAll, kForSubmit, kAll | kForSubmit}) {
    const HandFence first(client);
    const HandFence second(client);
    const uint32_t box = client.make_syncobj();
    first.submit(box);
    int result = 1;
    BlockedThread waiter([&] { result = client.wait({&box, 1}, INT64_MAX, flags); });
    waiter.wait_until_arrived(client);
    second.submit(box);
    first.signal();
    waiter.join();
    EXPECT_EQ(result, 0) << flags;
    EXPECT_EQ(client.wait({&box, 1}, 0, 0), -ETIME) << "the box has the second";
  }
}

TEST_F(Points, ResetWhileWaitingForSubmissionChangesNothing) {
  int result = 1;
  BlockedThread waiter([&] { result = client.wait({&handle, 1}, INT64_MAX, kForSubmit); });
  waiter.wait_until_arrived(client);
  ASSERT_EQ(client.reset({&handle, 1}), 0);
  const HandFence fence(client);
  fence.submit(handle);
  ASSERT_EQ(client.reset({&handle, 1}), 0);
  fence.signal();
  waiter.join();
  EXPECT_EQ(result, 0);
}

// Eight boxes go through their stages in any order while somebody waits for all, or for any.
TEST_F(Points, OfManyBoxesComeInAnyOrder) {
  constexpr size_t kBoxes = 8;
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (const bool all : {true, false}) {
    const auto each = fences(kBoxes);
    std::vector<uint32_t> boxes;
    for (size_t i = 0; i < kBoxes; ++i) boxes.push_back(client.make_syncobj());
    int result = 1;
    uint32_t first = UINT32_MAX;
    BlockedThread waiter(
        [&] { result = client.wait(boxes, INT64_MAX, kForSubmit | (all ? kAll : 0), &first); });
    waiter.wait_until_arrived(client);
    std::vector<size_t> stages;
    for (size_t i = 0; i < kBoxes; ++i) stages.insert(stages.end(), 3, i);
    std::ranges::shuffle(stages, random);
    size_t reached[kBoxes] = {};
    for (const size_t i : stages) {
      switch (reached[i]++) {
        case 0:
          each[i].submit(boxes[i]);
          break;
        case 1:
          each[i].signal();
          break;
        default:
          EXPECT_EQ(client.reset({&boxes[i], 1}), 0);
      }
    }
    waiter.join();
    EXPECT_EQ(result, 0);
    EXPECT_TRUE(all || first < kBoxes) << first;
  }
}

}  // namespace
}  // namespace fakegpu::conformance
