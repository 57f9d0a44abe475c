// SPDX-License-Identifier: MIT
// Arrays of syncobjs as long as the kernel takes them, and one longer. All entries but the last are
// the same syncobj.
#include <gtest/gtest.h>

#include "client.h"

namespace fakegpu::conformance {
namespace {

constexpr uint32_t kMaxWait = 65'536;
constexpr uint32_t kMaxArray = 524'288;

class LargeArrays : public testing::Test {
 protected:
  std::vector<uint32_t> handles(uint32_t count, uint32_t last) const {
    std::vector<uint32_t> all(count, many_);
    all.back() = last;
    return all;
  }
  uint64_t point_of(uint32_t handle) const {
    uint64_t point = 0;
    EXPECT_EQ(client_.query({&handle, 1}, {&point, 1}), 0);
    return point;
  }

  const Client client_;
  const uint32_t many_ = client_.make_syncobj();
  const uint32_t last_ = client_.make_syncobj();
};

TEST_F(LargeArrays, AreSignalledAndResetToTheLast) {
  ASSERT_EQ(client_.signal(handles(kMaxArray, last_)), 0);
  EXPECT_EQ(client_.wait({&many_, 1}, 0, 0), 0);
  EXPECT_EQ(client_.wait({&last_, 1}, 0, 0), 0);
  ASSERT_EQ(client_.reset(handles(kMaxArray, last_)), 0);
  EXPECT_EQ(client_.wait({&many_, 1}, 0, 0), -EINVAL) << "without a fence";
  EXPECT_EQ(client_.wait({&last_, 1}, 0, 0), -EINVAL);
}

TEST_F(LargeArrays, OfPointsAreSignalledAndQueriedToTheLast) {
  std::vector<uint64_t> points(kMaxArray);
  for (uint32_t i = 0; i < kMaxArray; ++i) points[i] = i + 1;
  const std::vector<uint32_t> all = handles(kMaxArray, last_);
  ASSERT_EQ(client_.timeline_signal(all, points), 0);
  std::vector<uint64_t> found(kMaxArray);
  ASSERT_EQ(client_.query(all, found), 0);
  EXPECT_EQ(found.front(), kMaxArray - 1);
  EXPECT_EQ(found[kMaxArray - 2], kMaxArray - 1);
  EXPECT_EQ(found.back(), kMaxArray);
}

TEST_F(LargeArrays, AreWaitedForToTheLast) {
  ASSERT_EQ(client_.signal({&many_, 1}), 0);
  const std::vector<uint32_t> all = handles(kMaxWait, last_);
  const std::vector<uint64_t> points(kMaxWait);
  EXPECT_EQ(client_.wait(all, 0, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL), -EINVAL);
  EXPECT_EQ(client_.timeline_wait(all, points, 0, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL), -EINVAL);
  EXPECT_EQ(client_.wait(all, client_.deadline(kMilli),
                         DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL | DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT),
            -ETIME);
  ASSERT_EQ(client_.signal({&last_, 1}), 0);
  EXPECT_EQ(client_.wait(all, 0, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL), 0);
  EXPECT_EQ(client_.timeline_wait(all, points, 0, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL), 0);
  ASSERT_EQ(client_.reset({&many_, 1}), 0);
  uint32_t first = 0;
  EXPECT_EQ(client_.wait(all, 0, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT, &first), 0);
  EXPECT_EQ(first, kMaxWait - 1);
}

TEST_F(LargeArrays, OfOneMoreFindNoMemoryAndChangeNothing) {
  const std::vector<uint32_t> all = handles(kMaxArray + 1, last_);
  std::vector<uint64_t> points(kMaxArray + 1, 7);
  EXPECT_EQ(client_.signal(all), -ENOMEM);
  EXPECT_EQ(client_.timeline_signal(all, points), -ENOMEM);
  EXPECT_EQ(client_.query(all, points), -ENOMEM);
  EXPECT_EQ(points, std::vector<uint64_t>(kMaxArray + 1, 7));
  EXPECT_EQ(client_.wait({&many_, 1}, 0, 0), -EINVAL) << "still without a fence";
  ASSERT_EQ(client_.signal({&many_, 1}), 0);
  EXPECT_EQ(client_.reset(all), -ENOMEM);
  EXPECT_EQ(client_.wait({&many_, 1}, 0, 0), 0) << "still signalled";

  const auto waited = std::span(all).first(kMaxWait + 1);
  const auto values = std::span(points).first(kMaxWait + 1);
  EXPECT_EQ(client_.wait(waited, 0, 0), -ENOMEM);
  EXPECT_EQ(client_.timeline_wait(waited, values, 0, 0), -ENOMEM);
}

TEST_F(LargeArrays, WithABadHandleAreRefusedWhole) {
  ASSERT_EQ(client_.signal({&many_, 1}), 0);
  std::vector<uint64_t> points(kMaxArray, 7);
  const std::vector<uint32_t> bad = handles(kMaxArray, kNoHandle);
  EXPECT_EQ(client_.signal(bad), -ENOENT);
  EXPECT_EQ(client_.reset(bad), -ENOENT);
  EXPECT_EQ(client_.timeline_signal(bad, points), -ENOENT);
  EXPECT_EQ(client_.query(bad, points), -ENOENT);
  EXPECT_EQ(points, std::vector<uint64_t>(kMaxArray, 7));
  EXPECT_EQ(client_.wait({&many_, 1}, 0, 0), 0);
  EXPECT_EQ(point_of(many_), 0u);
  // Also where the wait is too long: the kernel looks the handles up first.
  EXPECT_EQ(client_.wait(std::span(bad).last(100'000), 0, 0), -ENOENT);
}

TEST_F(LargeArrays, ThatCannotBeReadAreAFaultOnceTheirLengthIsRight) {
  for (const uint64_t address : kBadAddresses) {
    drm_syncobj_array array = {.handles = address, .count_handles = kMaxArray};
    EXPECT_EQ(client_.call(DRM_IOCTL_SYNCOBJ_SIGNAL, array), -EFAULT) << address;
    array.count_handles = kMaxArray + 1;
    EXPECT_EQ(client_.call(DRM_IOCTL_SYNCOBJ_SIGNAL, array), -ENOMEM) << address;
    array = {.handles = address, .count_handles = kMaxArray, .pad = 1};
    EXPECT_EQ(client_.call(DRM_IOCTL_SYNCOBJ_SIGNAL, array), -EINVAL) << address;
    drm_syncobj_timeline_array query = {.handles = address, .count_handles = kMaxArray};
    query.points = address;
    EXPECT_EQ(client_.call(DRM_IOCTL_SYNCOBJ_QUERY, query), -EFAULT) << address;
    query.flags = 1u << 31;
    EXPECT_EQ(client_.call(DRM_IOCTL_SYNCOBJ_QUERY, query), -EINVAL) << address;
  }
}

}  // namespace
}  // namespace fakegpu::conformance
